"""An alert is there once for a subject, its kind and a due day, whoever watches how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from exchange.register import NewAlert, Register
from tests.register.conftest import AT, Database
from tests.register.stopping import stop

DUE = date(2026, 11, 30)
SOON = NewAlert("bank", "", "days_left", 2, DUE, date(2026, 11, 26))
LATE = replace(SOON, code="late", days=0, true_on=date(2026, 12, 1))
LAST = DUE + timedelta(days=3)
MISSING = NewAlert("court", "court monthly 2026-10", "missing_set", 0, DUE, DUE)


def test_each_is_written_down_once_and_the_ledger_knows(register: Register, delivered: str) -> None:
    soon, late = replace(SOON, subject=delivered), replace(LATE, subject=delivered)
    assert [each.code for each in register.alerts.of_batch(delivered, [soon], AT)] == ["days_left"]
    lines = register.steps(delivered)
    assert '"alert.days_left2"' in lines[-1].facts
    assert register.alerts.of_batch(delivered, [soon], AT + timedelta(days=1)) == []
    assert register.steps(delivered) == lines
    assert [each.code for each in register.alerts.of_batch(delivered, [soon, late], AT)] == ["late"]
    moved = replace(late, due_on=DUE + timedelta(days=1))
    assert len(register.alerts.of_batch(delivered, [moved], AT)) == 1, "another due day"
    register.verify()


def test_one_that_is_about_no_batch(register: Register) -> None:
    added = register.alerts.add(MISSING, AT)
    assert added is not None
    assert (added.subject, added.noticed_at, added.told_at) == (MISSING.subject, AT, None)
    assert register.alerts.add(MISSING, AT) is None
    register.verify()


def test_found_by_whom_and_what_they_are_about_and_told_once(register: Register, delivered: str) -> None:
    register.alerts.of_batch(delivered, [replace(SOON, subject=delivered)], AT)
    register.alerts.add(MISSING, AT + timedelta(hours=1))
    find = register.alerts.find
    assert [each.code for each in find()] == ["missing_set", "days_left"], "the newest first"
    assert [each.code for each in find(limit=1)] == ["missing_set"]
    assert [each.code for each in find(partner="bank")] == ["days_left"]
    assert [each.code for each in find(subject=MISSING.subject)] == ["missing_set"]
    register.alerts.mark_sent(find(partner="bank"), AT + timedelta(hours=2))
    assert [each.code for each in find(untold=True)] == ["missing_set"]
    (told,) = find(partner="bank")
    register.alerts.mark_sent([told], AT + timedelta(hours=3))
    assert find(partner="bank") == [told], "the first message stands"
    assert register.alerts.sent([delivered, "bank.b9"]) == {delivered: {("days_left", 2): AT.date()}}
    register.verify()


def test_what_no_message_told_of_since_messages_go_out(register: Register) -> None:
    def notice(number: int) -> datetime:
        register.alerts.add(replace(MISSING, subject=f"court {number}"), AT + timedelta(hours=number))
        return AT + timedelta(hours=number)

    notice(0)
    assert register.alerts.unsent_since() is None, "none ever went out"
    (first,) = register.alerts.find()
    notice(1)
    register.alerts.mark_sent([first], AT + timedelta(hours=2))
    assert register.alerts.unsent_since() is None, "of before the first message"
    third = notice(3)
    notice(4)
    assert register.alerts.unsent_since() == third
    register.alerts.mark_sent(register.alerts.find(untold=True), AT + timedelta(hours=5))
    assert register.alerts.unsent_since() is None


@pytest.mark.parametrize(
    ("days", "paused", "found"),
    [
        ((0, 3), False, []),
        ((1, 3), False, [DUE]),  # nobody looked between midnight and the first result
        ((0, 4), False, [LAST]),
        ((1, 4), False, [DUE, LAST]),
        ((1, None), False, [DUE]),
        ((1, 4), True, []),
    ],
)
def test_each_of_two_due_days_that_was_missed_is_found(
    database: Database, register: Register, prepared: Callable[..., str], days: Any, paused: bool, found: list[date]
) -> None:
    batch = prepared()
    if paused:
        stop(register, batch, AT, "record_unclear")
    register.delivered(batch)
    if days[1] is not None:
        register.closed(batch)
    noon = datetime(2026, 11, 30, 4, tzinfo=UTC)
    for state, number in zip(("delivered", "closed"), days, strict=True):
        moment = noon + timedelta(days=number or 0)
        database.tamper("UPDATE ledger SET at = %s WHERE to_state = %s AND from_state <> %s", moment, state, state)
    database.tamper("UPDATE batch SET due_on = %s, due_last = %s", DUE, LAST)
    assert [day for _, day in register.alerts.missed("late")] == found
