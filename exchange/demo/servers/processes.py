"""Long-running processes of the demo world: started detached, found again later, stopped with all that they started.

Rules: a process is known by its pid and its start time together, so that a pid which was given to somebody else is
never signalled; each leads a process group of its own; stopping asks the process and everything that descends from it
(also what made itself a session of its own, as OpenSSH's children do), waits, then kills what is left. Logs are 0600.
Folders are absolute. Linux only: it reads ``/proc``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.base.errors import Halt
from exchange.base.files import make_folder, write_atomically

_STOP_SECONDS: Final = 15.0
_KILL_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.05

_children: Final[dict[int, subprocess.Popen[bytes]]] = {}  # started by this very process, which must collect them


@dataclass(frozen=True)
class _Living:
    """A process that runs; ``started`` is in clock ticks since the machine's start, and never changes."""

    pid: int
    started: str
    parent: int
    group: int


def start(folder: Path, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Starts a process that outlives this one; nothing to do while it runs.

    It works in ``folder``, writes to ``<folder>/<name>.log``, and is remembered in ``<folder>/<name>.pid``.
    """
    if is_running(folder, name):
        return
    if (ended := _kept(folder, name)) is not None:
        _collect(ended[0])
    make_folder(folder)
    log = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(environment) if environment is not None else None,
            start_new_session=True,
            cwd=folder,
        )
    finally:
        os.close(log)
    _children[process.pid] = process
    seen = _look(process.pid)
    write_atomically(folder / f"{name}.pid", f"{process.pid} {seen.started if seen else 'ended'}".encode())


def is_running(folder: Path, name: str) -> bool:
    """Whether the process that was started under this name still runs."""
    kept = _kept(folder, name)
    if kept is None:
        return False
    seen = _look(kept[0])
    return seen is not None and seen.started == kept[1]


def stop(folder: Path, name: str, seconds: float = _STOP_SECONDS) -> None:
    """Ends the process and all that it started: asks, waits up to ``seconds``, kills what is left.

    Halt when something outlives even that. What a process that ended by itself left behind in its group is ended, too.
    """
    kept = _kept(folder, name)
    if kept is None:
        return
    left = _end(_family(*kept), kept, signal.SIGTERM, seconds)
    left = _end(left, kept, signal.SIGKILL, _KILL_SECONDS)
    if left:
        msg = f"{name} cannot be stopped; still there: {sorted(process.pid for process in left)}"
        raise Halt(msg)
    _collect(kept[0])
    (folder / f"{name}.pid").unlink()


def _kept(folder: Path, name: str) -> tuple[int, str] | None:
    """The pid and start time that were written down."""
    try:
        pid, started = (folder / f"{name}.pid").read_text(encoding="ascii").split()
    except FileNotFoundError:
        return None
    return int(pid), started


def _look(pid: int) -> _Living | None:
    """The process of this pid; None when there is none, or it has ended and waits for its parent only."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # from field 3 on, see proc(5); the name before it may hold anything
    state, parent, group, started = fields[0], fields[1], fields[2], fields[19]
    return None if state in "ZX" else _Living(pid, started, int(parent), int(group))


def _family(pid: int, started: str) -> set[_Living]:
    """The process, its group, and all that descends from them; nothing when the pid is somebody else's by now."""
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    living = {seen for number in numbers if (seen := _look(number))}
    if any(process.pid == pid and process.started != started for process in living):
        return set()
    family: set[_Living] = set()
    more = {process for process in living if pid in (process.pid, process.group)}
    while more:
        family |= more
        parents = {process.pid for process in family}
        more = {process for process in living - family if process.parent in parents}
    return family


def _still(before: set[_Living], kept: tuple[int, str]) -> set[_Living]:
    """Who of these still runs (adopted by another parent or not), and who came to the family since."""
    remaining = {now for process in before if (now := _look(process.pid)) and now.started == process.started}
    return remaining | _family(*kept)


def _end(family: set[_Living], kept: tuple[int, str], number: signal.Signals, seconds: float) -> set[_Living]:
    """Signals each of the family, waits; who is left when all have gone or the time is over."""
    for process in family:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
    wait_for(lambda: not _still(family, kept), seconds)
    return _still(family, kept)


def _collect(pid: int) -> None:
    """Takes the exit status of a child of this very process that has ended; others' children are their own business."""
    child = _children.get(pid)
    if child is not None:
        with suppress(subprocess.TimeoutExpired):  # its first thread may be gone before the last
            child.wait(_KILL_SECONDS)
            del _children[pid]


def wait_for(condition: Callable[[], bool], seconds: float, every: float = _POLL_SECONDS) -> bool:
    """Whether the condition came true in time; it is looked at each so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def must(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Runs a program to its end; Halt with its name and its last lines when it fails."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=dict(environment) if environment is not None else None,
        check=False,
        cwd="/",
    )
    if done.returncode != 0:
        last = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()[-5:]
        msg = f"{Path(command[0]).name} ended with {done.returncode}: {' | '.join(last)}"
        raise Halt(msg)
