from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.errors import Halt
from exchange.calendar.working_days import Due
from exchange.register import BatchFilter, Claim, FileRecord, Register, Role, State
from exchange.wire.manifest import RequestManifest
from tests.examples import one_in

AT = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)
NewBatch = Callable[[Register], str]

WAYS = (
    [State.CLAIMED, State.REFUSED],
    [State.CLAIMED, State.ACCEPTED, State.PREPARED, State.REFUSED],
    [State.CLAIMED, State.ACCEPTED, State.PREPARED, State.DELIVERED, State.CLOSED],
)


@pytest.fixture(scope="session")
def verbs(manifest: RequestManifest, due: Due, result_files: list[FileRecord]) -> dict[State, Callable[..., None]]:
    return {
        State.ACCEPTED: lambda register, batch: register.accept(batch, manifest, due),
        State.REFUSED: lambda register, batch: register.refuse(batch, "data_hash", row=None, column="data.sha256"),
        State.PREPARED: lambda register, batch: register.prepared(batch, {"name": {"consistent": 3}}, result_files),
        State.DELIVERED: lambda register, batch: register.delivered(batch),
        State.CLOSED: lambda register, batch: register.closed(batch),
    }


# ── claiming ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_claim_is_new_then_the_same_then_in_conflict(register: Register) -> None:
    file = FileRecord(Role.MANIFEST, "bank.b1.request.json", "a" * 64, 10)
    assert register.claim("bank.b1", "bank", "a" * 64, [file], AT) is Claim.NEW
    assert register.claim("bank.b1", "bank", "a" * 64, [file], AT + timedelta(1)) is Claim.SAME
    assert register.claim("bank.b1", "bank", "c" * 64, [file], AT + timedelta(1)) is Claim.CONFLICT
    batch = register.batch("bank.b1")
    assert (batch.state, batch.received_at, batch.manifest_sha256) == (State.CLAIMED, AT, "a" * 64)
    assert (batch.items, batch.due_on, batch.rows_in) == ((), None, None)
    assert register.files("bank.b1") == [file]
    assert len(register.steps("bank.b1")) == 1


def test_of_eight_who_claim_at_once_one_wins(register: Register) -> None:
    ready = Barrier(8)

    def claim(_: int) -> Claim:
        ready.wait(30)
        return register.claim("bank.b1", "bank", "a" * 64, [], AT)

    with ThreadPoolExecutor(8) as workers:
        results = list(workers.map(claim, range(8)))
    assert sorted(results, key=lambda claim: claim.value) == [Claim.NEW] + [Claim.SAME] * 7
    assert len(register.steps("bank.b1")) == 1


def test_ledger_stays_whole_when_many_batches_move_at_once(register: Register) -> None:
    def claim(number: int) -> None:
        register.claim(f"bank.b{number}", "bank", "a" * 64, [], AT)
        register.refuse(f"bank.b{number}", "data_hash", row=None, column=None)

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(claim, range(24)))
    assert register.verify()[0] == 48


# ── the way of a batch ───────────────────────────────────────────────────────────────────────────────────


def test_an_accepted_batch_bears_its_facts(
    register: Register, new_batch: NewBatch, manifest: RequestManifest, due: Due
) -> None:
    batch_id = new_batch(register)
    register.accept(batch_id, manifest, due)
    batch = register.batch(batch_id)
    assert (batch.state, batch.cycle, batch.period, batch.purpose) == (
        "accepted",
        "monthly",
        "2026-11",
        "account_opening",
    )
    assert (batch.legal_basis, batch.letter, batch.handler) == (manifest.legal_basis, manifest.letter, manifest.handler)
    assert (batch.items, batch.rows_in) == (("name", "sex"), 3)
    assert (batch.due_on, batch.due_original, batch.due_provisional) == (due.day, due.day, False)


def test_a_refused_batch_bears_its_reason(register: Register, new_batch: NewBatch) -> None:
    batch_id = new_batch(register)
    register.refuse(batch_id, "row_too_long", row=7, column="name")
    batch = register.batch(batch_id)
    assert (batch.refusal_code, batch.refusal_row, batch.refusal_column) == ("row_too_long", 7, "name")


def test_the_ledger_says_who_and_what(
    register: Register, new_batch: NewBatch, result_files: list[FileRecord], manifest: RequestManifest, due: Due
) -> None:
    batch_id = new_batch(register)
    register.accept(batch_id, manifest, due)
    register.prepared(batch_id, {"identity": {"consistent": 3}}, result_files)
    steps = register.steps(batch_id)
    assert [(step.from_state, step.to_state) for step in steps] == [
        (None, "claimed"), ("claimed", "accepted"), ("accepted", "sealed"),
    ]  # fmt: skip
    assert {step.actor for step in steps} == {"tests"}
    assert json.loads(steps[2].facts) == {file.role: file.sha256 for file in result_files} | {"rows_open": "0"}
    assert register.answer_counts(batch_id) == {"identity": {"consistent": 3}}


def test_the_first_telling_stands(
    register: Register, new_batch: NewBatch, manifest: RequestManifest, due: Due, result_files: list[FileRecord]
) -> None:
    batch_id = new_batch(register)
    register.accept(batch_id, manifest, due)
    register.accept(batch_id, manifest, Due(date(2027, 1, 4), provisional=True, working_days=5))
    register.prepared(batch_id, {"name": {"consistent": 3}}, result_files)
    others = [FileRecord(file.role, file.name, "f" * 64, 99) for file in result_files]
    register.prepared(batch_id, {"name": {"consistent": 1, "inconsistent": 2}}, others)
    assert register.batch(batch_id).due_on == due.day
    assert register.file(batch_id, Role.RESULT).sha256 == result_files[2].sha256
    assert register.answer_counts(batch_id) == {"name": {"consistent": 3}}
    assert len(register.steps(batch_id)) == 3


@one_in(2)
@given(wishes=st.lists(st.sampled_from([state for state in State if state is not State.CLAIMED]), max_size=8))
def test_no_walk_leaves_the_two_ways(
    shared_register: Register, new_batch: NewBatch, verbs: dict[State, Callable[..., None]], wishes: list[State]
) -> None:
    register, walked = shared_register, [State.CLAIMED]
    batch_id = new_batch(register)
    for wish in wishes:
        follows = any(way[: len(walked) + 1] == [*walked, wish] for way in WAYS)
        if follows or wish in walked:
            verbs[wish](register, batch_id)
            walked += [wish] if follows else []
        else:
            with pytest.raises(Halt, match="cannot become"):
                verbs[wish](register, batch_id)
        assert register.batch(batch_id).state is walked[-1]
    assert [step.to_state for step in register.steps(batch_id)] == walked


def test_two_who_take_the_same_step_at_once_write_one_line(register: Register, new_batch: NewBatch) -> None:
    batch_id, ready = new_batch(register), Barrier(4)

    def refuse(number: int) -> None:
        ready.wait(30)
        register.refuse(batch_id, "data_hash", row=number, column=None)

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(refuse, range(4)))
    assert [step.to_state for step in register.steps(batch_id)] == ["claimed", "refused"]
    assert json.loads(register.steps(batch_id)[1].facts)["refusal_row"] == str(register.batch(batch_id).refusal_row)


def test_an_unknown_batch_is_a_halt(register: Register, verbs: dict[State, Callable[..., None]]) -> None:
    calls: list[Callable[[], object]] = [
        lambda: register.batch("bank.none"),
        lambda: register.snapshots.pin("bank.none", {}),
        lambda: register.record_file("bank.none", Role.DATA, "d.csv", "a" * 64, 1),
        *(partial(verb, register, "bank.none") for verb in verbs.values()),
    ]
    for call in calls:
        with pytest.raises(Halt, match=r"bank\.none is not in the register"):
            call()


# ── files and snapshots ──────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_recorded_once_for_its_role(register: Register, new_batch: NewBatch) -> None:
    batch_id = new_batch(register)
    assert register.find_file(batch_id, Role.DATA) is None
    with pytest.raises(Halt, match="has no data"):
        register.file(batch_id, Role.DATA)
    for digest in ("b", "b", "c"):
        kept = register.record_file(batch_id, Role.DATA, "d.csv", digest * 64, 5_000_000_000)
        assert kept == FileRecord(Role.DATA, "d.csv", "b" * 64, 5_000_000_000)
    assert register.file(batch_id, Role.DATA) == FileRecord(Role.DATA, "d.csv", "b" * 64, 5_000_000_000)


def test_files_that_belong_together_are_told_in_one_line_and_the_first_ones_stand_together(
    register: Register, new_batch: NewBatch
) -> None:
    def pair(mark: str) -> list[FileRecord]:
        return [FileRecord(role, role, mark * 64, 1) for role in (Role.RECEIPT, Role.RECEIPT_SIGNATURE)]

    batch_id = new_batch(register)
    lines = len(register.steps(batch_id))
    for mark in "bbc":
        assert register.record_files(batch_id, pair(mark)) == pair("b")
        assert len(register.steps(batch_id)) == lines + 1
    other = new_batch(register)
    register.record_files(other, pair("b")[:1])
    assert register.record_files(other, pair("c")) == pair("b")[:1], "no signature of other bytes than were told first"
    assert register.record_files(other, pair("b")) == pair("b"), "what an earlier version began is finished"
    register.verify()


def test_delivered_and_closed_at_once_are_two_lines_and_once(
    register: Register, new_batch: NewBatch, verbs: dict[State, Callable[..., None]]
) -> None:
    batch_id = new_batch(register)
    for state in (State.ACCEPTED, State.PREPARED):
        verbs[state](register, batch_id)
    for _ in range(2):
        register.delivered_and_closed(batch_id, AT)
        assert [step.to_state for step in register.transitions(batch_id)] == WAYS[-1]
    assert [json.loads(step.facts) for step in register.steps(batch_id)][-3:] == [{"seen.1": AT.isoformat()}, {}, {}]
    register.verify()


def test_the_first_pinned_snapshots_stay(register: Register, new_batch: NewBatch) -> None:
    batch_id = new_batch(register)
    first = {"population": ("2026-11-22.1", date(2026, 11, 22)), "drug_control": ("2026-11-20.1", date(2026, 11, 20))}
    later = {"population": ("2026-11-23.1", date(2026, 11, 23))}
    assert register.snapshots.pin(batch_id, first) == first
    assert register.snapshots.pin(batch_id, later) == first
    assert register.snapshots.of(batch_id) == first


def test_of_many_who_pin_at_once_all_get_the_same(register: Register, new_batch: NewBatch) -> None:
    batch_id, ready = new_batch(register), Barrier(4)

    def pin(number: int) -> str:
        ready.wait(30)
        return register.snapshots.pin(batch_id, {"population": (f"v{number}", date(2026, 11, 22))})["population"][0]

    with ThreadPoolExecutor(4) as workers:
        assert len(set(workers.map(pin, range(4)))) == 1


def test_snapshots_are_in_use_until_the_batch_ends(
    register: Register, new_batch: NewBatch, verbs: dict[State, Callable[..., None]]
) -> None:
    ended, refused, running = (new_batch(register) for _ in range(3))
    for batch_id, version in ((ended, "v1"), (refused, "v2"), (running, "v3")):
        register.snapshots.pin(batch_id, {"population": (version, date(2026, 11, 22))})
    assert register.snapshots.in_use() == {("population", "v1"), ("population", "v2"), ("population", "v3")}
    for state in WAYS[-1][1:]:
        verbs[state](register, ended)
    verbs[State.REFUSED](register, refused)
    assert register.snapshots.in_use() == {("population", "v3")}
    assert register.snapshots.batches_with("population", "v1") == [ended], "closed ones are told, too"


# ── questions ────────────────────────────────────────────────────────────────────────────────────────────


def test_batches_come_newest_first_by_partner_and_state(register: Register) -> None:
    for number, partner in enumerate(["bank", "court", "bank"]):
        register.claim(f"{partner}.b{number}", partner, "a" * 64, [], AT + timedelta(minutes=number))
    register.refuse("bank.b0", "data_hash", row=None, column=None)

    def ids(wanted: BatchFilter) -> list[str]:
        return [batch.id for batch in register.batches(wanted)]

    assert ids(BatchFilter()) == ["bank.b2", "court.b1", "bank.b0"]
    assert ids(BatchFilter(limit=1)) == ["bank.b2"]
    assert ids(BatchFilter(partner="bank")) == ["bank.b2", "bank.b0"]
    assert ids(BatchFilter(state=State.CLAIMED)) == ["bank.b2", "court.b1"]
    assert ids(BatchFilter(partner="bank", state=State.REFUSED)) == ["bank.b0"]
    assert register.waiting() == ["court.b1", "bank.b2"]


# ── sets that are not complete ───────────────────────────────────────────────────────────────────────────


def test_the_clock_of_an_incomplete_set_starts_anew_when_it_moves(register: Register) -> None:
    hour = timedelta(hours=1)
    assert register.unfinished.see("bank", "s", "f1", "data_missing", AT).first_seen == AT
    assert register.unfinished.see("bank", "s", "f1", "data_missing", AT + hour).first_seen == AT
    register.unfinished.noticed("bank", "s", AT + hour)
    assert register.unfinished.see("bank", "s", "f1", "data_missing", AT + 2 * hour).noticed_at == AT + hour
    moved = register.unfinished.see("bank", "s", "f2", "data_unfinished", AT + 3 * hour)
    assert (moved.first_seen, moved.noticed_at) == (AT + 3 * hour, None)


def test_sets_that_are_not_incomplete_any_more_are_forgotten(register: Register) -> None:
    for partner, stem in (("bank", "s1"), ("bank", "s2"), ("court", "s1")):
        register.unfinished.see(partner, stem, "f", "data_missing", AT)
    later = AT + timedelta(hours=1)
    register.unfinished.finished("bank", ["s2"])
    assert register.unfinished.see("bank", "s1", "f", "data_missing", later).first_seen == later
    assert register.unfinished.see("bank", "s2", "f", "data_missing", later).first_seen == AT
    register.unfinished.finished("bank", [])
    assert register.unfinished.see("bank", "s2", "f", "data_missing", later).first_seen == later
    assert register.unfinished.see("court", "s1", "f", "data_missing", later).first_seen == AT
