"""Runs a batch in this process and kills it, with SIGKILL, at its n-th side effect: ``killed.py BATCH N``.

A side effect is what Python's audit events tell of: a file opened, renamed or removed, a program or a connection
started. The rows go through in parts, as those of a big batch do.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from typing import Any

from exchange import pipeline
from exchange.app import App
from exchange.steps import request
from exchange.validate.gate import failures

BYTES_IN_PART = 1_000
EFFECTS = ("open", "os.rename", "os.remove", "os.mkdir", "subprocess.Popen", "socket.connect")


def main(batch: str, fatal: int) -> None:
    failures("request", {"rows": 1, "rows_in_manifest": 1, "unreadable_share": 0})  # imports are no side effects
    count = itertools.count(1)
    request.BYTES_IN_PART = BYTES_IN_PART  # type: ignore[misc]  # a constant elsewhere

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        quiet = event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(("/proc", sys.prefix))
        if event in EFFECTS and not quiet and next(count) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    with App.open("killed") as app:
        sys.addaudithook(watch)
        pipeline.run(app, batch)
        effects = next(count)
    sys.stdout.write(f"{effects - 1}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
