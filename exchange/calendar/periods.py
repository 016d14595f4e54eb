"""Periods: which days the period of a cycle covers, how it is written, and which one follows.

annual 2026, half_yearly 2026-H1, quarterly 2026-Q3, monthly 2026-10; ad_hoc and objection name a day, 2026-10-31
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

MONTHS: Final[Mapping[str, int]] = MappingProxyType({"annual": 12, "half_yearly": 6, "quarterly": 3, "monthly": 1})
"""Periodic cycle → months of its period."""

_FORMS: Final = {
    "annual": re.compile(r"(\d{4})", re.ASCII),
    "half_yearly": re.compile(r"(\d{4})-H([12])", re.ASCII),
    "quarterly": re.compile(r"(\d{4})-Q([1-4])", re.ASCII),
    "monthly": re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII),
}
_OF_A_DAY: Final = frozenset({"ad_hoc", "objection"})
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NAMES: Final = {
    "annual": "{0:04}",
    "half_yearly": "{0:04}-H{1}",
    "quarterly": "{0:04}-Q{1}",
    "monthly": "{0:04}-{1:02}",
}


@dataclass(frozen=True)
class Period:
    """A period of a cycle, as ``2026-10`` of ``monthly``; from its first day to its last."""

    cycle: str
    name: str
    first: date
    last: date

    @property
    def following(self) -> Period:
        """The period after it, of the same cycle."""
        return period_of(self.cycle, self.last + timedelta(days=1))


def period_of(cycle: str, day: date) -> Period:
    """The period of a periodic cycle in which this day lies; KeyError for another cycle."""
    months = MONTHS[cycle]
    number = (day.month - 1) // months
    first = date(day.year, number * months + 1, 1)
    end_month = number * months + months
    after = date(day.year + end_month // 12, end_month % 12 + 1, 1)
    return Period(cycle, _NAMES[cycle].format(day.year, number + 1), first, after - timedelta(days=1))


def read_period(cycle: str, name: str) -> Period | None:
    """The period that is written so; None where it is not as this cycle writes it."""
    if cycle in _OF_A_DAY:
        return _day(cycle, name)
    match = _FORMS[cycle].fullmatch(name)
    if match is None or not 1 < int(match[1]) < 9999:
        return None
    number = int(match[2]) if match.re.groups > 1 else 1
    return period_of(cycle, date(int(match[1]), (number - 1) * MONTHS[cycle] + 1, 1))


def _day(cycle: str, name: str) -> Period | None:
    try:
        day = date.fromisoformat(name) if _DAY.fullmatch(name) else None
    except ValueError:
        return None
    return Period(cycle, name, day, day) if day else None
