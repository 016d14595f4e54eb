"""Due days: the cycles of Jilin's notice of 2015 over the State Council's calendar of 2026."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.working_days import WORKING_DAYS, due_date, is_working_day, office_day


@pytest.mark.parametrize(
    ("cycle", "received", "due"),
    [
        ("monthly", date(2026, 11, 23), date(2026, 11, 30)),
        ("monthly", date(2026, 9, 28), date(2026, 10, 10)),  # over National Day, Saturday 10 October is worked
        ("monthly", date(2026, 2, 13), date(2026, 2, 27)),  # over Spring Festival, Saturday 14 February is worked
        ("monthly", date(2026, 11, 28), date(2026, 12, 4)),  # received on a Saturday
        ("quarterly", date(2026, 4, 1), date(2026, 4, 16)),
        ("annual", date(2026, 11, 2), date(2026, 11, 30)),
        ("half_yearly", date(2026, 11, 2), date(2026, 11, 30)),
        ("ad_hoc", date(2026, 10, 1), date(2026, 10, 1)),
    ],
)
def test_due_days_of_2026(cycle: str, received: date, due: date) -> None:
    found = due_date(cycle, received)
    assert (found.day, found.provisional, found.working_days) == (due, False, WORKING_DAYS[cycle])


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        *[(date(2026, *day), True) for day in [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)]],
        *[
            (date(2026, *day), False)
            for day in [(2, 16), (2, 20), (2, 23), (10, 1), (10, 2), (10, 5), (10, 6), (10, 7)]
        ],
    ],
)
def test_exchanged_days_of_2026(day: date, worked: bool) -> None:
    assert is_working_day(day) == (worked, False)


def test_a_year_without_a_notice_is_provisional() -> None:
    found = due_date("annual", date(2026, 12, 15))
    assert (found.day, found.provisional) == (date(2027, 1, 13), True)
    assert not due_date("monthly", date(2026, 12, 15)).provisional


def test_the_offices_own_days_come_first() -> None:
    off = {date(2026, 11, 24): False, date(2027, 1, 4): False}
    assert due_date("monthly", date(2026, 11, 23), off).day == date(2026, 12, 1)
    assert is_working_day(date(2027, 1, 4), off) == (False, False)


def test_the_day_is_that_of_the_office() -> None:
    assert office_day(datetime(2026, 11, 23, 15, 59, tzinfo=UTC)) == date(2026, 11, 23)
    assert office_day(datetime(2026, 11, 23, 16, 0, tzinfo=UTC)) == date(2026, 11, 24)
    with pytest.raises(ValueError, match="time zone"):
        office_day(datetime(2026, 11, 23))


@given(st.sampled_from(sorted(WORKING_DAYS)), st.dates(date(2020, 1, 1), date(2031, 12, 31)))
def test_the_due_day_is_the_nth_working_day(cycle: str, received: date) -> None:
    due = due_date(cycle, received)
    counted = [received + timedelta(days=n) for n in range(1, (due.day - received).days + 1)]
    assert sum(is_working_day(day)[0] for day in counted) == WORKING_DAYS[cycle]
    assert cycle == "ad_hoc" or is_working_day(due.day)[0]
