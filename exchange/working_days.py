"""Due dates: receipt and cycle in, due day out.

Rules
- The day of receipt is not counted (Civil Code art. 201); the due day is the n-th working day after it, in
  Asia/Shanghai. Receipt at night or on a day off changes nothing.
- Working days follow the State Council's yearly notice (statutory holidays and the weekends worked in exchange), as
  the package ``chinesecalendar`` carries it; the office's own days (a provincial notice) come first.
- A year that no notice covers yet is computed from weekends and fixed-date holidays, and the due date is then
  marked provisional. It never fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import chinese_calendar

OFFICE_ZONE: Final = ZoneInfo("Asia/Shanghai")

OBJECTION: Final = "objection"

# Jilin's notice on police-station certificates, 2015, section 2. Ad hoc is answered at once: due on the day itself.
WORKING_DAYS: Final[Mapping[str, int]] = MappingProxyType(
    {"annual": 20, "half_yearly": 20, "quarterly": 10, "monthly": 5, "ad_hoc": 0, OBJECTION: 15}
)
"""Cycle → working days. An objection: national rules on criminal-record queries of 2021."""

EXTENDED_OBJECTION: Final = 30
"""Working days of an objection that a leader extended, once (same rules)."""

# 全国年节及纪念日放假办法 as of 2025-01-01: holidays with a fixed date, (month, day).
FIXED_HOLIDAYS: Final = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})

OfficeDays = Mapping[date, bool]
"""The office's own days: True is worked, False is off."""


@dataclass(frozen=True)
class Due:
    """The last day for the answer; ``provisional`` where a counted day lies in a year without a notice."""

    day: date
    provisional: bool
    working_days: int


def office_day(moment: datetime) -> date:
    """The office's calendar day of an aware moment."""
    if moment.tzinfo is None:
        msg = "a moment without a time zone has no office day"
        raise ValueError(msg)
    return moment.astimezone(OFFICE_ZONE).date()


def is_working_day(day: date, office_days: OfficeDays = MappingProxyType({})) -> tuple[bool, bool]:
    """(worked, provisional) for one day."""
    if day in office_days:
        return office_days[day], False
    try:
        return bool(chinese_calendar.is_workday(day)), False
    except NotImplementedError:  # how the package says that no notice covers this year
        weekend = day.weekday() >= 5
        return not weekend and (day.month, day.day) not in FIXED_HOLIDAYS, True


def due_date(cycle: str, received: date, office_days: OfficeDays = MappingProxyType({})) -> Due:
    """The due day of a batch of this cycle received on this day; KeyError for a cycle that is none."""
    return due_after(WORKING_DAYS[cycle], received, office_days)


def due_after(working_days: int, received: date, office_days: OfficeDays = MappingProxyType({})) -> Due:
    """The n-th working day after the day of receipt."""
    remaining = working_days
    day, provisional = received, False
    while remaining:
        day += timedelta(days=1)
        worked, unsure = is_working_day(day, office_days)
        provisional |= unsure
        remaining -= worked
    return Due(day, provisional, working_days)
