"""Which warnings about a due day apply by now: a pure function of the due day, today, and the office's settings.

Rules
- A warning comes at half the working days and at so many working days before the due day (the office's settings), an
  alarm on the due day; the day after it is a breach. Each has the day from which it applies, so that a watch that
  runs days later finds them all, and when each should have been sent.
- What is due at once has no warnings. A warning that would come before the receipt is left out.
- While the clock is paused no further one begins to apply; that a day was missed which was over before does.
- When the due day moves, a warning that was sent for the former one is sent again, unless it was sent on or after the
  day from which it applies now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from exchange.calendar.working_days import Due

HALF: Final = "half"
DAYS_LEFT: Final = "days_left"
DUE_TODAY: Final = "due_today"
LATE: Final = "late"
"""Codes of ``schemas/alerts.toml``."""

Kind = tuple[str, int]
"""A code and, for ``days_left``, the number of working days; else 0."""


@dataclass(frozen=True)
class DueWarning:
    """A warning, alarm or breach. ``days``: working days left, 0 where the code has none; ``true_on``: since when it
    holds.
    """

    code: str
    days: int
    true_on: date

    @property
    def kind(self) -> Kind:
        """What it is told apart by: of each kind a batch has one."""
        return self.code, self.days


def reached(
    due: Due, today: date, *, half: bool, days: Iterable[int], paused_since: date | None = None
) -> list[DueWarning]:
    """All warnings that apply on this day, in the order in which they began to. ``days``: before how many working days
    to warn; ``paused_since``: the day on which the clock was paused, where it still is.
    """
    before = date.max if paused_since is None else paused_since
    return sorted(
        (
            warning
            for warning in _all(due, half, days)
            # a breach holds from 0:00 on, and needs nothing of its day to be counted
            if warning.true_on <= today
            and (warning.true_on < before or (warning.code == LATE and warning.true_on == before))
        ),
        key=lambda warning: warning.true_on,
    )


def _all(due: Due, half: bool, days: Iterable[int]) -> Iterable[DueWarning]:
    total = len(due.counted)
    if half and total > 1:
        yield DueWarning(HALF, 0, due.counted[(total + 1) // 2 - 1])
    for number in set(days):
        if 0 < number < total:
            yield DueWarning(DAYS_LEFT, number, due.counted[total - number - 1])
    yield DueWarning(DUE_TODAY, 0, due.day)
    yield DueWarning(LATE, 0, due.day + timedelta(days=1))


def not_yet_sent(warnings: Iterable[DueWarning], sent: Mapping[Kind, date]) -> list[DueWarning]:
    """The warnings that are still to be sent; ``sent``: when each kind was sent last."""
    return [warning for warning in warnings if warning.kind not in sent or sent[warning.kind] < warning.true_on]
