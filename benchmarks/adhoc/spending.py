"""Where the processor's time goes while sets are answered, by part of the world: the office's, the servers of partners,
and the benchmark's own, which share the machine with it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from benchmarks.adhoc.idle import parts_of
from benchmarks.workers.load import Parts, family, processor_seconds, spent
from exchange.demo.partner import DemoPartner
from exchange.demo.servers.airflow import Airflow
from exchange.demo.world import World

_WORKER: Final = "airflow worker -- "
_EXECUTOR: Final = f"{_WORKER}LocalExecutor"
LOOKOUT: Final = "lookout"
RESIDENT: Final = "resident workers"


def begun(world: World, airflow: Airflow, partners: Iterable[DemoPartner]) -> Callable[[int], Mapping[str, float]]:
    """From now on; when it is called with a number of sets, milliseconds of each part for one of them, and how many
    cores were busy with all. Where a lookout has changed meanwhile, its part and its workers' are the scheduler's.
    """
    parts = {**parts_of(world, airflow), **_tasks(airflow)}
    parts["servers of partners"] = [_pid(each.server.folder / "sftp.pid") for each in partners]
    before, since = _seconds(parts), time.monotonic()

    def ended(sets: int) -> Mapping[str, float]:
        took, found = time.monotonic() - since, spent(before, _seconds(parts))
        if not all(_runs_task(pid) for name in (LOOKOUT, RESIDENT) for pid in parts[name]):
            found["scheduler"] += found.pop(LOOKOUT) + found.pop(RESIDENT)
        cores = sum(found.values()) / took
        return {name: 1000 * each / sets for name, each in found.items()} | {"cores busy": cores}

    return ended


def _tasks(airflow: Airflow) -> Parts:
    """The lookouts on duty now, and the processes that they have forked; other tasks are their scheduler's."""
    tasks = [pid for pid in family(_pid(airflow.folder / "scheduler.pid")) if _runs_task(pid)]
    resident = [pid for pid in tasks if _runs_task(_parent(pid))]
    return {LOOKOUT: [pid for pid in tasks if pid not in resident], RESIDENT: resident}


def _seconds(parts: Parts) -> dict[str, float]:
    """By part; what is within another one is that one's no more."""
    seconds, own = processor_seconds(parts), os.times()
    seconds["scheduler"] -= seconds[LOOKOUT]
    seconds[LOOKOUT] -= seconds[RESIDENT]
    return seconds | {"this program": own.user + own.system}


def _runs_task(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return command.startswith(_WORKER) and not command.startswith(_EXECUTOR)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()[1])


def _pid(path: Path) -> int:
    return int(path.read_text("ascii").split()[0])
