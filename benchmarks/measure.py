"""A whole process, measured from outside.

Seconds are of the clock, from start to end. Peak memory is twofold: ``resident`` is all that the process had in memory
(VmHWM), ``own`` what it had allocated (RssAnon). Mapped pages of a file are resident but not own: they are the page
cache's, which gives them up when somebody else needs the memory.

Rules: the page cache is warm (a first round is run and not counted), since that is the state in which a server works;
commands that are compared take turns, so that what else the machine does meets all of them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from exchange.base.paths import ROOT

_SAMPLE_SECONDS: Final = 0.01
_KIB: Final = 1024
_FIGURE: Final = re.compile(r"^(\w+):\s+([0-9]+) kB$", re.MULTILINE)


class Failed(Exception):
    """A measured process ended with an error, or two gave different answers."""


@dataclass(frozen=True)
class Run:
    """``own`` and ``resident`` in bytes; ``told``: the JSON object of the process's last line, empty without one."""

    seconds: float
    processor_seconds: float
    own: int
    resident: int
    told: Mapping[str, Any]

    @property
    def figures(self) -> dict[str, float]:
        """What was measured, by name."""
        return {
            "seconds": self.seconds,
            "processor": self.processor_seconds,
            "own": self.own,
            "resident": self.resident,
        }


def python(module: str, *arguments: object) -> list[str]:
    """The command that runs a module of this project."""
    return [sys.executable, "-m", module, *[str(argument) for argument in arguments]]


def run(command: Sequence[str]) -> Run:
    """Runs the command to its end; Failed where it does not end well."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output)
        own = resident = 0
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            now = _memory(process.pid)
            own, resident = max(own, now.get("RssAnon", 0)), max(resident, now.get("VmHWM", 0))
            time.sleep(_SAMPLE_SECONDS)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        told = _told(output.read().decode())
    if process.returncode != 0:
        msg = f"{' '.join(command)} ended with {process.returncode}"
        raise Failed(msg)
    return Run(seconds, usage.ru_utime + usage.ru_stime, own, resident, told)


def _memory(pid: int) -> dict[str, int]:
    """The figures of the process's status that count memory, in bytes; none when it has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return {}
    return {name: int(value) * _KIB for name, value in _FIGURE.findall(status)}


def _told(output: str) -> dict[str, Any]:
    lines = output.strip().splitlines()
    if not lines or not lines[-1].startswith("{"):
        return {}
    told: dict[str, Any] = json.loads(lines[-1])
    return told


def in_turn(
    commands: Mapping[str, Sequence[str]], runs: int, few: Mapping[str, int] | None = None
) -> dict[str, list[Run]]:
    """Every command ``runs`` times, or as often as ``few`` says, in turn, after a first round that is not counted."""
    done: dict[str, list[Run]] = {name: [] for name in commands}
    for command in commands.values():
        run(command)
    for turn in range(runs):
        for name, command in commands.items():
            if turn < (few or {}).get(name, runs):
                done[name].append(run(command))
    return done


def middle(runs: Sequence[Run]) -> Run:
    """The median of each figure; what was told is the last run's."""
    return Run(
        median(run.seconds for run in runs),
        median(run.processor_seconds for run in runs),
        int(median(run.own for run in runs)),
        int(median(run.resident for run in runs)),
        runs[-1].told,
    )
