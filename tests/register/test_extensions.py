"""More time for an objection: asked for by one person, given by another, once; or given unasked, where nobody asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime

import pytest

from exchange.base.errors import Halt
from exchange.calendar.deadlines import EXTENDED_OBJECTION
from exchange.calendar.working_days import NO_DAYS, OFFICE_ZONE, due_date
from exchange.register import Decision, NewReview, Register
from exchange.register.extensions import Extensions
from exchange.wire.manifest import RequestManifest
from tests.register.stopping import LEADER

NewBatch = Callable[[Register], str]
AT = datetime(2026, 11, 25, 10, tzinfo=OFFICE_ZONE)
RECEIVED = date(2026, 11, 23)
WHY = "档案在外地"


@pytest.fixture
def objection(register: Register, new_batch: NewBatch, manifest: RequestManifest) -> str:
    first, batch = new_batch(register), new_batch(register)
    made = manifest.model_copy(update={"cycle": "objection", "objects_to": first})
    register.accept(batch, made, due_date("objection", RECEIVED))
    return batch


@pytest.fixture
def leader(register: Register) -> Extensions:
    return Extensions(register.engine, LEADER)


def told(register: Register, batch: str) -> dict[str, str]:
    facts: dict[str, str] = json.loads(register.steps(batch)[-1].facts)
    return facts


def test_asked_for_and_given(register: Register, objection: str, leader: Extensions) -> None:
    before = register.batch(objection)
    assert register.extensions.propose(objection, AT, WHY)
    assert WHY in told(register, objection)["extension_proposed.1"]
    assert not register.extensions.propose(objection, AT, "again"), "somebody has asked"
    assert register.batch(objection) == before, "until a leader gives it"
    assert [each.batch for each in register.extensions.proposals()] == [objection]
    leader.approve(objection, AT, NO_DAYS, 1)
    after = register.batch(objection)
    assert (after.due_working_days, after.due_original) == (EXTENDED_OBJECTION, before.due_on)
    assert (after.due_on or RECEIVED) > (before.due_on or RECEIVED)
    assert told(register, objection)["extended"] == WHY
    (asked,) = register.extensions.proposals(objection)
    assert (asked.proposed_by, asked.decided_by, asked.approved) == ("tests", LEADER, True)
    assert register.extensions.proposals() == []
    assert register.extensions.extendable() == []
    register.verify()


def test_returned_it_keeps_its_time_and_may_be_asked_for_again(
    register: Register, objection: str, leader: Extensions
) -> None:
    register.extensions.propose(objection, AT, WHY)
    before = register.batch(objection)
    leader.reject(objection, AT, "可按期答复", 1)
    assert register.batch(objection) == before
    assert "可按期答复" in told(register, objection)["extension_rejected.1"]
    assert register.extensions.propose(objection, AT, WHY)
    assert [each.approved for each in register.extensions.proposals(objection)] == [False, None]
    register.verify()


Verb = Callable[[Extensions, str], object]
GIVING: dict[str, Verb] = {
    "approve": lambda verbs, batch: verbs.approve(batch, AT, NO_DAYS, 1),
    "reject": lambda verbs, batch: verbs.reject(batch, AT, "否", 1),
}


@pytest.mark.parametrize("verb", GIVING)
def test_who_asks_does_not_decide(register: Register, objection: str, verb: str) -> None:
    register.extensions.propose(objection, AT, WHY)
    with pytest.raises(Halt, match="another person"):
        GIVING[verb](register.extensions, objection)


@pytest.mark.parametrize("verb", GIVING)
def test_what_was_not_shown_is_not_decided(register: Register, objection: str, leader: Extensions, verb: str) -> None:
    with pytest.raises(Halt, match="look at it again"):
        GIVING[verb](leader, objection)
    register.extensions.propose(objection, AT, WHY)
    leader.reject(objection, AT, "否", 1)
    register.extensions.propose(objection, AT, WHY)
    with pytest.raises(Halt, match="look at it again"):
        GIVING[verb](leader, objection)


def test_unasked_where_nobody_asks_and_once(register: Register, objection: str, leader: Extensions) -> None:
    register.extensions.propose(objection, AT, WHY)
    with pytest.raises(Halt, match="approve that or return it"):
        leader.extend(objection, NO_DAYS, WHY)
    leader.reject(objection, AT, "否", 1)
    leader.extend(objection, NO_DAYS, WHY)
    assert register.batch(objection).due_working_days == EXTENDED_OBJECTION
    for again in (
        lambda: leader.extend(objection, NO_DAYS, WHY),
        lambda: register.extensions.propose(objection, AT, WHY),
    ):
        with pytest.raises(Halt, match="cannot be extended"):
            again()


def test_who_decided_a_row_gives_no_more_time(register: Register, objection: str, leader: Extensions) -> None:
    register.prepared(objection, {"name": {"under_review": 1}}, [], 1, [NewReview(1, "220100", ("objection",))])
    register.delivered(objection)
    Register(register.engine, leader.actor).reviews.decide(
        objection, [Decision(1, 1, {"name": "consistent"}, "archive")]
    )
    with pytest.raises(Halt, match="decided a row of"):
        leader.extend(objection, NO_DAYS, "须调取案卷")


def test_only_an_open_objection(register: Register, new_batch: NewBatch, objection: str) -> None:
    for batch in (new_batch(register), register.batch(objection).objects_to or ""):
        with pytest.raises(Halt, match="cannot be extended"):
            register.extensions.propose(batch, AT, WHY)


def test_what_was_asked_for_a_batch_that_is_closed_waits_for_nobody(register: Register, objection: str) -> None:
    register.extensions.propose(objection, AT, WHY)
    register.clock.propose(objection, AT, "record_unclear")
    register.prepared(objection, {}, [], 0, [])
    register.delivered(objection)
    register.closed(objection)
    assert register.extensions.proposals() == []
    assert register.clock.proposals() == []
