"""``python -m benchmarks.adhoc.idle``: what a quiet office takes, in processor time by part of the world and in
memory; nothing is sent to it.

Environment: ``SECONDS`` that are measured (300); ``PARTNERS`` beside the demo's own (0);
``TRY``: settings of Airflow that are turned at half the time, ``section.name=value``, with a start anew of what reads
them; ``WORLD`` (var/bench-idle).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.adhoc.world import running
from benchmarks.workers.load import Parts, family, processor_seconds, spent
from exchange.base.files import write_atomically
from exchange.demo.servers import processes
from exchange.demo.servers.airflow import COMPONENTS, Airflow
from exchange.demo.world import World

_SETTLING_SECONDS: Final = 60.0


def parts_of(world: World, airflow: Airflow) -> Parts:
    """The components of Airflow, tasks with their scheduler, and the database; servers of partners are not the
    office's.
    """
    pids = {name: [_pid(airflow.folder / f"{name}.pid")] for name in COMPONENTS}
    (database,) = world.postgres.folder.glob("*/data/postmaster.pid")
    return pids | {"PostgreSQL": [_pid(database)]}


def _pid(path: Path) -> int:
    return int(path.read_text("ascii").split()[0])


def measured(parts: Parts, seconds: float) -> Mapping[str, float]:
    """Cores by part."""
    begin, before = time.monotonic(), processor_seconds(parts)
    time.sleep(seconds)
    took = time.monotonic() - begin
    return {name: each / took for name, each in spent(before, processor_seconds(parts)).items()}


def turn(airflow: Airflow, settings: str) -> None:
    """Gives Airflow these settings and starts its components anew."""
    path = airflow.folder / "airflow.cfg"
    lines = path.read_text("utf-8").splitlines()
    for each in settings.split():
        name, _, value = each.partition("=")
        section, _, setting = name.partition(".")
        lines = [line for line in lines if not line.startswith(f"{setting} =")]
        lines.insert(lines.index(f"[{section}]") + 1, f"{setting} = {value}")
    write_atomically(path, "\n".join(lines).encode() + b"\n")
    for name, command in airflow.commands.items():
        processes.stop(airflow.folder, name)
        processes.start(airflow.folder, name, command, airflow.environment())


def _say(what: str, cores: Mapping[str, float], parts: Parts) -> None:
    several = "  ".join(f"{name} {each:.3f}" for name, each in cores.items())
    pids = [each for pids in parts.values() for pid in pids for each in family(pid)]
    mebibytes = sum(map(_kibibytes, pids)) / 1024
    print(
        f"{what}: {sum(cores.values()):.3f} cores ({several}), {mebibytes:.0f} MiB, {len(pids)} processes", flush=True
    )


def _kibibytes(pid: int) -> int:
    """A process's memory, what it shares with others in its share (proc_pid_smaps(5): PSS)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def main() -> None:
    seconds, settings = float(os.environ.get("SECONDS", "300")), os.environ.get("TRY", "")
    with running(Path(os.environ.get("WORLD", "var/bench-idle")), int(os.environ.get("PARTNERS", "0"))) as here:
        world, airflow, _ = here
        for what, turned in (("as it is", ""), (settings, settings)) if settings else (("as it is", ""),):
            if turned:
                turn(airflow, turned)
            time.sleep(_SETTLING_SECONDS)
            parts = parts_of(world, airflow)
            _say(what, measured(parts, seconds), parts)


if __name__ == "__main__":
    main()
