"""Whom the open rows of a batch wait for, counted once each: case by case, and while another batch is delivered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
from sqlalchemy import event

from exchange.guard.rules import Counts, Failed, Trip
from exchange.register import Decision, Register, ReleaseState, ReleaseSummary
from exchange.register.guard import Evidence
from exchange.register.waiting import OpenRows, open_rows
from tests.register.conftest import Database

Prepared = Callable[..., str]
NOBODY = np.array([], np.uint64)
HOLDS = Evidence(1, Counts(9, 9, 9), Failed(NOBODY, NOBODY, NOBODY), [Trip("sequence", 40, 40)], holds=True)


def decided(register: Register, batch: str, *rows: int) -> None:
    register.reviews.decide(batch, [Decision(row, 1, {"name": "consistent"}, "archive") for row in rows])


def released(register: Register, batch: str, rows: list[int]) -> int:
    outcome = ReleaseSummary({"name": {"consistent": len(rows)}}, answers_sha256="f" * 64)
    release = register.releases.propose(batch, rows, outcome, needs_approval=True)
    assert release is not None
    return release.number


def _queued(_database: Database, _register: Register, _batch: str) -> OpenRows:
    return OpenRows({"220100": 2, "222400": 1}, rest=2, source=2)


def _decided(_database: Database, register: Register, batch: str) -> OpenRows:
    decided(register, batch, 1, 3)
    return OpenRows({"220100": 1}, decided=2, rest=2, source=2)


def _asked_again(_database: Database, register: Register, batch: str) -> OpenRows:
    register.snapshots.pin(batch, {"drug_control": ("2026-11-24.1", date(2026, 11, 24))}, later=True)
    return OpenRows({"220100": 2, "222400": 1}, rest=2, source=2, asked_again=True)


def _proposed(_database: Database, register: Register, batch: str) -> OpenRows:
    decided(register, batch, 1)
    released(register, batch, [1])
    return OpenRows({"220100": 1, "222400": 1}, releases={ReleaseState.PROPOSED: 1}, rest=2, source=2)


def _rejected(database: Database, register: Register, batch: str) -> OpenRows:
    """An officer has its row in hand again: it is told of once."""
    decided(register, batch, 1)
    number = released(register, batch, [1])
    leader = database.open("leader")
    leader.releases.reject(batch, number, "again")
    leader.close()
    return OpenRows({"220100": 2, "222400": 1}, releases={ReleaseState.REJECTED: 0}, rest=2, source=2)


def _decided_anew(database: Database, register: Register, batch: str) -> OpenRows:
    """It waits for the officer who is to propose it again, and not for the software."""
    _rejected(database, register, batch)
    register.reviews.decide(batch, [Decision(1, 2 + 1, {"name": "consistent"}, "archive")])
    return OpenRows({"220100": 1, "222400": 1}, releases={ReleaseState.REJECTED: 1}, rest=2, source=2)


def _rejected_of_nobody(database: Database, register: Register, batch: str) -> OpenRows:
    """One that no officer had in hand beside one that one has: neither is the rest."""
    decided(register, batch, 1)
    number = released(register, batch, [1, 4])
    leader = database.open("leader")
    leader.releases.reject(batch, number, "again")
    leader.close()
    return OpenRows({"220100": 2, "222400": 1}, releases={ReleaseState.REJECTED: 1}, rest=1, source=2)


@pytest.mark.parametrize(
    "done", [_queued, _decided, _asked_again, _proposed, _rejected, _decided_anew, _rejected_of_nobody]
)
def test_each_open_row_is_told_of_once(
    database: Database, register: Register, delivered: str, done: Callable[[Database, Register, str], OpenRows]
) -> None:
    expected = done(database, register, delivered)
    assert open_rows(register.engine) == {delivered: expected}
    assert open_rows(register.engine, [delivered, "nobody.b1"]) == {delivered: expected}


def test_a_held_batch_waits_for_a_leader_and_one_that_is_closed_for_nobody(
    register: Register, prepared: Prepared
) -> None:
    held, closed = prepared(evidence=HOLDS), prepared()
    register.delivered(closed)
    register.closed(closed)
    assert open_rows(register.engine) == {held: OpenRows(held=True)}


def test_what_is_delivered_meanwhile_is_in_the_next_answer(
    database: Database, register: Register, prepared: Prepared
) -> None:
    """Behind the first statement; those that follow do not know it either."""
    batch, asked, other = prepared(), list[str](), database.open("another")

    def deliver(*_: object) -> None:
        asked.append("")
        if len(asked) == 1:
            other.delivered(batch)

    event.listen(register.engine, "after_cursor_execute", deliver)
    try:
        assert open_rows(register.engine) == {}
    finally:
        event.remove(register.engine, "after_cursor_execute", deliver)
        other.close()
    assert len(asked) > 1
    assert open_rows(register.engine).keys() == {batch}
