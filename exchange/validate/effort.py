"""How much processor time a partner's file may take to be read.

Rules
- The allowance grows with the file, so that a large honest one has its time, and a small one that was made to be slow
  does not. It is ten times what honest files take here (a workbook of 1 MB one second, CSV far less), so that a slow
  machine is no refusal; beyond it the set is refused as that.
- Processor time of the reading thread, not the clock on the wall: a busy machine is not the partner's fault.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from exchange.base.errors import Refused

ALWAYS_ALLOWED: Final = 20.0
"""Seconds."""

ALLOWED_PER_BYTE: Final = 10.0 / (1 << 20)

T = TypeVar("T")


class Effort:
    """The allowance of one file of ``size`` bytes, and what is spent of it."""

    def __init__(self, size: int) -> None:
        self._left = ALWAYS_ALLOWED + ALLOWED_PER_BYTE * size

    def spend(self, seconds: float) -> None:
        """Refused once more is spent than there was."""
        self._left -= seconds
        if self._left < 0:
            raise Refused("reading_too_long")

    def each(self, parts: Iterable[T]) -> Iterator[T]:
        """The same parts; what is spent is the time of who makes them, not of who takes them."""
        rest = iter(parts)
        while True:
            begun = time.thread_time()
            try:
                part = next(rest)
            except StopIteration:
                return
            self.spend(time.thread_time() - begun)
            yield part
