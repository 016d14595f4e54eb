"""Lookouts with their resident workers, forked from this process, which has imported everything: importing takes ten
times as long as a batch. Whoever connects to the socket gets one, says in a line what it is to be, gives it ids and
reads which run it starts.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import select
import signal
import socket
import sys
import threading
import traceback
from datetime import timedelta
from typing import IO

import great_expectations  # noqa: F401  (the dearest import, which the gates make when they first judge)

from exchange import pipeline  # noqa: F401
from exchange.app import App
from exchange.intake import resident
from exchange.intake.owed import OwedRuns
from exchange.intake.resident import resident_workers


def lookout(given: IO[bytes], workers: int, silence: float, *, looks: bool, in_pool: bool) -> None:
    """The lookout's part, without threads: it reads ids, a line each, and prints what it starts. ``in_pool``: as a task
    of a Celery worker, whose pool's processes are daemons to multiprocessing, and so are their forks.
    """
    multiprocessing.current_process().daemon = in_pool
    resident._RUN_SECONDS, resident.SILENCE = 0.0, timedelta(seconds=silence)  # type: ignore[attr-defined,misc]

    def start(batch: str) -> bool:
        print("run", batch, flush=True)  # noqa: T201
        return not batch.endswith(".unstarted")

    with App.open("lookout") as app:
        owed = OwedRuns.of_home(app.settings.home)
    with resident_workers(lambda: App.open("lookout"), workers, owed, start) as everyone:
        print("pids", os.getpid(), *(each._process.pid for each in everyone._workers), flush=True)  # noqa: T201
        while True:
            if select.select([given], [], [], 0.1)[0]:
                line = given.readline()
                if not line:
                    break
                everyone.pass_on(line.decode().strip())
            if looks:
                everyone.look()
    print("over", flush=True)  # noqa: T201


def serve(door: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever ends is gone, and nobody waits for it
    while True:
        connection, _ = door.accept()
        with connection:
            if os.fork() == 0:
                _become(door, connection)


def _become(door: socket.socket, connection: socket.socket) -> None:
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        door.close()
        for number in (0, 1):
            os.dup2(connection.fileno(), number)
        connection.close()
        with open(0, "rb", buffering=0, closefd=False) as given:
            lookout(given, **json.loads(given.readline()))
        status = 0
    except BaseException:  # a forked process returns nowhere
        traceback.print_exc()
    os._exit(status)


if __name__ == "__main__":
    os.fsync = os.fstat  # type: ignore[assignment]  # as in the tests' own process
    if threading.active_count() > 1:
        msg = f"what these threads hold would be held for ever in a forked process: {threading.enumerate()}"
        raise RuntimeError(msg)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(sys.argv[1])
        listening.listen()
        serve(listening)
