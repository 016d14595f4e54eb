"""Due dates: receipt, cycle and pauses of the clock in, due day out.

Rules
- The day of receipt is not counted (Civil Code art. 201); the due day is the n-th working day after it, in
  Asia/Shanghai. Receipt at night or on a day off changes nothing.
- Working days follow the State Council's yearly notice (statutory holidays and the weekends worked in exchange), as
  the package ``chinesecalendar`` carries it; the office's own days (``calendar/office_days.py``) come first.
- A year that no notice covers yet is computed from weekends and fixed-date holidays, and the due date is then
  marked provisional. It never fails. (A notice has also changed the last days of the December before it, as 29 and
  31 December 2018: that is found when open batches are computed again, which is done for all of them.)
- **The clock**: a working day counts unless the clock is paused at its end, 24:00. So the day on which it was paused
  does not count, the day on which it was resumed does; paused and resumed within a day costs nothing; pauses on days
  off cost nothing; several add up. What is due at once, and was paused at the end of its day, is due on the next day
  that counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import chinese_calendar

from exchange.calendar.deadlines import earliest

OFFICE_ZONE: Final = ZoneInfo("Asia/Shanghai")

# 全国年节及纪念日放假办法 as of 2025-01-01: holidays with a fixed date, (month, day).
FIXED_HOLIDAYS: Final = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})

OfficeDays = Mapping[date, bool]
"""The office's own days: True is worked, False is off."""

NO_DAYS: Final[OfficeDays] = MappingProxyType({})


@dataclass(frozen=True)
class ClockPause:
    """The clock was paused from a moment on the day ``paused`` to one on the day ``resumed``."""

    paused: date
    resumed: date

    def at_end_of(self, day: date) -> bool:
        """Whether the clock was paused at the end of this day."""
        return self.paused <= day < self.resumed


@dataclass(frozen=True)
class Due:
    """The last day for the answer; ``provisional`` where a counted day lies in a year without a notice; ``counted``:
    the working days that were counted, the last of them the due day.
    """

    day: date
    provisional: bool
    working_days: int
    counted: tuple[date, ...] = ()


def office_day(moment: datetime) -> date:
    """The office's calendar day of an aware moment."""
    if moment.tzinfo is None:
        msg = "a moment without a time zone has no office day"
        raise ValueError(msg)
    return moment.astimezone(OFFICE_ZONE).date()


def is_working_day(day: date, office_days: OfficeDays = NO_DAYS) -> tuple[bool, bool]:
    """(worked, provisional) for one day."""
    if day in office_days:
        return office_days[day], False
    return _by_notice(day)


@cache  # the package searches its whole table for each day
def _by_notice(day: date) -> tuple[bool, bool]:
    try:
        return bool(chinese_calendar.is_workday(day)), False
    except NotImplementedError:  # how the package says that no notice covers this year
        weekend = day.weekday() >= 5
        return not weekend and (day.month, day.day) not in FIXED_HOLIDAYS, True


def due_date(
    cycle: str,
    received: date,
    office_days: OfficeDays = NO_DAYS,
    pauses: Sequence[ClockPause] = (),
    items: Sequence[str] = (),
) -> Due:
    """The due day of a batch of this cycle that asks these items, received on this day: the earliest of theirs.
    KeyError for an unknown cycle.
    """
    return due_after(earliest(cycle, items), received, office_days, pauses)


def due_after(
    working_days: int, received: date, office_days: OfficeDays = NO_DAYS, pauses: Sequence[ClockPause] = ()
) -> Due:
    """The n-th working day after the day of receipt, of those that count."""
    due_at_once = not working_days and not _is_paused(received, pauses)
    wanted = 0 if due_at_once else max(working_days, 1)
    counted: list[date] = []
    day, provisional = received, False
    while len(counted) < wanted:
        day += timedelta(days=1)
        worked, unsure = is_working_day(day, office_days)
        provisional |= unsure
        if worked and not _is_paused(day, pauses):
            counted.append(day)
    return Due(day, provisional, working_days, tuple(counted))


def nth_working_day(first: date, number: int, office_days: OfficeDays = NO_DAYS) -> date:
    """The n-th working day from ``first`` on, ``first`` itself among them."""
    return due_after(number, first - timedelta(days=1), office_days).day


def _is_paused(day: date, pauses: Sequence[ClockPause]) -> bool:
    return any(pause.at_end_of(day) for pause in pauses)
