"""Runs batches, each in a process of its own, and kills all but the first two, with SIGKILL, at moments spread evenly
over their side effects: ``killed.py BATCH BATCH BATCH …``. Prints how many side effects the second one had, and how
each ended.

A side effect is what Python's audit events tell of: a file opened, renamed or removed, a program or a connection
started. The rows go through in parts, as those of a big batch do. The processes are forked from this one, which has
imported everything: importing takes ten times as long as a batch.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from typing import Any

import great_expectations  # noqa: F401  (the dearest import, which the gates make when they first judge)

from exchange import pipeline
from exchange.app import App
from exchange.steps import request
from exchange.validate.gate import failures

BYTES_IN_PART = 1_000
EFFECTS = ("open", "os.rename", "os.remove", "os.mkdir", "subprocess.Popen", "socket.connect")
AT_ONCE = 2
WHOLE = 2  # the first also holds the snapshots to their hashes, once on a machine


def run(batch: str, fatal: int) -> int:
    """Runs the batch; how many side effects it had, where it was not killed at the one of this number."""
    failures("request", {"rows": 1, "rows_in_manifest": 1, "unreadable_share": 0})  # to import is no side effect
    count = itertools.count(1)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        quiet = event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(("/proc", sys.prefix))
        if event in EFFECTS and not quiet and next(count) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    with App.open("killed") as app:
        sys.addaudithook(watch)
        pipeline.run(app, batch)
        return next(count) - 1


def start(batch: str, fatal: int) -> tuple[int, int]:
    """Runs it in a process of its own: its pid, and where the number of its side effects is read."""
    told, tells = os.pipe()
    pid = os.fork()
    if pid:
        os.close(tells)
        return pid, told
    status = 1
    try:
        os.write(tells, str(run(batch, fatal)).encode())
        status = 0
    except BaseException:  # a forked process returns nowhere
        traceback.print_exc()
    os._exit(status)


def whole(batch: str) -> tuple[int, int]:
    """How many side effects it had, and how it ended."""
    pid, told = start(batch, 0)
    with open(told, encoding="ascii") as stream:  # noqa: PTH123  (a pipe)
        effects = stream.read()
    return int(effects or 0), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed(batches: Sequence[str], effects: int) -> list[int]:
    """How each ended, in the order given; so many run at once. The second batch, whose ``effects`` these are, made
    more folders in the archive than a later one does, which has up to a sixth fewer.
    """
    pids: list[int] = []
    ends: dict[int, int] = {}
    for place, batch in enumerate(batches):
        if len(pids) - len(ends) == AT_ONCE:
            pid, status = os.wait()
            ends[pid] = os.waitstatus_to_exitcode(status)
        pid, told = start(batch, 1 + effects * place * 5 // len(batches) // 6)
        os.close(told)
        pids.append(pid)
    while len(ends) < len(pids):
        pid, status = os.wait()
        ends[pid] = os.waitstatus_to_exitcode(status)
    return [ends[pid] for pid in pids]


def main(batches: Sequence[str]) -> None:
    request.BYTES_IN_PART = BYTES_IN_PART  # type: ignore[misc]  # a constant elsewhere
    if threading.active_count() > 1:
        msg = f"what these threads hold would be held for ever in a forked process: {threading.enumerate()}"
        raise RuntimeError(msg)
    runs = [whole(batch) for batch in batches[:WHOLE]]
    effects = runs[-1][0]
    ends = [end for _, end in runs] + killed(batches[WHOLE:], effects)
    sys.stdout.write(json.dumps({"effects": effects, "ends": ends}))


if __name__ == "__main__":
    main(sys.argv[1:])
