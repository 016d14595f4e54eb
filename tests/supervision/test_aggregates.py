"""What is counted, and in which heap: by hand for the boundaries, as a sum for everything."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.calendar.missed import Ended, missed
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.register import statistics
from exchange.register.statistics import Lines
from exchange.supervision import batch_tables
from exchange.supervision.aggregates import Aggregates, count

from .invented import MONTH, aggregates, doubtful, partners


def at(day: int, hour: int = 10, minute: int = 0, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=OFFICE_ZONE)


def told(**given: list[tuple[Any, ...]]) -> Aggregates:
    frames = {name: statistics.frame(name, given.get(name, [])) for name in statistics.SCHEMAS}
    return count(Lines(**frames), MONTH, partners(), doubtful())


def batch(
    due: str, closed: datetime | None, received: datetime, name: str = "b", last: str | None = None
) -> tuple[Any, ...]:
    line = (name, "bank-jilin", "monthly", None, None, 100, received, received, None, received, received, closed)
    return (*line, due, due, last, "0")


@pytest.mark.parametrize(
    ("due", "closed", "received", "heaps"),
    [
        ("2026-10-14", at(14, 23, 59), at(7), {"came", "done"}),
        ("2026-10-14", at(15, 0), at(7), {"came", "done", "late"}),
        ("2026-10-31", None, at(26), {"came", "open", "overdue"}),  # at 24:00 of the 31st it is late
        ("2026-11-02", None, at(26), {"came", "open"}),
        ("2026-10-09", at(8), at(25, month=9), {"carried", "done"}),
        ("2026-10-07", at(8), at(30, 23, 59, month=9), {"carried", "done", "late"}),
    ],
)
def test_the_heaps_of_a_batch(due: str, closed: datetime | None, received: datetime, heaps: set[str]) -> None:
    (line,) = told(batches=[batch(due, closed, received)]).batches.to_dicts()
    assert {name for name in ("carried", "came", "done", "late", "open", "overdue") if line[name]} == heaps
    assert (line["zh"], line["level"]) == ("吉林银行", "province")


@pytest.mark.parametrize(
    ("closed", "received", "late"),
    [
        (at(10), at(7), False),  # the last item's day
        (at(11, 0), at(7), True),
        (at(10), at(8), True),  # the first result came after the first day
    ],
)
def test_a_batch_whose_items_have_two_days_is_held_to_both(closed: datetime, received: datetime, late: bool) -> None:
    (line,) = told(batches=[batch("2026-10-07", closed, received, last="2026-10-10")]).batches.to_dicts()
    assert (line["late"], line["done"]) == (late, True)


DAYS = st.integers(7, 25)


@given(DAYS, st.none() | DAYS, DAYS, DAYS, st.none() | DAYS)
def test_late_is_what_the_rule_for_one_batch_says(
    due: int, last: int | None, first: int, done: int, paused: int | None
) -> None:
    last, done = last and max(due, last), max(first, done)
    name = f"2026-10-{due:02}"
    line = list(batch(name, at(done), at(7), last=None if last is None else f"2026-10-{last:02}"))
    line[10] = at(first)
    stops = [] if paused is None else [("b", 1, "record_unclear", at(paused), None)]
    (found,) = told(batches=[tuple(line)], stops=stops).batches.to_dicts()
    days = [None if day is None else date(2026, 10, day) for day in (last, first, done, paused)]
    expected = missed(Ended(date(2026, 10, due), days[0], days[1], at(done).date(), days[3]))
    assert (found["late"], found["days_late"]) == (bool(expected), max((n for _, n in expected), default=None))


@given(DAYS, st.none() | DAYS)
def test_overdue_is_what_would_be_late_were_it_closed_today(due: int, paused: int | None) -> None:
    stops = [] if paused is None else [("b", 1, "record_unclear", at(paused), None)]
    (found,) = told(batches=[batch(f"2026-10-{due:02}", None, at(7))], stops=stops).batches.to_dicts()
    since = None if paused is None else date(2026, 10, paused)
    assert found["overdue"] == bool(missed(Ended(date(2026, 10, due), None, None, MONTH.today, since)))


def test_days_late_are_those_of_the_due_day_that_was_missed() -> None:
    """The first result in time on the 7th, the rest two days behind its own day, the 10th: not five days late."""
    line = list(batch("2026-10-07", at(12), at(7), last="2026-10-10"))
    line[10] = at(7, 11)
    (shown,) = batch_tables.late(told(batches=[tuple(line)]))
    assert (shown["due_on"], shown["days"]) == ("2026-10-07，2026-10-10", 2)


def test_answered_while_its_clock_is_paused_is_no_breach_and_no_pause_any_more() -> None:
    stop = ("b", 1, "record_unclear", at(12), None)
    found = told(batches=[batch("2026-10-14", at(20), at(7))], stops=[stop])
    assert (found.batches["late"].to_list(), found.batches["done"].to_list()) == ([False], [True])
    (line,) = batch_tables.stops(found)
    assert (line["stops"], line["standing"]) == (1, 0), "nothing of it is open"
    too_late = told(batches=[batch("2026-10-09", at(20), at(7))], stops=[stop])
    assert too_late.batches["late"].to_list() == [True], "the day was over when its clock was paused"


def test_a_batch_whose_clock_is_paused_is_not_overdue() -> None:
    stop = ("b", 1, "record_unclear", at(12), None)
    found = told(batches=[batch("2026-10-14", None, at(7))], stops=[stop])
    assert found.batches["overdue"].to_list() == [False]
    assert found.batches["stop_reasons"].to_list() == [["record_unclear"]]
    assert found.stops.height == 1


@given(st.integers(0, 10_000))
def test_every_batch_is_counted_once_on_each_side(seed: int) -> None:
    batches = aggregates(seed, batches=40).batches
    begun = batches.select(pl.sum_horizontal("carried", "came")).to_series()
    ended = batches.select(pl.sum_horizontal("refused", "done", "open")).to_series()
    assert begun.to_list() == ended.to_list() == [1] * batches.height
    assert (
        not batches.select((pl.col("late") & ~pl.col("done")) | (pl.col("overdue") & ~pl.col("open"))).to_series().any()
    )


def test_open_answers_are_counted_when_they_are_settled() -> None:
    answers = [("b", "identity", "consistent", 99), ("b", "identity", "under_review", 1), ("b", "sex", "consistent", 7)]
    settled = ("b", "identity", "consistent", 1)
    found = told(batches=[batch("2026-10-14", None, at(7))], answers=[*answers, settled])
    assert found.answers.select("item", "code", "people").rows() == [
        ("identity", "consistent", 100),
        ("sex", "consistent", 7),
    ]


def test_reviews_approvals_and_objections() -> None:
    line = batch("2026-10-28", None, at(7))
    objection = (line[0], line[1], "objection", "bank-jilin.first", *line[4:])
    release = ("b", 1, 5, True, 2, at(8), at(9), None, None, at(9, 11))
    waiting = ("b", 2, 3, True, None, at(20), None, None, None, None)
    withdrawn = ("b", 3, 3, True, None, at(20), None, None, at(20, 11), None)
    queue = [("b", "220100", "released", at(8))] * 5 + [("b", "220100", "open", None)] * 2
    queue.append(("b", "220100", "decided", at(2, month=11)))
    found = told(batches=[objection], releases=[release, waiting, withdrawn], reviews=queue)
    assert found.reviews.rows() == [("220100", 5, 3)], "decided after the month: open at its end"
    assert found.approvals.select("approved", "returned", "waiting", "people").rows() == [(1, 0, 1, 5)]
    assert found.objections.select("came", "answered", "upheld").rows() == [(1, 5, 2)]


def test_results_taken_and_lying() -> None:
    one = ("b", "bank-jilin", "monthly", 1, at(7), at(7) + timedelta(hours=3))
    two = ("b", "bank-jilin", "monthly", 2, at(9), None)
    found = told(batches=[batch("2026-10-14", None, at(7))], pickups=[one, two])
    assert found.pickups.select("taken", "uncollected", "seconds").rows() == [
        (False, True, None),
        (True, False, 10800.0),
    ]
    assert found.stages.filter(stage="taken").rows() == [("monthly", "taken", 10800.0)]
