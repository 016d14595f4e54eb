"""Which warnings hold on which day: over a year end, through stops, and after days of standstill."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.calendar.deadlines import WORKING_DAYS
from exchange.calendar.due_warnings import DAYS_LEFT, DUE_TODAY, HALF, LATE, DueWarning, not_yet_sent, reached
from exchange.calendar.working_days import ClockPause, Due, due_after, due_date

DAYS = (2, 1)


def d(text: str) -> date:
    return date.fromisoformat(text)


def found(due: Due, today: str, **given: object) -> list[tuple[str, int, str]]:
    wishes: dict[str, object] = {"half": True, "days": DAYS} | given
    return [(each.code, each.days, str(each.true_on)) for each in reached(due, d(today), **wishes)]  # type: ignore[arg-type]


# Quarterly, received on Tuesday 22 December 2026: 23, 24, 25, 28, 29, 30, 31 December; 4, 5, 6 January.
QUARTERLY = due_after(10, d("2026-12-22"))
ALL = [
    (HALF, 0, "2026-12-29"),
    (DAYS_LEFT, 2, "2027-01-04"),
    (DAYS_LEFT, 1, "2027-01-05"),
    (DUE_TODAY, 0, "2027-01-06"),
    (LATE, 0, "2027-01-07"),
]


@pytest.mark.parametrize(
    ("today", "number"),
    [
        ("2026-12-22", 0),
        ("2026-12-28", 0),
        ("2026-12-29", 1),
        ("2027-01-03", 1),
        ("2027-01-04", 2),
        ("2027-01-05", 3),
        ("2027-01-06", 4),
        ("2027-01-07", 5),
        ("2027-06-30", 5),  # days of standstill: all of them, each with its day
    ],
)
def test_a_quarterly_batch_over_the_year_end(today: str, number: int) -> None:
    assert found(QUARTERLY, today) == ALL[:number]


@pytest.mark.parametrize(
    ("number", "first"),
    [
        (5, [(HALF, 0, "2026-11-26"), (DAYS_LEFT, 2, "2026-11-26"), (DAYS_LEFT, 1, "2026-11-27")]),
        (20, [(HALF, 0, "2026-12-07"), (DAYS_LEFT, 2, "2026-12-17"), (DAYS_LEFT, 1, "2026-12-18")]),
        (0, []),
    ],
)
def test_when_so_many_days_are_warned_of(number: int, first: list[tuple[str, int, str]]) -> None:
    due = due_after(number, d("2026-11-23"))
    last = [(DUE_TODAY, 0, str(due.day)), (LATE, 0, str(due.day + timedelta(days=1)))]
    assert found(due, "2027-12-31") == first + last


def test_the_office_may_wish_otherwise() -> None:
    assert found(QUARTERLY, "2027-01-06", half=False, days=(5, 12)) == [
        (DAYS_LEFT, 5, "2026-12-29"),
        (DUE_TODAY, 0, "2027-01-06"),
    ]


def test_of_two_days_the_first_is_the_half_and_no_days_left_is_no_warning() -> None:
    due = due_after(2, d("2026-11-23"))
    assert found(due, "2026-11-25", days=(0, 2)) == [(HALF, 0, "2026-11-24"), (DUE_TODAY, 0, "2026-11-25")]


def test_while_the_clock_is_paused_nothing_becomes_true() -> None:
    assert found(QUARTERLY, "2027-03-01", paused_since=d("2027-01-04")) == ALL[:1]
    assert found(QUARTERLY, "2027-03-01", paused_since=d("2026-12-30")) == ALL[:1]  # true the day before it was paused
    assert found(QUARTERLY, "2027-03-01", paused_since=d("2026-12-29")) == []
    stopped = due_after(10, d("2026-12-22"), pauses=[ClockPause(d("2027-01-04"), d("2027-01-06"))])
    assert found(stopped, "2027-01-06") == [(HALF, 0, "2026-12-29"), (DAYS_LEFT, 2, "2027-01-06")]


def test_stopped_on_the_day_of_receipt_what_is_due_at_once_has_no_warnings() -> None:
    due = due_after(0, d("2026-11-23"), pauses=[ClockPause(d("2026-11-23"), d("2026-11-25"))])
    assert found(due, "2026-11-26") == [(DUE_TODAY, 0, "2026-11-25"), (LATE, 0, "2026-11-26")]


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ({}, True),
        ({(LATE, 0): d("2026-11-30")}, False),  # said on the day
        ({(LATE, 0): d("2026-12-04")}, False),  # or after it
        ({(LATE, 0): d("2026-11-29")}, True),  # said of an earlier due day
        ({(DUE_TODAY, 0): d("2026-12-04")}, True),
    ],
)
def test_what_was_said_is_said_again_where_it_becomes_true_anew(said: dict[tuple[str, int], date], again: bool) -> None:
    news = [DueWarning(LATE, 0, d("2026-11-30"))]
    assert not_yet_sent(news, said) == (news if again else [])


@given(
    st.sampled_from(sorted(WORKING_DAYS)),
    st.dates(date(2025, 1, 1), date(2027, 12, 31)),
    st.lists(st.integers(0, 60), min_size=1, max_size=20),
)
def test_however_rarely_one_looks_each_is_said_once_and_with_the_same_day(
    cycle: str, received: date, looks: list[int]
) -> None:
    """Looked at on some days only, in order, and then once more at the very end."""
    due = due_date(cycle, received)
    said: dict[tuple[str, int], date] = {}
    told = []
    for day in [*sorted(received + timedelta(days=number) for number in looks), received + timedelta(days=400)]:
        news = not_yet_sent(reached(due, day, half=True, days=DAYS), said)
        assert all(each.true_on <= day for each in news)
        told += news
        said |= {each.kind: day for each in news}
    assert sorted(told, key=lambda each: each.true_on) == reached(due, date(2030, 1, 1), half=True, days=DAYS)


@given(st.integers(0, 30), st.dates(date(2025, 1, 1), date(2027, 12, 31)), st.integers(0, 100))
def test_what_is_true_stays_true(number: int, received: date, later: int) -> None:
    due = due_after(number, received)
    today = received + timedelta(days=later)
    before = reached(due, today, half=True, days=DAYS)
    assert reached(due, today + timedelta(days=1), half=True, days=DAYS)[: len(before)] == before
