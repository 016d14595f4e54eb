"""What a resident worker runs: it answers the batches that it is given, one after another (``resident.py``).

Rules
- Partners take turns, and each partner's batches stay in their order.
- One partner's server holds up no other: the worker waits for it for half a minute, and leaves a partner that kept it
  for long and in vain to runs for five minutes.
- So it is with a file that takes long to be read, as a small workbook with a million rows does whatever its manifest
  says of them: a worker leaves it to its run, and the partner likewise.
- While the register is away nothing can be answered, and that is no partner's doing: the worker waits for it for a
  while, since each set that it failed at would have a run at once, which costs several times the answer.
- A worker opens an office of its own, and lives no longer than whoever forked it.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final

from exchange import pipeline
from exchange.app import App
from exchange.base import silence
from exchange.base.errors import ExchangeError, Retryable, without_values
from exchange.register.database import check_written
from exchange.settings import Settings
from exchange.validate.effort import unless_longer_than
from exchange.wire.pool import pooled

log = logging.getLogger(__name__)

_SERVER_SECONDS: Final = 30.0
"""A worker waits for a partner's server for so long at once, where the policy does not say less."""

_IN_VAIN_SECONDS: Final = 10.0
"""A partner at whose set a worker failed after more than this is left to runs for a while; so much of the processor
reading one file may take."""

_LEFT_SECONDS: Final = 300.0

_REGISTER_SECONDS: Final = 30.0
"""A worker waits for the register for so long before it goes on; less than it may say nothing for."""

_LOOK_UP_SECONDS: Final = 1.0
"""Between two looks of an idle worker whether whoever started it is still there, or the register is again."""

OpenApp = Callable[[], App]


class _Turns:
    """Batches that wait, the partners in turn, each partner's in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, batch_id: str) -> None:
        self._waiting.setdefault(partner_of(batch_id), deque()).append(batch_id)

    def next(self) -> str:
        """Takes the next one; its partner is the last in the next turn."""
        partner = next(iter(self._waiting))
        mine = self._waiting.pop(partner)
        batch_id = mine.popleft()
        if mine:
            self._waiting[partner] = mine
        return batch_id


def partner_of(batch_id: str) -> str:
    """The partner of a batch, by its id."""
    return batch_id.partition(".")[0]


def serve(open_app: OpenApp, pipe: Connection, is_over: Callable[[], bool], parent: int) -> None:
    """The main loop of a worker: takes batch ids from ``pipe``, and sends back (batch id, whether it was answered)."""
    turns, left = _Turns(), dict[str, float]()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whoever was forked has its own way to end
    silence.install()
    with (
        without_values(),  # multiprocessing would print whatever leaves here with its words
        suppress(EOFError, OSError),
        silence.native_code_muted(),
        open_app() as app,
        pooled() as connections,
        unless_longer_than(_IN_VAIN_SECONDS),
    ):
        app.settings = _brief(app.settings)
        while not is_over() and os.getppid() == parent:
            while pipe.poll(0 if turns else _LOOK_UP_SECONDS):
                turns.add(pipe.recv())
            if not turns:
                connections.close_idle()
                continue
            batch_id, begun = turns.next(), time.monotonic()
            is_left = left.get(partner_of(batch_id), begun) > begun
            answered = not is_left and _answered(app, batch_id)
            in_vain = not answered and time.monotonic() - begun > _IN_VAIN_SECONDS
            pipe.send((batch_id, answered))
            if not answered and not _waited_for_register(app, is_over) and in_vain:
                left[partner_of(batch_id)] = time.monotonic() + _LEFT_SECONDS


def _brief(settings: Settings) -> Settings:
    """The settings with shorter time limits for partners' servers."""
    waits = ("whole_look_seconds", "whole_transfer_seconds")
    less = {wait: min(getattr(settings.policy, wait), _SERVER_SECONDS) for wait in waits}
    return settings.model_copy(update={"policy": settings.policy.model_copy(update=less)})


def _answered(app: App, batch_id: str) -> bool:
    try:
        with without_values():
            pipeline.run(app, batch_id)
    except ExchangeError as error:
        log.info("%s: left to its run: %s", batch_id, error)
        return False
    return True


def _waited_for_register(app: App, is_over: Callable[[], bool]) -> bool:
    """Whether the register was away; waits until it is there again, for a while."""
    until, away = time.monotonic() + _REGISTER_SECONDS, False
    while not is_over() and time.monotonic() < until:
        try:
            with without_values():
                check_written(app.register.engine)
        except Retryable:
            away = True
            time.sleep(_LOOK_UP_SECONDS)
        else:
            break
    return away
