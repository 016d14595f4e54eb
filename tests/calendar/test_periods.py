"""Periods: how they are written, which days they cover, and which one follows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.calendar.periods import MONTHS, period_of, read_period


@pytest.mark.parametrize(
    ("cycle", "name", "first", "last"),
    [
        ("annual", "2026", "2026-01-01", "2026-12-31"),
        ("half_yearly", "2026-H1", "2026-01-01", "2026-06-30"),
        ("half_yearly", "2026-H2", "2026-07-01", "2026-12-31"),
        ("quarterly", "2026-Q1", "2026-01-01", "2026-03-31"),
        ("quarterly", "2026-Q4", "2026-10-01", "2026-12-31"),
        ("monthly", "2026-02", "2026-02-01", "2026-02-28"),
        ("monthly", "2028-02", "2028-02-01", "2028-02-29"),
        ("monthly", "2026-12", "2026-12-01", "2026-12-31"),
        ("ad_hoc", "2026-11-23", "2026-11-23", "2026-11-23"),
        ("objection", "2026-11-23", "2026-11-23", "2026-11-23"),
    ],
)
def test_the_days_of_a_period(cycle: str, name: str, first: str, last: str) -> None:
    period = read_period(cycle, name)
    assert period is not None
    assert (period.cycle, period.name) == (cycle, name)
    assert (str(period.first), str(period.last)) == (first, last)


@pytest.mark.parametrize(
    ("cycle", "name"),
    [
        ("annual", "26"), ("annual", "2026-01"), ("annual", "0000"), ("annual", "９９９９"), ("annual", "9999"),
        ("half_yearly", "2026-H3"), ("quarterly", "2026-Q0"), ("quarterly", "2026-q1"), ("monthly", "2026-13"),
        ("monthly", "2026-1"), ("monthly", "2026-10-01"), ("monthly", "2026-10\n"), ("ad_hoc", "2026-02-30"),
        ("ad_hoc", "20261123"), ("ad_hoc", "2026-W48-1"), ("objection", "2026-11"),
    ],
)  # fmt: skip
def test_what_is_no_period_of_its_cycle(cycle: str, name: str) -> None:
    assert read_period(cycle, name) is None


@given(st.sampled_from(sorted(MONTHS)), st.dates(date(2000, 1, 1), date(2100, 12, 31)))
def test_periods_follow_each_other_without_gaps(cycle: str, day: date) -> None:
    period = period_of(cycle, day)
    assert period.first <= day <= period.last
    assert period.following.first == period.last + timedelta(days=1)
    assert read_period(cycle, period.name) == period
