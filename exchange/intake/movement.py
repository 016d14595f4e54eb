"""When a partner's folder must be listed, by its mtime, and how soon to look again.

Rules
- A folder's own time of change is asked first: one question, where a listing takes four. While it stands still, nothing
  has come, and the folder is not listed.
- That time is in whole seconds: after it has moved, the folder is listed until its second is over for certain.
- While sets lie there the folder is listed at each look: a file that grows does not move its folder's time.
- It is a hint: the folder is listed each so often whatever it says, and at each look for the rest of the connection
  where something had come and the time had not moved at the look behind that, either: what comes between the question
  and the listing is listed before the time is asked again.
- Where nothing has moved for a while, folders are looked at more seldom the more of them are watched, so that a
  thousand that are quiet cost no more than a few hundred.
- A folder in which thousands of files lie is looked at more seldom: to list ten thousand takes 0.15 s of processor
  time, and each half second would be a third of a core. So is one whose server names few of them in an answer: ten
  thousand, one by one, take seconds.
"""

from __future__ import annotations

from typing import Final

_SECOND_OVER: Final = 2.0
_LISTED_AT_LEAST: Final = 15.0
_LIVELY: Final = 300.0
"""So many seconds after a change a folder is looked at as often as possible."""

_SECONDS_A_FILE: Final = 0.0003
"""The least pause between two looks, for each file that was listed."""

_SECONDS_A_QUESTION: Final = 0.01
"""Likewise for each request that the listing took: so it takes a tenth of a core at most."""


class Movement:
    """What is known of one folder over one connection; times are seconds of a monotonic clock."""

    def __init__(self, now: float) -> None:
        self._changed_at: int | None = None
        self._changed_seen = now
        self._listed = float("-inf")
        self._names: frozenset[str] = frozenset()
        self._questions = 0
        self._sets_there = True
        self._believed = True
        self._doubted = False
        self._moved = float("-inf")

    def must_list(self, changed_at: int | None, now: float) -> bool:
        """Whether to list the folder now. ``changed_at``: its mtime by the server; None where the server does
        not say.
        """
        if changed_at != self._changed_at:
            self._changed_at, self._changed_seen = changed_at, now
        elif self._doubted:
            self._believed = False
        self._doubted = False
        return (
            changed_at is None
            or not self._believed
            or self._sets_there
            or self._listed < self._changed_seen + _SECOND_OVER
            or now - self._listed >= _LISTED_AT_LEAST
        )

    def listed(self, names: frozenset[str], now: float, *, sets_there: bool, questions: int = 0) -> None:
        """Notes a listing, which came after the question for the mtime: the names in it, whether there are request
        sets, and how many requests it took.
        """
        if names - self._names and self._listed >= self._changed_seen + _SECOND_OVER:
            self._doubted = True
        if names != self._names:
            self._moved = now
        self._names, self._sets_there, self._listed, self._questions = names, sets_there, now, questions

    def pause(self, now: float, shortest: float, watched: int, looks_per_second: float) -> float:
        """Seconds until the next look. ``shortest``: at least so many; ``watched``: how many folders share
        ``looks_per_second``.
        """
        listed = max(shortest, len(self._names) * _SECONDS_A_FILE, self._questions * _SECONDS_A_QUESTION)
        if now - self._moved < _LIVELY:
            return listed
        return max(listed, watched / looks_per_second)
