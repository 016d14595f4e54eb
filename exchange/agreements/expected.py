"""What an agreement expects and when, and what to do with a set that comes early, late, twice or for another time.

Rules, for the periodic cycles; ad hoc requests and objections may come at any time, any number of times, but for a day
that lies ahead or too far back as a period may not
- **Expected** by the n-th working day (or day) of the period, or of the time after it, as the agreement says; in a
  period that is shorter, by its last day. A period that began before the agreement was in force, or whose day comes
  after it ended, is not expected.
- **Missing**: nothing was accepted for a period until the end of that day. What was refused has not come.
- **Early**: before the period has begun. The period that comes next is accepted, and noted; one further on is a slip of
  the pen and refused (``period_ahead``).
- **Late**: after the day on which it was expected. It is accepted, and noted. A period that ended longer ago than the
  office's settings say is refused (``period_past``).
- **Doubled**: where a cycle is expected, so many sets as the agreement says (one) are accepted for a period and a
  purpose; one more is refused (``period_doubled``). A set that was refused does not count: its correction is accepted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import islice, takewhile

from exchange.agreements.agreement import Agreement
from exchange.agreements.sections import Expected
from exchange.base.errors import Refused
from exchange.calendar.periods import MONTHS, Period, period_of, read_period
from exchange.calendar.working_days import OfficeDays, nth_working_day


class Arrival(StrEnum):
    """How a set came, beside the day on which it was expected."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"


Came = Collection[tuple[str, str, str]]
"""(cycle, period, purpose) of the sets that came."""


@dataclass(frozen=True)
class Missing:
    """``purpose`` is empty where any will do."""

    cycle: str
    period: str
    purpose: str
    expected_by: date

    @property
    def key(self) -> tuple[str, str, str]:
        """Cycle, period and purpose."""
        return self.cycle, self.period, self.purpose

    @property
    def name(self) -> str:
        """Names it in file names and alerts, beside the partner."""
        return f"{self.cycle}-{self.period}" + (f".{self.purpose}" if self.purpose else "")


def expected_by(expected: Expected, period: Period, office_days: OfficeDays) -> date:
    """The last day on which the set of this period is on time."""
    begins = expected.counted_from == "begin"
    first = period.first if begins else period.last + timedelta(days=1)
    if expected.counting == "days":
        day = first + timedelta(days=expected.day - 1)
    else:
        day = nth_working_day(first, expected.day, office_days)
    return min(day, period.last) if begins else day


def missing(agreement: Agreement, today: date, came: Came, office_days: OfficeDays) -> list[Missing]:
    """Everything that should have come by yesterday and did not, the oldest first."""
    sets: list[Missing] = []
    for expected in agreement.expected:
        open_ = _not_come(agreement, expected, came, office_days)
        sets += takewhile(lambda expected_set: expected_set.expected_by < today, open_)
    return sorted(sets, key=lambda expected_set: (expected_set.expected_by, expected_set.name))


def upcoming(agreement: Agreement, today: date, came: Came, office_days: OfficeDays) -> list[Missing]:
    """Of each that the agreement expects, the next set that has not come and whose day is not over; the earliest first.
    None whose day lies behind the agreement's last.
    """
    sets: list[Missing] = []
    for expected in agreement.expected:
        open_ = _not_come(agreement, expected, came, office_days)
        sets += islice((expected_set for expected_set in open_ if expected_set.expected_by >= today), 1)
    return sorted(sets, key=lambda expected_set: (expected_set.expected_by, expected_set.name))


def current(
    agreement: Agreement, expected: Expected, today: date, came: Came, office_days: OfficeDays
) -> list[tuple[Missing, bool]]:
    """The sets of one that the agreement expects of which period or day is not over, up to the next that is to come
    (``upcoming``); each with whether it came.
    """
    sets: list[tuple[Missing, bool]] = []
    for period, expected_set in _expected_sets(agreement, expected, office_days):
        has_begun = period.first <= today
        if not has_begun and any(not there and today <= one.expected_by for one, there in sets):
            break
        if today <= max(period.last, expected_set.expected_by):
            sets.append((expected_set, bool(matching(*expected_set.key, came))))
        if not has_begun and not sets[-1][1]:
            break
    return sets


def _not_come(agreement: Agreement, expected: Expected, came: Came, office_days: OfficeDays) -> Iterator[Missing]:
    """The sets that did not come, period by period, up to the agreement's last day."""
    for _, expected_set in _expected_sets(agreement, expected, office_days):
        if not matching(*expected_set.key, came):
            yield expected_set


def _expected_sets(
    agreement: Agreement, expected: Expected, office_days: OfficeDays
) -> Iterator[tuple[Period, Missing]]:
    """All sets that are expected, period by period, up to the agreement's last day."""
    since = max(agreement.in_force_from, expected.since or agreement.in_force_from)
    period = period_of(expected.cycle, since)
    if period.first < since:
        period = period.following
    while (day := expected_by(expected, period, office_days)) <= agreement.last_day:
        yield period, Missing(expected.cycle, period.name, expected.purpose or "", day)
        period = period.following


def matching(cycle: str, period: str, purpose: str, came: Came) -> list[tuple[str, str, str]]:
    """The keys of sets that came and satisfy what is expected of this period; an empty ``purpose`` is satisfied
    by any.
    """
    return [arrival for arrival in came if arrival[:2] == (cycle, period) and purpose in ("", arrival[2])]


def arrival(
    cycle: str, name: str, received: date, expected: Expected | None, office_days: OfficeDays, oldest_days: int
) -> Arrival | None:
    """Early, on time or late; None for a cycle that is not periodic. Refused where the period is none to ask for."""
    period = read_period(cycle, name)
    if period is None:
        return None
    if period.first > received:
        if period.first > _next_begins(cycle, received):
            raise Refused("period_ahead", column="period")
        return Arrival.EARLY if cycle in MONTHS else None
    if received - period.last > timedelta(days=oldest_days):
        raise Refused("period_past", column="period")
    if cycle not in MONTHS:
        return None
    on_time = expected is None or received <= expected_by(expected, period, office_days)
    return Arrival.ON_TIME if on_time else Arrival.LATE


def _next_begins(cycle: str, received: date) -> date:
    """When the period after the one of this day begins; the next day where a day is named."""
    return period_of(cycle, received).following.first if cycle in MONTHS else received + timedelta(days=1)
