"""What the board asks of the register at once is what the single batches say: since when, and the stops of clocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from exchange.base.errors import Halt
from exchange.calendar.deadlines import WORKING_DAYS
from exchange.calendar.working_days import NO_DAYS, Due, due_after, office_day
from exchange.register import Decision, FileRecord, Register, ReleaseSummary, Role, State
from exchange.register.board import open_lines, queue_lines
from exchange.register.clock import present_due
from exchange.register.counts import answered_since, counts
from exchange.register.heaps import heaps
from exchange.register.lines import now
from exchange.register.looks import Looks, looks
from exchange.wire.manifest import RequestManifest
from tests.register.conftest import AT
from tests.register.stopping import stop

from .conftest import Database

DAY = timedelta(days=1)


def test_open_batches_since_when_and_with_the_stops_of_their_clocks(
    register: Register, delivered: str, new_batch: Callable[[Register], str], manifest: RequestManifest, due: Due
) -> None:
    accepted, refused = new_batch(register), new_batch(register)
    register.accept(accepted, manifest, due)
    stop(register, accepted, AT, "record_unclear")
    register.clock.start(accepted, AT + DAY, NO_DAYS)
    stop(register, accepted, AT + DAY, "other")
    register.refuse(refused, "data_hash", row=None, column=None)
    lines = {line.batch.id: line for line in open_lines(register.engine)}
    assert lines.keys() == {delivered, accepted}
    for batch, line in lines.items():
        assert line.batch == register.batch(batch)
        assert line.since == register.transitions(batch)[-1].at
        assert list(line.stops) == register.clock.stops(batch)
    assert len(lines[accepted].stops) == 2
    assert len(open_lines(register.engine, limit=1)) == 1
    found = counts(register.engine)
    assert found.batches == {State.DELIVERED: 1, State.ACCEPTED: 1, State.REFUSED: 1}
    assert found.oldest == dict.fromkeys((State.DELIVERED, State.ACCEPTED), AT)
    assert found.reviews == {("220100", "open"): 2, ("222400", "open"): 1}


@pytest.mark.parametrize("state", [State.PREPARED, State.DELIVERED])
@pytest.mark.parametrize("last", [None, date(2026, 12, 3)])
def test_a_row_of_the_queue_is_due_when_the_board_says_that_its_batch_is(
    register: Register, delivered: str, database: Database, state: State, last: date | None
) -> None:
    """Offence records beside items that are due at once: once the first result lies there, the later day is left."""
    database.tamper("UPDATE batch SET state = %s, due_last = %s", state, last)
    batch = register.batch(delivered)
    expected = last if last and state is State.DELIVERED else batch.due_on
    assert batch.due_open == expected
    assert {line.due_on for line in queue_lines(register.engine, ["220000"], "p-1", 9)} == {expected}
    assert {heap.due_on for heap in heaps(register.engine, ["220000"], "p-1", 9)} == {expected}


def test_a_first_result_is_counted_once(register: Register, delivered: str) -> None:
    (answered,) = answered_since(register.engine, 0)
    assert (answered.cycle, answered.rows) == ("monthly", 3)
    assert list(answered_since(register.engine, answered.seq)) == []


def test_a_second_look_opened_here_has_no_first_result(
    register: Register, delivered: str, manifest: RequestManifest, due: Due, result_files: list[FileRecord]
) -> None:
    for look, files in (("opened", []), ("asked", [FileRecord(Role.SIGNATURE, "s", "d" * 64, 3)])):
        batch = f"bank.{look}"
        register.claim(batch, "bank", "a" * 64, [FileRecord("manifest", "m.json", "a" * 64, 10)], AT)
        changed = {"batch": batch, "objects_to": delivered, "cycle": "objection"}
        register.accept(batch, manifest.model_copy(update=changed), due, files=files)
        register.prepared(batch, {}, result_files, 1)
        register.delivered(batch)
    assert [answered.cycle for answered in answered_since(register.engine, 0)] == ["monthly", "objection"]


def test_who_opened_rows_of_people(register: Register, delivered: str) -> None:
    for person, rows in (("a", [1]), ("b", [1, 2]), ("b", [1])):
        Register(register.engine, person).reviews.opened(delivered, rows)
    assert looks(register.engine, now() - DAY, now() + DAY) == [Looks("b", 3, 0, 0), Looks("a", 1, 0, 0)]
    assert looks(register.engine, now() + DAY, now() + 2 * DAY) == []


def said(register: Register, batch: str, person: str, answer: str) -> None:
    reviews = Register(register.engine, person).reviews
    decision = Decision(1, reviews.get(batch, 1).version, {"name": answer}, "archive")
    reviews.decide(batch, [decision], two=True)


@pytest.mark.parametrize("last", ["consistent", "inconsistent"])
def test_a_first_word_is_overturned_by_what_was_decided_until_then(
    register: Register, delivered: str, last: str
) -> None:
    """Whatever is returned or taken back afterwards: a month that is over reads as it did."""
    for person, answer in (("a", "consistent"), ("b", "inconsistent"), ("c", last)):
        said(register, delivered, person, answer)
    then, expected = now(), int(last == "inconsistent")
    told = looks(register.engine, then - DAY, then)
    assert {look.person: look.overturned for look in told} == {"a": expected, "b": 0, "c": 0}
    assert register.releases.propose(delivered, [1], ReleaseSummary({}), needs_approval=True)
    Register(register.engine, "leader").releases.reject(delivered, 1, "再查")
    said(register, delivered, "a", last)
    assert looks(register.engine, then - DAY, then) == told


def test_what_was_taken_back_overturned_nothing(register: Register, delivered: str) -> None:
    for person, answer in (("a", "consistent"), ("b", "inconsistent"), ("c", "inconsistent")):
        said(register, delivered, person, answer)
    Register(register.engine, "c").reviews.undo(delivered, 1)
    assert {look.overturned for look in looks(register.engine, now() - DAY, now() + DAY)} == {0}


def test_who_opened_or_decided_rows_of_a_test_opened_nobodys(
    register: Register, delivered: str, database: Database
) -> None:
    register.reviews.opened(delivered, [1])
    register.reviews.decide(delivered, [Decision(1, 1, {"identity": "consistent"}, "archive")])
    (look,) = looks(register.engine, now() - DAY, now() + DAY)
    assert (look.opened, look.decided) == (1, 1)
    database.tamper("UPDATE batch SET stage = 'test'")
    assert looks(register.engine, now() - DAY, now() + DAY) == []


@pytest.mark.parametrize("kept", [None, 7])
def test_a_due_day_is_counted_by_the_number_that_was_kept_or_by_the_cycles(
    register: Register, delivered: str, database: Database, kept: int | None
) -> None:
    """A batch that was accepted before the register kept it has none."""
    database.tamper("UPDATE batch SET due_working_days = %s", kept)
    days = WORKING_DAYS["monthly"] if kept is None else kept
    due = present_due(register.batch(delivered), [], NO_DAYS)
    assert due == due_after(days, office_day(AT), NO_DAYS, [])


def test_the_due_day_of_what_is_not_open_stays(register: Register, new_batch: Callable[[Register], str]) -> None:
    claimed = new_batch(register)
    assert not register.clock.recompute(claimed, NO_DAYS), "it has none yet"
    register.refuse(claimed, "data_hash", row=None, column=None)
    lines = register.steps(claimed)
    assert not register.clock.recompute(claimed, NO_DAYS)
    with pytest.raises(Halt, match="only the clock of an accepted batch"):
        register.clock.propose(claimed, AT, "record_unclear")
    assert register.steps(claimed) == lines


def test_the_leader_decides_what_was_shown(register: Register, delivered: str) -> None:
    register.clock.propose(delivered, AT, "record_unclear")
    leader = Register(register.engine, "leader").clock
    with pytest.raises(Halt, match="is not what was shown; look at it again"):
        leader.approve(delivered, AT, 2)
    with pytest.raises(Halt, match="is not what was shown; look at it again"):
        leader.reject(delivered, AT, "否", 2)
    leader.approve(delivered, AT, 1)
    assert register.batch(delivered).clock_stands


def test_receipts_are_told_once(register: Register, delivered: str) -> None:
    register.clock.renewed(delivered, 2)
    lines = register.steps(delivered)
    for number in (1, 2):
        register.clock.renewed(delivered, number)
    assert (register.steps(delivered), register.batch(delivered).receipts_sent) == (lines, 2)


def test_a_configuration_that_was_told_is_told_no_more(register: Register) -> None:
    assert register.configuration.record(lambda _: {"settings": "a" * 64}, lambda: AT) == ["settings"]
    lines = register.verify()
    assert register.configuration.record(lambda _: {"settings": "a" * 64}, lambda: AT + DAY) == []
    assert register.verify() == lines
    assert register.configuration.record(lambda _: {}, lambda: AT + DAY) == ["settings"], "it is gone"


def test_missing_sets_of_one_partner(register: Register) -> None:
    for partner in ("bank", "court"):
        register.missing.notice(partner, ("monthly", "2026-10", ""), date(2026, 11, 5), AT)
    register.missing.arrived("bank", ("monthly", "2026-10", ""), AT)
    find = register.missing.find
    assert [each.partner for each in find()] == ["court"]
    assert [each.partner for each in find(partner="bank")] == []
    assert [each.partner for each in find(partner="bank", every=True)] == ["bank"]
