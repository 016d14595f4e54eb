"""How much processor time a partner's file may take to be read.

Rules
- The allowance grows with the file, so that a large honest one has its time, and a small one that was made to be slow
  does not. It is ten times what honest files take here (a workbook of 1 MB one second, CSV far less), so that a slow
  machine is no refusal; beyond it the set is refused as that.
- Whoever has others waiting takes less of it, and leaves a file that takes longer to somebody else: that says nothing
  of the file (``unless_longer_than``).
- Processor time of the reading thread, not the clock on the wall: a busy machine is not the partner's fault.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import Final, TypeVar

from exchange.base.errors import Refused, Retryable

ALWAYS_ALLOWED: Final = 20.0
"""Seconds that any file may take, however small."""

ALLOWED_PER_BYTE: Final = 10.0 / (1 << 20)

T = TypeVar("T")

_patience: Final = ContextVar("seconds for one file", default=inf)


@contextmanager
def unless_longer_than(seconds: float) -> Iterator[None]:
    """Retryable within the block where a file takes more than so many seconds, and may."""
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


class Effort:
    """The allowance of one file of ``size`` bytes, and what is spent of it."""

    def __init__(self, size: int) -> None:
        self._left = ALWAYS_ALLOWED + ALLOWED_PER_BYTE * size
        self._patience = _patience.get()

    def spend(self, seconds: float) -> None:
        """Counts this time. Refused once the allowance is used up; Retryable where the limit of ``unless_longer_than``
        is.
        """
        self._left -= seconds
        self._patience -= seconds
        if self._left < 0:
            raise Refused("reading_too_long")
        if self._patience < 0:
            msg = "the file takes long to be read: it is left to whoever holds up nobody else by it"
            raise Retryable(msg)

    def each(self, parts: Iterable[T]) -> Iterator[T]:
        """The same parts; counts the time of whoever makes them, not of whoever takes them."""
        rest = iter(parts)
        while True:
            begun = time.thread_time()
            try:
                part = next(rest)
            except StopIteration:
                return
            self.spend(time.thread_time() - begun)
            yield part
