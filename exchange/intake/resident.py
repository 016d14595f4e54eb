"""Resident workers: processes beside the lookout that answer small ad hoc sets at once; Airflow's run comes after.

Rules
- A set has its run before a worker has it. The run does what there is left: nothing after a worker that was quick, all
  of it where none took the set, or one failed or died. What goes wrong is the run's to tell and to try again; a worker
  only logs that it left the set to it. Both may be at one set: every step may be run twice and by two at once.
- A run that will find nothing to do need not hurry, and costs more than the answer: while sets wait, it starts some
  seconds later for each of them, so that a burst is answered first. Alone, a set's run starts at once.
- Workers are forked, so that they share what is imported, before the lookout starts threads. A worker opens an office
  of its own, holds at most ``MAX_WAITING`` ids, and lives no longer than the lookout: memory is renewed with it.
- Figures: decision 17.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Final

from exchange import pipeline
from exchange.app import App
from exchange.base import silence
from exchange.base.errors import ExchangeError, without_values
from exchange.wire.pool import pooled

log = logging.getLogger(__name__)

MAX_WAITING: Final = 250
"""Ids of batches that wait for one worker, as many as its pipe holds for sure; further sets are left to their runs."""

_RUN_SECONDS: Final = 3.0
"""Between the runs of sets that wait: a run takes over a second of processor time, and this leaves it half a core."""

_MAX_LATER: Final = 300.0
"""Later than this no run starts, should all workers have died."""

_LAST_SECONDS: Final = 10.0
"""A worker that is to end may finish the set that it is at for so long."""

_LOOK_UP_SECONDS: Final = 1.0
"""Between two looks of an idle worker whether whoever started it is still there."""

OpenApp = Callable[[], App]


class ResidentWorker:
    """One process that answers what it is given, one batch after another."""

    def __init__(self, open_app: OpenApp) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")
        self._over = context.Event()
        parent = os.getpid()
        self._process = context.Process(target=_serve, args=(open_app, theirs, self._over.is_set, parent), daemon=True)
        self._process.start()
        theirs.close()
        self._waiting = 0

    def waiting(self) -> int | None:
        """How many batches it has before it; None where it takes no more, or is no more."""
        try:
            while self._pipe.poll():
                self._pipe.recv()
                self._waiting -= 1
        except (EOFError, OSError):
            return None
        return self._waiting if self._process.is_alive() and self._waiting < MAX_WAITING else None

    def give(self, batch_id: str) -> None:
        """Lets it answer this batch; nothing happens where it died meanwhile."""
        with suppress(OSError):
            self._pipe.send(batch_id)
            self._waiting += 1

    def end(self) -> None:
        """No set after the present one."""
        self._over.set()

    def ended(self) -> None:
        """Waits until it is gone, or kills it."""
        self._process.join(_LAST_SECONDS)
        self._process.kill()
        self._process.join()
        self._pipe.close()


class ResidentWorkers:
    """All of one lookout."""

    def __init__(self, workers: list[ResidentWorker]) -> None:
        self._workers = workers

    def pass_on(self, batch_id: str, start_run: Callable[[timedelta], bool]) -> None:
        """Starts the batch's run, so much later, and has the batch answered; without a run it is nobody's but
        ``collect``'s, which looks for sets that have none.
        """
        counts = [(each.waiting(), number) for number, each in enumerate(self._workers)]
        free = sorted((waiting, number) for waiting, number in counts if waiting is not None)
        later = min(_RUN_SECONDS * sum(waiting for waiting, _ in free), _MAX_LATER)
        if start_run(timedelta(seconds=later)) and free:
            _, chosen = free[0]
            self._workers[chosen].give(batch_id)


@contextmanager
def resident_workers(open_app: OpenApp, number: int) -> Iterator[ResidentWorkers]:
    """So many, for as long; to be entered before any thread is started."""
    with ExitStack() as stack:
        workers: list[ResidentWorker] = []
        for _ in range(number):
            workers.append(ResidentWorker(open_app))
            stack.callback(workers[-1].ended)
        try:
            yield ResidentWorkers(workers)
        finally:
            for each in workers:
                each.end()


def _serve(open_app: OpenApp, pipe: Connection, is_over: Callable[[], bool], parent: int) -> None:
    """A worker's life. What it says of a batch when it is done with it is that it is done, whatever came of it."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whoever was forked has its own way to end
    silence.install()
    with suppress(EOFError, OSError), silence.native_code_muted(), open_app() as app, pooled() as connections:
        while not is_over() and os.getppid() == parent:
            if pipe.poll(_LOOK_UP_SECONDS):
                _answer(app, pipe.recv())
                pipe.send(None)
            else:
                connections.close_idle()


def _answer(app: App, batch_id: str) -> None:
    try:
        with without_values():
            pipeline.run(app, batch_id)
    except ExchangeError as error:
        log.info("%s: left to its run: %s", batch_id, error)
