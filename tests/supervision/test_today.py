"""Today's picture: what is late or at risk, and whom it waits for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.calendar.due_warnings import LATE, reached
from exchange.calendar.missed import Ended, missed
from exchange.calendar.working_days import due_date
from exchange.register import Batch, ReleaseState, State
from exchange.register.waiting import OpenRows
from exchange.supervision.labels import Words
from exchange.supervision.today import (
    GUARD,
    INQUIRY,
    LEADER,
    RETURNED,
    SOFTWARE,
    SOURCE,
    Urgency,
    picture,
    urgency,
    waits,
)

RECEIVED = date(2026, 11, 2)  # a Monday; monthly, due on Monday 9: 3, 4, 5, 6, 9
DUE = due_date("monthly", RECEIVED)
DAYS_OF_NOVEMBER = st.dates(date(2026, 11, 2), date(2026, 11, 20))
YANBIAN, CHANGCHUN = Words("222400", ""), Words("220100", "")
PROPOSED, APPROVED, REJECTED = ReleaseState.PROPOSED, ReleaseState.APPROVED, ReleaseState.REJECTED


def batch(**given: Any) -> Batch:
    empty = dict.fromkeys(Batch.__dataclass_fields__)
    sound = {"id": "bank.b1", "partner": "bank", "state": State.DELIVERED, "clock_stands": False, "items": ()}
    received = {"received_at": datetime(2026, 11, 2, 3, tzinfo=UTC), "cycle": "monthly", "rows_in": 50, "rows_open": 9}
    return Batch(**empty | sound | received | given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("today", "expected"),
    [(4, Urgency.IN_TIME), (5, Urgency.AT_RISK), (8, Urgency.AT_RISK), (9, Urgency.TODAY), (10, Urgency.LATE)],
)
def test_how_urgent_a_batch_is(today: int, expected: Urgency) -> None:
    assert urgency(DUE, date(2026, 11, today), None, half=True, days=(2, 1)) is expected
    paused = date(2026, 11, 3)
    assert urgency(DUE, date(2026, 11, today), paused, half=True, days=(2, 1)) is Urgency.PAUSED


@given(DAYS_OF_NOVEMBER, st.none() | DAYS_OF_NOVEMBER)
def test_an_open_batch_is_late_where_it_would_be_were_it_closed_today(today: date, paused: date | None) -> None:
    """Board, warnings and report alike: paused only after its day was over, it has missed that day."""
    is_late = bool(missed(Ended(DUE.day, None, None, today, paused)))
    assert (urgency(DUE, today, paused, half=True, days=(2, 1)) is Urgency.LATE) == is_late
    told = {warning.code for warning in reached(DUE, today, half=True, days=(2, 1), paused_since=paused)}
    assert (LATE in told) == is_late


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (OpenRows({"222400": 4, "220100": 1}, rest=0), {YANBIAN: 4, CHANGCHUN: 1}),
        (OpenRows({"222400": 4}, decided=2), {YANBIAN: 4}),  # what is decided waits for the rest of the queue
        (OpenRows(decided=2), {SOFTWARE: 2}),
        (OpenRows(releases={PROPOSED: 3}), {LEADER: 3}),
        (OpenRows(releases={REJECTED: 3}), {RETURNED: 3}),
        (OpenRows(releases={APPROVED: 3}), {SOFTWARE: 3}),
        (OpenRows({"222400": 1}, rest=7, source=5), {YANBIAN: 1, SOURCE: 5, SOFTWARE: 2}),
        (OpenRows(rest=7), {SOFTWARE: 7}),
    ],
)
def test_whom_a_batch_waits_for(rows: OpenRows, expected: dict[Words, int]) -> None:
    assert waits(batch(), rows, str) == expected
    assert waits(batch(clock_stands=True), rows, str) == expected | {INQUIRY: 9}


def test_what_is_not_delivered_waits_for_the_software() -> None:
    assert waits(batch(state=State.ACCEPTED), None, str) == {SOFTWARE: 50}


def test_what_the_guard_holds_waits_for_a_leader() -> None:
    assert waits(batch(state=State.PREPARED), OpenRows(held=True), str) == {GUARD: 50}


def test_the_most_urgent_first() -> None:
    late = due_date("ad_hoc", date(2026, 11, 3))
    calm = due_date("annual", RECEIVED)
    batches = [(batch(id="bank.c"), calm), (batch(id="bank.b"), DUE), (batch(id="bank.a"), late)]
    found = picture(batches, {}, date(2026, 11, 5), str, paused={}, half=True, days=())
    assert [(each.batch.id, each.urgency) for each in found] == [
        ("bank.a", Urgency.LATE),
        ("bank.b", Urgency.AT_RISK),
        ("bank.c", Urgency.IN_TIME),
    ]
