"""Resident workers: processes beside the lookout that answer small ad hoc sets at once; Airflow's run comes after.

Rules
- A worker gets a set only after it was noted on disk that its run is owed (``owed.py``). The run does what is left:
  nothing after a worker that answered; all of it where none took the set, or one failed or died, and then it starts at
  once. Errors are reported and retried by the run; a worker only logs that it left the set to it. Both may be at one
  set: every step may be run twice and by two at once.
- Starting a run is asynchronous: it may be there only when it is asked for again (``starting.py``).
- A run that finds nothing to do need not hurry, and costs several times the answer: such runs start one by one, some
  seconds apart, and only while no worker has a set before it, so that a burst is answered first; what has waited for
  five minutes starts all the same, more seldom, so that a stream of sets is held up by a tenth of a core. Which runs
  can wait is noted where they are owed: whatever lookout comes next starts them as slowly.
- One partner's burst holds up no other: a worker takes the partners in turn, and no more of one at a time than leaves
  room for others. A partner stays with the worker that is connected to its server while that is hardly busier: to
  connect costs more than to answer. What no worker has room for waits until one has: its run would take far more than
  the answer.
- A worker that says nothing for a minute is given nothing more, and what it has is its run's.
- What a lookout's workers have not answered when it ends, the next lookout takes over.
- Workers are forked, so that they share what is imported, before the lookout starts threads. What one does:
  ``answering.py``. It holds at most ``MAX_WAITING`` ids, and lives no longer than the lookout: memory is renewed with
  it.
- Figures: ADR 17.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from typing import Final

from exchange.base.errors import ExchangeError
from exchange.intake.answering import OpenApp, partner_of, serve
from exchange.intake.owed import SILENCE, OwedRuns

log = logging.getLogger(__name__)

MAX_WAITING: Final = 250
"""Ids of batches that wait for one worker, as many as its pipe surely holds; more wait as notes (``owed.py``)."""

MAX_OF_ONE: Final = 100
"""So many of these may be one partner's."""

_HARDLY_MORE: Final = 2
"""A partner stays with its worker while so many more batches wait there than for another."""

_RUN_SECONDS: Final = 3.0
"""Between the runs of answered sets: one takes over a second of processor time."""

_BEHIND: Final = timedelta(minutes=5)
"""Runs of answered sets wait for so long while workers have sets before them."""

_BUSY_RUN_SECONDS: Final = 15.0
"""Between such runs where they have waited for so long and workers still have sets before them."""

_AT_ONCE_SECONDS: Final = 0.5
"""So long each second runs are started of sets that nobody answered; the others wait for the next second."""

_TAKING_OVER_SECONDS: Final = 2.0
"""Between two looks for what ``collect`` handed over, or another lookout left."""

_LAST_SECONDS: Final = 10.0
"""A worker that is to end may finish the set that it is at for so long."""

_STUCK_SECONDS: Final = 60.0
"""A worker that has sets and ends none for so long is given no more."""


class ResidentWorker:
    """One process that answers what it is given, one batch after another."""

    def __init__(self, open_app: OpenApp) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._given: dict[str, None] = {}
        self._of_partner = Counter[str]()
        self._heard_at = time.monotonic()
        self._stuck = False
        # The task is a fork of a process of Celery's pool there, which multiprocessing lets have no children.
        multiprocessing.current_process().daemon = False
        context = multiprocessing.get_context("fork")
        self._over = context.RawValue("b", 0)  # without a lock, which whoever is killed might hold for ever
        parent = os.getpid()
        self._process = context.Process(target=serve, args=(open_app, theirs, self._is_over, parent), daemon=True)
        self._process.start()
        theirs.close()

    def outcomes(self) -> list[tuple[str, bool]]:
        """(batch, whether it was answered) of the batches that are done since the last call; where the worker has died
        or is stuck and was not asked to end, also all that it had, as not answered.
        """
        alive, outcomes = self._process.is_alive(), list[tuple[str, bool]]()
        with suppress(EOFError, OSError):
            while self._pipe.poll():
                outcomes.append(self._pipe.recv())
        for batch_id, _ in outcomes:
            if batch_id in self._given:
                del self._given[batch_id]
                self._of_partner[partner_of(batch_id)] -= 1
        if outcomes or not self._given:
            self._heard_at, self._stuck = time.monotonic(), self._stuck and not outcomes
        elif time.monotonic() - self._heard_at >= _STUCK_SECONDS:
            self._stuck = True
        if (not alive or self._stuck) and not self._is_over():
            outcomes += [(batch_id, False) for batch_id in self._given]
            self._given.clear()
            self._of_partner.clear()
        return outcomes

    @property
    def works(self) -> bool:
        """Whether the process lives, and ends a set from time to time while it has some."""
        return self._process.is_alive() and not self._stuck

    def waiting(self, partner: str) -> int | None:
        """How many batches it has; None where it takes no more of this partner, or none at all."""
        takes = not self.is_full and self._of_partner[partner] < MAX_OF_ONE
        return len(self._given) if takes and self.works else None

    @property
    def is_full(self) -> bool:
        """Whether it takes no more of any partner."""
        return len(self._given) >= MAX_WAITING

    @property
    def has(self) -> Collection[str]:
        """The batches that it has and is not done with."""
        return self._given

    def give(self, batch_id: str) -> None:
        """Hands it a batch to answer."""
        if batch_id not in self._given:
            self._given[batch_id] = None
            self._of_partner[partner_of(batch_id)] += 1
        with suppress(OSError):  # it died meanwhile, which its outcomes say
            self._pipe.send(batch_id)

    def end(self) -> None:
        """Asks it to end after the present set."""
        self._over.value = 1

    def _is_over(self) -> bool:
        return bool(self._over.value)

    def ended(self) -> None:
        """Waits until it is gone, or kills it."""
        self._process.join(_LAST_SECONDS)
        self._process.kill()
        self._process.join()

    def close(self) -> None:
        """Closes the pipe from it."""
        self._pipe.close()


class ResidentWorkers:
    """All workers of one lookout. ``start_run``: starts a batch's run in the immediate lane; returns whether there is
    one.
    """

    def __init__(self, workers: list[ResidentWorker], owed: OwedRuns, start_run: Callable[[str], bool]) -> None:
        self._workers = workers
        self._owed = owed
        self._start_run = start_run
        self._unanswered: deque[str] = deque()
        self._had_last: dict[str, int] = {}
        self._next_run = self._next_taking_over = 0.0

    def pass_on(self, batch_id: str) -> None:
        """Has the batch answered, and its run started later; or has it answered by its run."""
        self._listen()
        if batch_id in self._known() or self._owed.is_answered(batch_id):
            return  # ``collect`` handed it over meanwhile
        worker = self._worker_for(partner_of(batch_id))
        note = self._owed.hand_over if worker is None else self._owed.owe
        if not self._work() or not _done(note, batch_id):
            if not self._start_run(batch_id):
                self._unanswered.append(batch_id)
        elif worker is not None:
            worker.give(batch_id)

    def look(self) -> None:
        """To be called about each second: starts the runs that are due, and takes over notes."""
        self._listen()
        if (now := time.monotonic()) >= self._next_taking_over:
            self._next_taking_over = now + _TAKING_OVER_SECONDS
            self._take_over()
        for _ in range(len(self._unanswered)):
            if time.monotonic() < now + _AT_ONCE_SECONDS:
                self._start_unanswered()
        if now >= self._next_run:
            self._next_run = now + self._start_answered()

    def over(self) -> None:
        """To be called when the workers have ended: starts the runs of sets that they failed at. What they did not come
        to, and runs that can wait, are left to the next lookout.
        """
        self._listen()
        for _ in range(len(self._unanswered)):
            self._start_unanswered()
        for worker in self._workers:
            for batch_id in worker.has:
                _done(self._owed.hand_over, batch_id)
            worker.close()

    def _listen(self) -> None:
        for worker in self._workers:
            for batch_id, answered in worker.outcomes():
                if not answered or not _done(self._owed.mark_answered, batch_id):
                    self._unanswered.append(batch_id)

    def _take_over(self) -> None:
        """Gives workers what ``collect`` handed over or another lookout left; a worker finds out how far it is. What no
        worker has room for goes on waiting.
        """
        known, work = self._known(), self._work()
        if work and not any(worker.works and not worker.is_full for worker in self._workers):
            return
        for batch_id in self._owed.unanswered(older_than=SILENCE):
            if batch_id in known:
                continue
            worker = self._worker_for(partner_of(batch_id))
            if not work:
                self._unanswered.append(batch_id)
            elif worker is not None and _done(self._owed.owe, batch_id):  # anew, so that no other one takes it over
                worker.give(batch_id)

    def _known(self) -> set[str]:
        """The batches that workers have, and those whose runs are to be started at once."""
        return {*self._unanswered, *(batch_id for worker in self._workers for batch_id in worker.has)}

    def _work(self) -> bool:
        return any(worker.works for worker in self._workers)

    def _worker_for(self, partner: str) -> ResidentWorker | None:
        """The worker that has least before it, of those that take one more of this partner; or the one that had the
        partner last, where hardly more waits for it: it is connected.
        """
        counts = [(worker.waiting(partner), number) for number, worker in enumerate(self._workers)]
        waiting = {number: count for count, number in counts if count is not None}
        if not waiting:
            return None
        partners = Counter(self._had_last.values())
        chosen = min(waiting, key=lambda number: (waiting[number], partners[number], number))
        last = self._had_last.get(partner)
        if last in waiting and waiting[last] <= waiting[chosen] + _HARDLY_MORE:
            chosen = last
        self._had_last[partner] = chosen
        return self._workers[chosen]

    def _start_unanswered(self) -> None:
        """Starts the run of the first of these; it is the last again where that fails."""
        batch_id = self._unanswered.popleft()
        if self._start_run(batch_id):
            _done(self._owed.paid, batch_id)
        else:
            self._unanswered.append(batch_id)

    def _start_answered(self) -> float:
        """Starts the run of the answered set that waits longest, where no worker has a set before it or it has waited
        for long; it is the last again where that fails. Seconds until the next one.
        """
        busy = any(worker.has for worker in self._workers)
        for batch_id in self._owed.answered(older_than=_BEHIND if busy else timedelta(), most=1):
            _done(self._owed.paid if self._start_run(batch_id) else self._owed.postpone, batch_id)
            if busy:
                return _BUSY_RUN_SECONDS
        return _RUN_SECONDS


def _done(note: Callable[[str], None], batch_id: str) -> bool:
    """Runs one of ``OwedRuns``' methods for the batch; False, and a line in the log, where it failed."""
    try:
        note(batch_id)
    except ExchangeError as error:
        log.warning("%s: what is owed could not be noted: %s", batch_id, error)
        return False
    return True


@contextmanager
def resident_workers(
    open_app: OpenApp, number: int, owed: OwedRuns, start_run: Callable[[str], bool]
) -> Iterator[ResidentWorkers]:
    """``number`` workers for the length of the block; to be entered before any thread is started."""
    workers: list[ResidentWorker] = []
    everyone = ResidentWorkers(workers, owed, start_run)
    with ExitStack() as stack:
        stack.callback(everyone.over)
        for _ in range(number):
            workers.append(ResidentWorker(open_app))
            stack.callback(workers[-1].ended)
        try:
            yield everyone
        finally:
            for worker in workers:
                worker.end()
