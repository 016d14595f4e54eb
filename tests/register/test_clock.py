"""The clock of a batch in the register: who paused it and why, both due days, and the ledger that knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from exchange.base.errors import Halt
from exchange.calendar.working_days import NO_DAYS, OFFICE_ZONE, due_after, due_date
from exchange.register import FileRecord, Register, Role
from exchange.register.clock import Clock
from exchange.wire.manifest import RequestManifest
from tests.register.stopping import LEADER, stop

NewBatch = Callable[[Register], str]
RECEIVED = date(2026, 11, 23)  # as the fixture new_batch claims


def at(day: int, month: int = 11, hour: int = 10) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=OFFICE_ZONE)


@pytest.fixture
def accepted(register: Register, new_batch: NewBatch, manifest: RequestManifest) -> str:
    """Monthly, received on Monday 23 November 2026, due on Monday 30."""
    batch = new_batch(register)
    register.accept(batch, manifest, due_date("monthly", RECEIVED))
    return batch


def told(register: Register, batch: str) -> dict[str, str]:
    facts: dict[str, str] = json.loads(register.steps(batch)[-1].facts)
    return facts


def test_stopped_and_started_with_who_and_why(register: Register, accepted: str) -> None:
    assert stop(register, accepted, at(25), "record_unclear", "查阅原始档案")
    batch = register.batch(accepted)
    assert (batch.clock_stands, batch.due_original) == (True, date(2026, 11, 30))
    assert "record_unclear 查阅原始档案" in told(register, accepted)["stop.1"]
    assert not stop(register, accepted, at(26), "other", None), "it is paused already"
    assert register.clock.start(accepted, at(27), NO_DAYS)
    assert not register.clock.start(accepted, at(28), NO_DAYS), "it runs already"
    batch = register.batch(accepted)
    assert (batch.clock_stands, batch.due_on, batch.due_original) == (False, date(2026, 12, 2), date(2026, 11, 30))
    assert told(register, accepted)["due_on"] == "2026-12-02"
    (each,) = register.clock.stops(accepted)
    assert (each.stopped_by, each.reason, each.note) == ("tests", "record_unclear", "查阅原始档案")
    assert each.started_by == "tests"
    assert register.verify()[0] == 5


@pytest.fixture
def leader(register: Register) -> Clock:
    return Clock(register.engine, LEADER)


def test_until_a_leader_approves_the_clock_runs(register: Register, accepted: str, leader: Clock) -> None:
    assert register.clock.propose(accepted, at(24), "record_unclear")
    assert not register.clock.propose(accepted, at(24), "other", "再报"), "one has asked already"
    assert not register.batch(accepted).clock_stands
    assert [each.batch for each in register.clock.proposals()] == [accepted]
    leader.approve(accepted, at(26))
    register.clock.start(accepted, at(27), NO_DAYS)
    assert register.batch(accepted).due_on == date(2026, 12, 1), "it stood from the approval on, not from the proposal"
    (asked,) = register.clock.proposals(accepted)
    assert (asked.proposed_by, asked.decided_by, asked.approved) == ("tests", LEADER, True)
    assert register.clock.proposals() == []


def test_rejected_it_has_never_stood(register: Register, accepted: str, leader: Clock) -> None:
    register.clock.propose(accepted, at(24), "record_unclear")
    before = register.batch(accepted)
    leader.reject(accepted, at(25), "可按期核实")
    assert register.batch(accepted) == before
    assert register.clock.stops(accepted) == []
    with pytest.raises(Halt, match="nobody has asked"):
        leader.approve(accepted, at(25))
    assert register.clock.propose(accepted, at(26), "several_identities"), "it may be proposed again"
    assert [each.approved for each in register.clock.proposals(accepted)] == [False, None]
    register.verify()


@pytest.mark.parametrize(
    "decide",
    [lambda clock, batch: clock.approve(batch, at(24)), lambda clock, batch: clock.reject(batch, at(24), "否")],
)
def test_who_proposes_does_not_decide(register: Register, accepted: str, decide: Callable[[Clock, str], None]) -> None:
    register.clock.propose(accepted, at(24), "record_unclear")
    with pytest.raises(Halt, match="another person"):
        decide(register.clock, accepted)


def test_what_is_late_meanwhile_cannot_be_approved(register: Register, accepted: str, leader: Clock) -> None:
    register.clock.propose(accepted, at(30), "record_unclear")
    with pytest.raises(Halt, match="was due on 2026-11-30"):
        leader.approve(accepted, at(1, 12))


def test_several_stops_add_up(register: Register, accepted: str) -> None:
    for stopped, started in [(24, 25), (26, 26), (27, 30)]:
        stop(register, accepted, at(stopped), "record_unclear")
        register.clock.start(accepted, at(started, hour=11), NO_DAYS)
    assert register.batch(accepted).due_on == date(2026, 12, 2)
    assert [stop.number for stop in register.clock.stops(accepted)] == [1, 2, 3]
    ((_, stops),) = register.clock.open_batches()
    assert stops == register.clock.stops(accepted)
    register.verify()


def test_on_the_due_day_it_can_be_stopped_and_after_it_not(register: Register, accepted: str) -> None:
    with pytest.raises(Halt, match="was due on 2026-11-30"):
        stop(register, accepted, at(1, 12), "record_unclear")
    assert stop(register, accepted, at(30), "record_unclear")
    register.clock.start(accepted, at(7, 12), NO_DAYS)
    assert register.batch(accepted).due_on == date(2026, 12, 7)


@pytest.mark.parametrize(
    ("received", "stopped", "started", "due_on", "due_last"),
    [
        # counted by hand from the notices; 3 working days of criminal_record, the other items due at once
        ("2026-11-23", None, None, "2026-11-23", "2026-11-26"),
        ("2026-11-23", "2026-11-24", "2026-11-26", "2026-11-23", "2026-11-30"),  # 26, 27, 30
        ("2026-11-23", "2026-11-26", "2026-11-30", "2026-11-23", "2026-11-30"),  # on the last day: 24, 25, 30
        ("2026-11-23", "2026-11-23", "2026-11-25", "2026-11-25", "2026-11-27"),  # on the day of receipt
        ("2026-09-30", None, None, "2026-09-30", "2026-10-10"),  # 8, 9, and Saturday 10 October, which is worked
        ("2026-09-30", "2026-10-03", "2026-10-06", "2026-09-30", "2026-10-10"),  # stopped over the holiday alone
        ("2026-09-30", "2026-10-08", "2026-10-10", "2026-09-30", "2026-10-13"),  # 10, 12, 13
        ("2026-02-13", "2026-02-14", "2026-02-24", "2026-02-13", "2026-02-26"),  # 24, 25, 26; 14 did not count
        ("2026-02-13", "2026-02-25", "2026-02-28", "2026-02-13", "2026-02-28"),  # 14, 24, and Saturday 28
        ("2026-12-30", "2026-12-31", "2027-01-04", "2026-12-30", "2027-01-06"),  # into a year without a notice
    ],
)
def test_records_have_their_days_though_the_rest_was_due_at_once(
    register: Register,
    manifest: RequestManifest,
    received: str,
    stopped: str | None,
    started: str | None,
    due_on: str,
    due_last: str,
) -> None:
    batch, day = f"bank.clock-{received}-{stopped}", date.fromisoformat(received)
    files = [FileRecord(Role.MANIFEST, f"{batch}.request.json", "a" * 64, 10)]
    register.claim(batch, "bank", "a" * 64, files, moment(received))
    asked = manifest.model_copy(update={"cycle": "ad_hoc", "items": ["name", "criminal_record"]})
    first, last = due_date("ad_hoc", day, items=asked.items), due_after(3, day)
    register.accept(batch, asked, first, due_last=last)
    if stopped and started:
        assert stop(register, batch, moment(stopped), "record_unclear")
        register.clock.start(batch, moment(started), NO_DAYS)
    found = register.batch(batch)
    assert (found.due_on, found.due_last) == (date.fromisoformat(due_on), date.fromisoformat(due_last))
    late = moment(str(date.fromisoformat(due_last) + timedelta(days=1)))
    with pytest.raises(Halt, match=f"was due on {due_last}"):
        register.clock.propose(batch, late, "record_unclear")


def moment(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(10), OFFICE_ZONE)


@pytest.mark.parametrize("verb", ["stop", "start"])
def test_only_an_accepted_batch_has_a_clock(register: Register, new_batch: NewBatch, verb: str) -> None:
    batch = new_batch(register)
    for _ in range(2):
        with pytest.raises(Halt, match="only the clock of an accepted batch"):
            _ = (
                stop(register, batch, at(24), "other")
                if verb == "stop"
                else register.clock.start(batch, at(24), NO_DAYS)
            )
        register.refuse(batch, "data_hash", row=None, column=None)


def test_counted_again_by_a_calendar_that_became_known(
    register: Register, new_batch: NewBatch, manifest: RequestManifest
) -> None:
    batch = new_batch(register)
    register.accept(batch, manifest, due_date("annual", date(2026, 12, 15)))
    assert (register.batch(batch).due_on, register.batch(batch).due_provisional) == (date(2027, 1, 13), True)
    known = {date(2026, 11, 27): False}  # what counts is the day on which it was received: 23 November
    assert register.clock.recompute(batch, known)
    assert not register.clock.recompute(batch, known)
    found = register.batch(batch)
    assert (found.due_on, found.due_provisional) == (date(2026, 12, 22), False)
    assert found.due_original == date(2027, 1, 13)
    assert told(register, batch)["due_before"] == "2027-01-13 provisional"
    register.verify()


def test_more_time_for_an_objection_is_kept_through_a_stop(
    register: Register, new_batch: NewBatch, manifest: RequestManifest
) -> None:
    first = new_batch(register)
    batch = new_batch(register)
    objection = manifest.model_copy(update={"cycle": "objection", "objects_to": first})
    register.accept(batch, objection, due_date("objection", RECEIVED))
    register.extensions.extend(batch, NO_DAYS, "档案在外地")
    extended = register.batch(batch).due_on
    assert extended == due_date("objection", RECEIVED).day + (date(2027, 1, 5) - date(2026, 12, 14))
    stop(register, batch, at(25), "record_unclear")
    register.clock.start(batch, at(26), NO_DAYS)
    assert register.batch(batch).due_on == date(2027, 1, 6)
    register.verify()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE batch SET clock_stands = true",
        "UPDATE batch SET due_working_days = 20",
        "UPDATE batch SET due_original = '2026-12-24'",
        "UPDATE batch SET receipts_sent = 2",
    ],
)
def test_a_clock_that_came_past_the_ledger_is_found(
    register: Register, accepted: str, database: Any, statement: str
) -> None:
    register.verify()
    database.tamper(statement)
    with pytest.raises(Halt, match="is not what the ledger says"):
        register.verify()
