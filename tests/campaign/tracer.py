"""A process killed at a system call, by ``strace``: the so-manieth call of a name is not made, SIGKILL comes instead.

Rules
- The tracer holds on to a process that waits for it, so that no call goes by unseen; it follows threads and programs
  that the process starts, any of which may be the one that is killed.
- Each thread counts its own calls. How many there were is told afterwards, so that the next can be drawn from them.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exchange.demo.servers.processes import wait_for

_OF_FILES: Final = "openat read write close lseek newfstatat getdents64 fcntl flock pwrite64 pread64"
_THAT_LAST: Final = "fsync fdatasync rename unlink unlinkat mkdir rmdir chmod ftruncate"
_OF_OTHERS: Final = "socket connect sendto recvfrom poll vfork clone3 execve wait4"
CALLS: Final = tuple(f"{_OF_FILES} {_THAT_LAST} {_OF_OTHERS}".split())
MISSING: Final = "strace is not installed (Debian: strace)"
_SECONDS: Final = 20
_CALL: Final = re.compile(r"^(\d+) +(\w+)\(")
_PLACE: Final = re.compile(r'<([^<>]*)>|"([^"]*)"')


def is_there() -> bool:
    return shutil.which("strace") is not None


@contextmanager
def traced(pid: int, told: Path, call: str = "", number: int = 0) -> Iterator[None]:
    """``told`` has a line for each call of this name, which is struck at its number; of any of ``CALLS`` where none is
    named, and nothing is struck. The process is held on to when the block begins.
    """
    watched = ["-e", f"trace={call or ','.join(CALLS)}"]
    inject = ["-e", f"inject={call}:signal=KILL:when={number}"] if call else []
    command = ["strace", "-f", "-qq", "-y", "-s", "0", "-o", str(told), *watched, *inject, "-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _is_traced(pid) or tracer.poll() is not None, _SECONDS)
        if not _is_traced(pid) and tracer.poll() != 0:  # with 0 it ends where the process was struck while it waited
            msg = f"strace does not hold on to a process: it ended with {tracer.poll()}"
            raise RuntimeError(msg)
        yield
    finally:
        _ended(tracer)


def _ended(tracer: subprocess.Popen[bytes]) -> None:
    """It ends with what it traced; a program left over by a killed one is let go."""
    try:
        tracer.wait(2)
    except subprocess.TimeoutExpired:
        tracer.send_signal(signal.SIGTERM)
        tracer.wait(_SECONDS)


def _is_traced(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return re.search(r"(?m)^TracerPid:\s+[1-9]", status) is not None


def calls_of(told: str) -> dict[str, int]:
    """Call → the most that one thread made of it."""
    counted = Counter(found.groups() for line in told.splitlines() if (found := _CALL.match(line)))
    most: dict[str, int] = {}
    for (_, call), number in counted.items():
        most[call] = max(number, most.get(call, 0))
    return most


def place_of(told: str, call: str) -> str:
    """Where the last call of this name was about to do something, as a word without numbers; empty where nowhere."""
    lines = [line for line in told.splitlines() if (found := _CALL.match(line)) and found.group(2) == call]
    names = [first or second for first, second in _PLACE.findall(lines[-1])] if lines else []
    return without_numbers(max(names, key=len)) if names else ""


def without_numbers(name: str) -> str:
    """The kind of a file: its name without what is another one in each round."""
    name = re.sub(r"^.*/(office|postgres|sftp)/", r"\1/", name)
    name = re.sub(r"campaign-[0-9a-f]+|[0-9a-f]{8,}", "…", name)
    name = re.sub(r"(\.writing-|\.building-[0-9-]*|/tmp)[A-Za-z0-9_]{6,}", r"\1…", name)
    return re.sub(r"[0-9]+", "#", re.sub(r"/(?!#)[0-9a-f]{2}/", "/…/", name))
