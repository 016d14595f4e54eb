"""Runs are started beside the lookout, one after another, in a thread: Airflow may take long to say that one is there.

Rules
- An API server that is being started, or hangs, keeps whoever asks it for a run a minute and longer, with all tries.
  Sets are claimed and answered meanwhile, so nobody who has to do with that asks it.
- So a run is there only once it is asked for again. What is owed is struck out here, as soon as Airflow has the run;
  what could not be started is asked for again by who owes it, and else by ``collect``.
- What was not started when the lookout ends is owed still.
- Of small sets few runs are asked for at once: where Airflow is slow, they come no faster than it starts them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Final

from exchange.base.errors import ExchangeError, without_values
from exchange.intake.lanes import Lane
from exchange.intake.owed import OwedRuns

log = logging.getLogger(__name__)

_AT_ONCE: Final = 8
"""Runs of small sets that are asked for while others are not there yet."""

_LAST_SECONDS: Final = 10.0
"""What was asked for may still be started for so long at the end."""


class RunStarter:
    """``start_run`` starts a batch's run in a lane; whether there is one now."""

    def __init__(self, start_run: Callable[[Lane, str], bool], owed: OwedRuns) -> None:
        self._start_run = start_run
        self._owed = owed
        self._asked = SimpleQueue[tuple[Lane, str] | None]()
        self._under_way = set[str]()
        self._started = set[str]()
        self._thread: Thread | None = None

    def start(self, batch_id: str, lane: Lane = Lane.IMMEDIATE) -> bool:
        """Asks for the run, unless that is done already; whether it is known to be there. Resident workers are to be
        forked before this is called first: it starts a thread.
        """
        if batch_id in self._started:
            return True
        may_ask = lane is not Lane.IMMEDIATE or len(self._under_way) < _AT_ONCE
        if may_ask and batch_id not in self._under_way:
            self._under_way.add(batch_id)
            self._asked.put((lane, batch_id))
        if self._thread is None:
            self._thread = Thread(target=self._work, name="runs", daemon=True)
            self._thread.start()
        return False

    def close(self, seconds: float = _LAST_SECONDS) -> None:
        """Starts what was asked for, for so long."""
        if self._thread is not None:
            self._asked.put(None)
            self._thread.join(seconds)

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            lane, batch_id = asked
            try:
                with without_values():
                    if self._start_run(lane, batch_id):
                        self._started.add(batch_id)
                        self._owed.paid(batch_id)
            except ExchangeError as error:
                log.warning("%s: its run is asked for again: %s", batch_id, error)
            self._under_way.discard(batch_id)
