"""What works in the office, each time in a process of its own: reads a line of JSON, forks, and says in a line how it
ended.

    {"duty": "deliver", "word": "court.b1", "event": 1200}
    →  {"code": -9, "said": "", "events": 0, "seconds": 0, "point": "event open at steps/deliver.py:90", "calls": {}}

Rules
- With ``event`` the process is killed, by SIGKILL, at its so-manieth audit event of any kind; with ``call`` and
  ``number`` before its so-manieth system call of this name; with ``after`` when so many seconds are over. None is a
  place that the package knows of. ``point`` says where the first two struck.
- With ``counted`` it is not killed, and ``calls`` says how many system calls of each name there were.
- It is killed, too, when it has not ended in ``LIMIT`` seconds, and its code is ``HUNG``: each wait has to have an end.
- This process imports everything and makes the gates once, opens nothing, and has no threads, so that what it forks is
  as good as new.
"""

from __future__ import annotations

import faulthandler
import itertools
import json
import os
import select
import signal
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any, Final

import great_expectations  # noqa: F401  (the dearest import, which the gates make when they first judge)
import typer
from tqdm import tqdm  # type: ignore[import-untyped]

import exchange
from exchange.base.paths import EXPECTATIONS
from exchange.cli.outcome import outcome
from exchange.steps import request
from exchange.validate.gate import failures
from tests.campaign.duties import DUTIES
from tests.campaign.tracer import calls_of, place_of, traced

BYTES_IN_PART: Final = 1_000
LIMIT: Final = 240.0
HUNG: Final = -99
_PACKAGE: Final = str(Path(exchange.__file__).parent)

Asked = dict[str, Any]


def work(asked: Asked) -> dict[str, Any]:
    """In the forked process: does it; how it ended, and how many audit events there were."""
    count, last = itertools.count(1), 0

    def see(event: str, _arguments: tuple[object, ...]) -> None:
        nonlocal last
        last = next(count)
        if last == asked["event"]:
            os.write(1, f"\n{json.dumps({'point': f'{event} at {_place(sys._getframe())}'})}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    begun = time.monotonic()
    try:
        with outcome():
            sys.addaudithook(see)
            DUTIES[asked["duty"]](asked["word"])
    except typer.Exit as ended:
        return {"code": ended.exit_code, "events": last}
    return {"code": 0, "events": last, "seconds": round(time.monotonic() - begun, 3)}


def _place(frame: FrameType | None) -> str:
    """The innermost line of the package."""
    while frame is not None and not frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename.removeprefix(_PACKAGE)[1:]}:{frame.f_lineno}" if frame else "no line of it"


def forked(asked: Asked) -> dict[str, Any]:
    """Does it in a process of its own, killed as the rules say; what the process wrote is what it said."""
    told, tells = os.pipe()
    waits, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        os.read(waits, 1)  # until it is traced, or at once
        _work_and_exit(asked, tells)
    for each in (tells, waits):
        os.close(each)
    calls: dict[str, int] = {}
    point = ""
    with tempfile.TemporaryDirectory(prefix="traced-") as folder, ExitStack() as tracing:
        trace = Path(folder) / "calls"
        if asked["call"] or asked["counted"]:
            tracing.enter_context(traced(pid, trace, asked["call"], asked["number"]))
        os.close(go)
        said, hung = _read(told, pid, asked["after"])
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        tracing.close()
        if trace.exists():
            lines = trace.read_text(encoding="utf-8", errors="replace")
            calls = calls_of(lines)
            if "+++ killed by SIGKILL +++" in lines:
                point = f"{asked['call']} {place_of(lines, asked['call'])}"
    return _ended(said, HUNG if hung else status) | {"calls": calls} | ({"point": point} if point else {})


def _work_and_exit(asked: Asked, tells: int) -> None:
    os.dup2(tells, 1)
    os.dup2(tells, 2)
    faulthandler.register(signal.SIGUSR1, file=2)
    code = 99
    try:
        ended = work(asked)
        sys.stdout.write(f"\n{json.dumps(ended)}\n")
        code = ended["code"]
    finally:
        sys.stdout.flush()
        os._exit(code)


def _ended(said: str, status: int) -> dict[str, Any]:
    """The last line is the process's own account, where it had the time to give one."""
    lines = said.strip().splitlines()
    nothing = {"code": status, "events": 0, "seconds": 0, "point": "", "said": said.strip()}
    if not lines or not lines[-1].startswith(('{"code"', '{"point"')):
        return nothing
    last: dict[str, Any] = json.loads(lines[-1])
    return nothing | last | {"said": "\n".join(lines[:-1])}


def _read(told: int, pid: int, after: float) -> tuple[str, bool]:
    """All that the process writes until it ends, and whether it did not; it is killed when the time is over."""
    until, said = time.monotonic() + (after or LIMIT), b""
    with open(told, "rb", buffering=0) as stream:
        while True:
            if until and not select.select([stream], [], [], max(0.0, until - time.monotonic()))[0]:
                hung, until = not after, 0.0
                if hung:
                    os.kill(pid, signal.SIGUSR1)  # it says what each of its threads waits for
                    time.sleep(1)
                os.kill(pid, signal.SIGKILL)
                return said.decode(errors="replace") + stream.readall().decode(errors="replace"), hung
            piece = stream.read(65536)
            if not piece:
                return said.decode(errors="replace"), False
            said += piece


def _gates() -> None:
    """Each suite judges once, so that no forked process has to make it, or imports anything for it."""
    tqdm.monitor_interval = 0  # it would start a thread
    for path in sorted(EXPECTATIONS.glob("*.json")):
        expectations = json.loads(path.read_text(encoding="utf-8"))["expectations"]
        named = [value for each in expectations for key, value in each["kwargs"].items() if key.startswith("column")]
        failures(path.stem, dict.fromkeys(named, 1.0))


def main() -> None:
    _gates()
    request.BYTES_IN_PART = BYTES_IN_PART  # type: ignore[misc]  # rows in parts, as those of a big batch
    if threading.active_count() > 1:
        msg = f"what these threads hold would be held for ever in a forked process: {threading.enumerate()}"
        raise RuntimeError(msg)
    for line in sys.stdin:
        asked = {"event": 0, "after": 0, "call": "", "number": 0, "counted": False} | json.loads(line)
        sys.stdout.write(json.dumps(forked(asked)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
