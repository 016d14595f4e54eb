"""Due days: the cycles of Jilin's notice of 2015 over a calendar of our own, written from the State Council's
notices.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.calendar.deadlines import WORKING_DAYS
from exchange.calendar.working_days import ClockPause, due_after, due_date, is_working_day, nth_working_day, office_day

# Off on a weekday, and worked at a weekend: (first, last) and single days.
# 国务院办公厅关于2025年部分节假日安排的通知, 国办发明电〔2024〕12号; 2026年, 国办发明电〔2025〕7号.
OFF = [
    ("2025-01-01", "2025-01-01"), ("2025-01-28", "2025-02-04"), ("2025-04-04", "2025-04-06"),
    ("2025-05-01", "2025-05-05"), ("2025-05-31", "2025-06-02"), ("2025-10-01", "2025-10-08"),
    ("2026-01-01", "2026-01-03"), ("2026-02-15", "2026-02-23"), ("2026-04-04", "2026-04-06"),
    ("2026-05-01", "2026-05-05"), ("2026-06-19", "2026-06-21"), ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
]  # fmt: skip
WORKED = [
    "2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11",
    "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10",
]  # fmt: skip


def d(text: str) -> date:
    return date.fromisoformat(text)


def days(first: str, last: str) -> list[date]:
    return [d(first) + timedelta(days=n) for n in range((d(last) - d(first)).days + 1)]


def ours(day: date) -> bool:
    """Worked, by the notices above."""
    if day in {d(text) for text in WORKED}:
        return True
    return day.weekday() < 5 and not any(d(first) <= day <= d(last) for first, last in OFF)


def test_every_day_of_two_years_is_what_the_notices_say() -> None:
    wrong = [day for day in days("2025-01-01", "2026-12-31") if is_working_day(day) != (ours(day), False)]
    assert wrong == []


@pytest.mark.parametrize(
    ("number", "received", "due", "provisional"),
    [
        (5, "2026-11-23", "2026-11-30", False),
        (5, "2026-09-28", "2026-10-10", False),  # over National Day, Saturday 10 October is worked
        (5, "2026-02-13", "2026-02-27", False),  # over Spring Festival, Saturday 14 February is worked
        (5, "2026-11-28", "2026-12-04", False),  # received on a Saturday
        (5, "2026-09-18", "2026-09-24", False),  # Sunday 20 September is worked
        (10, "2026-04-01", "2026-04-16", False),  # over Qingming
        (10, "2026-04-30", "2026-05-18", False),  # over Labour Day, Saturday 9 May is worked
        (20, "2026-11-02", "2026-11-30", False),
        (0, "2026-10-01", "2026-10-01", False),
        # the end of 2025: Sunday 4 January is worked
        (5, "2025-12-24", "2025-12-31", False),
        (5, "2025-12-26", "2026-01-05", False),
        (5, "2025-12-31", "2026-01-08", False),
        (5, "2026-01-01", "2026-01-08", False),
        (10, "2025-12-31", "2026-01-15", False),
        (20, "2025-12-15", "2026-01-13", False),
        (20, "2025-12-31", "2026-01-29", False),
        (0, "2026-01-01", "2026-01-01", False),
        # the end of 2026: no notice for 2027 yet
        (5, "2026-12-24", "2026-12-31", False),
        (5, "2026-12-25", "2027-01-04", True),
        (5, "2026-12-28", "2027-01-05", True),
        (10, "2026-12-31", "2027-01-15", True),
        (20, "2026-12-15", "2027-01-13", True),
        (20, "2026-12-31", "2027-01-29", True),
        (15, "2026-12-10", "2026-12-31", False),
        (0, "2027-01-01", "2027-01-01", False),
    ],
)
def test_due_days(number: int, received: str, due: str, provisional: bool) -> None:
    """How many days a cycle has is the table's (``tests/spec/deadlines.toml``): here they are counted."""
    found = due_after(number, d(received))
    assert (found.day, found.provisional, found.working_days) == (d(due), provisional, number)
    assert len(found.counted) == number
    assert found.counted[-1:] in ((found.day,), ())


def test_the_offices_own_days_come_first() -> None:
    off = {date(2026, 11, 24): False, date(2027, 1, 4): False}
    assert due_after(5, date(2026, 11, 23), off).day == date(2026, 12, 1)
    assert is_working_day(date(2027, 1, 4), off) == (False, False)
    assert nth_working_day(date(2026, 11, 23), 2, off) == date(2026, 11, 25)


def test_a_day_of_the_offices_own_makes_no_other_day_sure() -> None:
    found = due_after(5, date(2026, 12, 25), {date(2027, 1, 4): True})
    assert (found.day, found.provisional) == (date(2027, 1, 4), True)  # 1 January is not known yet


def test_the_day_is_that_of_the_office() -> None:
    assert office_day(datetime(2026, 11, 23, 15, 59, tzinfo=UTC)) == date(2026, 11, 23)
    assert office_day(datetime(2026, 11, 23, 16, 0, tzinfo=UTC)) == date(2026, 11, 24)
    with pytest.raises(ValueError, match="time zone"):
        office_day(datetime(2026, 11, 23))


@pytest.mark.parametrize(
    ("first", "number", "day"),
    [("2026-11-01", 1, "2026-11-02"), ("2026-11-02", 1, "2026-11-02"), ("2026-10-01", 5, "2026-10-13")],
)
def test_nth_working_day(first: str, number: int, day: str) -> None:
    assert nth_working_day(d(first), number) == d(day)


# ── the clock ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("spans", "due"),
    [
        # five days, received on Monday 23 November 2026, due on Monday 30
        ([], "2026-11-30"),
        ([("2026-11-25", "2026-11-25")], "2026-11-30"),  # paused and resumed within a day
        ([("2026-11-25", "2026-11-26")], "2026-12-01"),  # the first day does not count, the day of the resumption does
        ([("2026-11-25", "2026-11-27")], "2026-12-02"),
        ([("2026-11-28", "2026-11-29")], "2026-11-30"),  # Saturday to Sunday
        ([("2026-11-27", "2026-11-30")], "2026-12-01"),  # Friday to Monday: Friday alone
        ([("2026-11-23", "2026-11-24")], "2026-11-30"),  # the day of receipt is not counted anyway
        ([("2026-11-30", "2026-12-03")], "2026-12-03"),  # paused on the due day: due on the day on which it is resumed
        ([("2026-11-30", "2026-12-05")], "2026-12-07"),  # … which was a Saturday
        ([("2026-11-24", "2026-11-25"), ("2026-11-26", "2026-11-27")], "2026-12-02"),  # two pauses add up
        ([("2026-11-24", "2026-12-24")], "2026-12-30"),  # a month
        ([("2026-12-01", "2026-12-24")], "2026-11-30"),  # after it was due
    ],
)
def test_paused_days_are_not_counted(spans: list[tuple[str, str]], due: str) -> None:
    pauses = [ClockPause(d(paused), d(resumed)) for paused, resumed in spans]
    found = due_after(5, d("2026-11-23"), pauses=pauses)
    assert found.day == d(due)
    assert len(found.counted) == 5


@pytest.mark.parametrize(
    ("paused", "resumed", "due"),
    [
        ("2026-11-23", "2026-11-23", "2026-11-23"),
        ("2026-11-23", "2026-11-25", "2026-11-25"),
        ("2026-11-23", "2026-11-28", "2026-11-30"),  # resumed on a Saturday
        ("2026-11-24", "2026-11-28", "2026-11-23"),  # it was due before
    ],
)
def test_what_is_due_at_once_and_was_paused_is_due_on_the_next_day_that_counts(
    paused: str, resumed: str, due: str
) -> None:
    assert due_after(0, d("2026-11-23"), pauses=[ClockPause(d(paused), d(resumed))]).day == d(due)


def test_a_pause_over_the_year_end_makes_a_due_day_provisional() -> None:
    pause = [ClockPause(d("2026-11-24"), d("2026-12-30"))]
    found = due_after(5, d("2026-11-23"), pauses=pause)
    assert (found.day, found.provisional) == (d("2027-01-06"), True)


any_day = st.dates(date(2020, 1, 1), date(2031, 12, 31))
cycles = st.sampled_from(sorted(WORKING_DAYS))
spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 40)), max_size=4)


def clock_pauses(received: date, found: list[tuple[int, int]]) -> list[ClockPause]:
    firsts = [received + timedelta(days=start) for start, _ in found]
    return [ClockPause(day, day + timedelta(days=length)) for day, (_, length) in zip(firsts, found, strict=True)]


@given(cycles, any_day)
def test_the_due_day_is_the_nth_working_day(cycle: str, received: date) -> None:
    due = due_date(cycle, received)
    between = [received + timedelta(days=n) for n in range(1, (due.day - received).days + 1)]
    assert [day for day in between if is_working_day(day)[0]] == list(due.counted)
    assert len(due.counted) == WORKING_DAYS[cycle]


@given(cycles, any_day, st.integers(0, 30))
def test_who_comes_later_is_not_due_earlier(cycle: str, received: date, later: int) -> None:
    assert due_date(cycle, received).day <= due_date(cycle, received + timedelta(days=later)).day


@given(st.integers(1, 30), any_day, spans)
def test_the_due_day_moves_by_the_working_days_on_which_the_clock_was_paused(
    number: int, received: date, found: list[tuple[int, int]]
) -> None:
    pauses = clock_pauses(received, found)
    due = due_after(number, received, pauses=pauses)
    between = [received + timedelta(days=n) for n in range(1, (due.day - received).days + 1)]
    worked = [day for day in between if is_working_day(day)[0]]
    not_counted = [day for day in worked if any(pause.at_end_of(day) for pause in pauses)]
    assert len(worked) == number + len(not_counted)
    assert due.day == due_after(number + len(not_counted), received).day


@given(st.integers(0, 30), any_day, spans, st.tuples(st.integers(0, 60), st.integers(0, 40)))
def test_one_more_pause_never_makes_it_earlier(
    number: int, received: date, found: list[tuple[int, int]], more: tuple[int, int]
) -> None:
    with_more = due_after(number, received, pauses=clock_pauses(received, [*found, more]))
    assert due_after(number, received, pauses=clock_pauses(received, found)).day <= with_more.day
