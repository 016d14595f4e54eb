"""What the collector and a batch's run do, in a process of its own: ``once.py BATCH N``.

With N > 0 it is killed, by SIGKILL, at its N-th audit event of any kind, wherever that is. Prints how many there were.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys

import typer

from exchange import pipeline
from exchange.app import App
from exchange.cli.outcome import outcome
from exchange.intake.collect import poll
from exchange.steps import request
from exchange.validate.gate import failures

BYTES_IN_PART = 1_000


def main(batch: str, fatal: int) -> None:
    failures("request", {"rows": 1, "rows_in_manifest": 1, "unreadable_share": 0})  # imports are no side effects
    request.BYTES_IN_PART = BYTES_IN_PART  # type: ignore[misc]  # rows in parts, as those of a big batch
    count, last = itertools.count(1), 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal last
        last = next(count)
        if last == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        with outcome(), App.open("campaign") as app:
            sys.addaudithook(watch)
            poll(app)
            if app.register.find_batch(batch) is not None:
                pipeline.run(app, batch)
    except typer.Exit as ended:
        sys.exit(ended.exit_code)
    sys.stdout.write(f"{last}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
