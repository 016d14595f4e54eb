"""A month of the office: from 0:00 of its first day to 24:00 of its last, in Asia/Shanghai; a running one ends now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from exchange.base.errors import Halt
from exchange.calendar.working_days import OFFICE_ZONE, office_day

REPORTED_BY: Final = 5
"""The day of the next month by which a month's report is made."""


@dataclass(frozen=True)
class Month:
    """``start`` and ``end``, in UTC: the moments between which is counted."""

    name: str
    start: datetime
    end: datetime
    whole: bool

    @property
    def first(self) -> date:
        """Its first day."""
        return office_day(self.start)

    @property
    def today(self) -> date:
        """The office's day of ``end``: what was due before it is over."""
        return office_day(self.end)

    @property
    def last(self) -> date:
        """The last day that is counted."""
        return office_day(self.end - timedelta(microseconds=1))


def read_month(name: str, now: datetime) -> Month:
    """The month of this name (2026-10); Halt where it is none, or has not begun."""
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", name, re.ASCII) or name < "2000":
        msg = "a month is written YYYY-MM"
        raise Halt(msg, zh="月份写作 YYYY-MM，如 2026-10")
    first = date(int(name[:4]), int(name[5:]), 1)
    start = _midnight(first)
    if start > now:
        msg = f"{name} has not begun"
        raise Halt(msg, zh=f"{name} 尚未开始")
    end = _midnight((first + timedelta(days=31)).replace(day=1))
    return Month(name, start, min(end, now.astimezone(UTC)), whole=end <= now)


def month_before(now: datetime) -> Month:
    """The last month that is over."""
    last = office_day(now).replace(day=1) - timedelta(days=1)
    return read_month(f"{last:%Y-%m}", now)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), OFFICE_ZONE).astimezone(UTC)
