"""Timers: something is done when a time is over, unless it is cancelled before.

Rules
- One thread waits for all alarms, and begins with the first: ``threading.Timer`` starts one for each, which costs more
  than a whole look into a folder (hundreds a second).
- What an alarm does must be short and must not raise; it closes a socket.
- A process that is forked begins without alarms: those that were set are its parent's.
"""

from __future__ import annotations

import heapq
import os
import time
from collections.abc import Callable
from itertools import count
from threading import Condition, Thread
from typing import Final


class Alarm:
    """A timer that was set."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self.ring: Callable[[], None] | None = ring

    def cancel(self) -> None:
        """Cancels it, if it has not rung yet."""
        self.ring = None


class Alarms:
    """All alarms of this process, the next one first."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._changed = Condition()
        self._order = count()
        self._set: list[tuple[float, int, Alarm]] = []
        self._thread: Thread | None = None

    def set(self, seconds: float, ring: Callable[[], None]) -> Alarm:
        """Calls ``ring`` after so many seconds, in another thread."""
        alarm = Alarm(ring)
        entry = (time.monotonic() + seconds, next(self._order), alarm)
        with self._changed:
            heapq.heappush(self._set, entry)
            if self._thread is None:
                self._thread = Thread(target=self._wait, name="alarms", daemon=True)
                self._thread.start()
            elif self._set[0] is entry:
                self._changed.notify()
        return alarm

    def _wait(self) -> None:
        while True:
            with self._changed:
                while self._set and self._set[0][2].ring is None:
                    heapq.heappop(self._set)
                left = self._set[0][0] - time.monotonic() if self._set else None
                if left is None or left > 0:
                    self._changed.wait(left)
                    continue
                _, _, alarm = heapq.heappop(self._set)
            if (ring := alarm.ring) is not None:
                ring()


ALARMS: Final = Alarms()
os.register_at_fork(after_in_child=ALARMS._begin)
