"""Resident workers: processes beside the lookout that answer small ad hoc sets at once; Airflow's run comes after.

Rules
- A set has its run before a worker has it. The run does what there is left: nothing after a worker that was quick, all
  of it where none took the set, or one failed or died. What goes wrong is the run's to tell and to try again; a worker
  only logs that it left the set to it. Both may be at one set: every step may be run twice and by two at once.
- A run that will find nothing to do need not hurry, and costs more than the answer: while sets wait, it starts some
  seconds later for each of them, so that a burst is answered first. Alone, a set's run starts at once.
- One partner's burst holds up no other: a worker takes the partners in turn, and no more of one at a time than leaves
  room for others. What it has no room for is its run's.
- Workers are forked, so that they share what is imported, before the lookout starts threads. A worker opens an office
  of its own, holds at most ``MAX_WAITING`` ids, and lives no longer than the lookout: memory is renewed with it.
- Figures: decision 17.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections import Counter, deque
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

MAX_OF_ONE: Final = 100
"""Of these, ids of one partner."""

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
        self._waiting = Counter[str]()

    def waiting(self, partner: str) -> int | None:
        """How many batches it has before it; None where it takes no more of this partner, or is no more."""
        try:
            while self._pipe.poll():
                self._waiting[_partner(self._pipe.recv())] -= 1
        except (EOFError, OSError):
            return None
        number = self._waiting.total()
        takes = number < MAX_WAITING and self._waiting[partner] < MAX_OF_ONE
        return number if takes and self._process.is_alive() else None

    def give(self, batch_id: str) -> None:
        """Lets it answer this batch; nothing happens where it died meanwhile."""
        with suppress(OSError):
            self._pipe.send(batch_id)
            self._waiting[_partner(batch_id)] += 1

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
        partner = _partner(batch_id)
        counts = [(each.waiting(partner), number) for number, each in enumerate(self._workers)]
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


class _Turns:
    """Batches that wait, the partners in turn, each partner's in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, batch_id: str) -> None:
        self._waiting.setdefault(_partner(batch_id), deque()).append(batch_id)

    def next(self) -> str:
        """Takes the next one; its partner is the last in the next turn."""
        partner = next(iter(self._waiting))
        mine = self._waiting.pop(partner)
        batch_id = mine.popleft()
        if mine:
            self._waiting[partner] = mine
        return batch_id


def _partner(batch_id: str) -> str:
    return batch_id.partition(".")[0]


def _serve(open_app: OpenApp, pipe: Connection, is_over: Callable[[], bool], parent: int) -> None:
    """A worker's life. What it says of a batch when it is done with it is that it is done, whatever came of it."""
    turns = _Turns()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whoever was forked has its own way to end
    silence.install()
    with suppress(EOFError, OSError), silence.native_code_muted(), open_app() as app, pooled() as connections:
        while not is_over() and os.getppid() == parent:
            while pipe.poll(0 if turns else _LOOK_UP_SECONDS):
                turns.add(pipe.recv())
            if turns:
                batch_id = turns.next()
                _answer(app, batch_id)
                pipe.send(batch_id)
            else:
                connections.close_idle()


def _answer(app: App, batch_id: str) -> None:
    try:
        with without_values():
            pipeline.run(app, batch_id)
    except ExchangeError as error:
        log.info("%s: left to its run: %s", batch_id, error)
