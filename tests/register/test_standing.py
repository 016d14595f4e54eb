"""What a status file is made of: read of batches as the ledger tells them, each held against its line once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from types import MappingProxyType
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text

from exchange.base.errors import Halt
from exchange.calendar.working_days import Due
from exchange.register import FileRecord, PickupEvidence, Register, Role, attest
from exchange.register.standing import Known, Standing, standing_of
from exchange.wire.manifest import RequestManifest
from tests.examples import one_in

from .conftest import AT, Database

WAYS = ("claimed", "accepted", "prepared", "delivered", "closed", "taken")
"""How far a batch came, each one step more than the one before."""
AGES = (timedelta(), timedelta(seconds=1), timedelta(days=400))
BATCHES = st.lists(
    st.tuples(st.sampled_from(WAYS), st.sampled_from(AGES), st.sampled_from([True, False])), max_size=5
).map(tuple)
SINCE = AT - timedelta(days=30)
FORGED = (
    "INSERT INTO ledger (seq, batch_id, to_state, at, actor, facts, previous_hash, hash, digests, root, signature) "
    "SELECT seq + 1, batch_id, to_state, at, actor, facts, previous_hash, repeat('f', 64), digests, root, signature "
    "FROM ledger WHERE batch_id = %s AND seq = %s"
)
"""A line behind the batch's last one, that the office did not sign."""
_partners = count(1)

Walked = Sequence[tuple[str, timedelta, bool]]


Step = Callable[[], object]


@pytest.fixture(scope="session")
def steps(manifest: RequestManifest, due: Due, result_files: list[FileRecord]) -> Callable[..., Sequence[Step]]:
    def steps_of(register: Register, partner: str, number: int, age: timedelta, *, signed: bool) -> Sequence[Step]:
        """What leads through ``WAYS``; ``signed``: the partner sent it itself."""
        batch = f"{partner}.{number}"
        asked = manifest.model_copy(update={"partner": partner, "batch": batch})
        roles = (Role.MANIFEST, Role.SIGNATURE) if signed else (Role.MANIFEST,)
        files = [FileRecord(role, role, "a" * 64, 1) for role in roles]
        results = [replace(file, name=f"{batch}.{file.name}") for file in result_files]
        return (
            partial(register.claim, batch, partner, "a" * 64, files, AT - age),
            partial(register.accept, batch, asked, due),
            partial(register.prepared, batch, {}, results),
            partial(register.delivered, batch),
            partial(register.closed, batch),
            partial(register.pickups.taken, batch, 1, PickupEvidence.REMOVED, AT),
        )

    return steps_of


@pytest.fixture(scope="session")
def walk(steps: Callable[..., Sequence[Step]]) -> Any:
    def walk_all(register: Register, batches: Walked) -> str:
        """The partner that has these batches."""
        partner = f"partner-{next(_partners)}"
        for number, (way, age, signed) in enumerate(batches):
            for step in steps(register, partner, number, age, signed=signed)[: WAYS.index(way) + 1]:
                step()
        return partner

    return walk_all


def attested(
    register: Register, partner: str, most: int, known: Mapping[str, Known] = MappingProxyType({})
) -> tuple[list[str], Standing, int]:
    """The batches that were held against their lines, what is said, and how many statements that took."""
    held, statements = list[str](), list[str]()

    def remember(batch_id: str, *rest: Any) -> None:
        held.append(batch_id)
        check(batch_id, *rest)

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        statements.append(statement)

    check = attest.check
    event.listen(register.engine, "before_cursor_execute", note)
    try:
        with mock.patch.object(attest, "check", remember):
            standing = standing_of(register.engine, partner, SINCE, most, known)
    finally:
        event.remove(register.engine, "before_cursor_execute", note)
    return held, standing, len(statements)


@one_in(4)
@given(batches=BATCHES, most=st.integers(1, 6))
def test_each_batch_that_is_told_of_is_attested_once(
    shared_register: Register, walk: Any, batches: Walked, most: int
) -> None:
    partner = walk(shared_register, batches)
    held, standing, statements = attested(shared_register, partner, most)
    assert sorted(held) == sorted(standing.shown) == sorted(standing.lines)
    if most > len(batches):
        assert standing.shown == {f"{partner}.{number}" for number, each in enumerate(batches) if is_told_of(*each)}
    assert statements == attested(shared_register, partner, most)[2] == attested(shared_register, "nobody", most)[2]


def known_of(standing: Standing) -> dict[str, Known]:
    """What is to be kept of all that was read."""
    told, names = set(standing.told), defaultdict[str, set[str]](set)
    for result in standing.uncollected:
        names[result.batch].add(result.data)
    return {batch: Known(line, batch in told, frozenset(names[batch])) for batch, line in standing.lines.items()}


@one_in(4)
@given(
    batches=BATCHES,
    further=st.lists(st.integers(0, len(WAYS)), min_size=5, max_size=5),
    most=st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
def test_what_is_known_is_not_read_again_and_what_moved_is(
    shared_register: Register,
    walk: Any,
    steps: Callable[..., Sequence[Step]],
    batches: Walked,
    further: list[int],
    most: tuple[int, int],
) -> None:
    """Whatever moved meanwhile, and however many are shown: what is known and what was read are what a first reading
    finds.
    """
    register, partner = shared_register, walk(shared_register, batches)
    before = standing_of(register.engine, partner, SINCE, most[0])
    moved = set[str]()
    for number, ((way, age, signed), more) in enumerate(zip(batches, further, strict=False)):
        for step in steps(register, partner, number, age, signed=signed)[WAYS.index(way) + 1 :][:more]:
            step()
            moved.add(f"{partner}.{number}")
    known = known_of(before)
    held, after, _ = attested(register, partner, most[1], known)
    plain = standing_of(register.engine, partner, SINCE, most[1])
    assert (after.told, after.uncollected) == (plain.told, plain.uncollected)
    assert sorted(held) == sorted(after.lines)
    assert after.lines.items() <= plain.lines.items()
    assert moved & plain.shown <= after.lines.keys()
    now = known_of(plain)
    for batch in plain.shown - after.lines.keys():
        assert known[batch].line == now[batch].line
        assert (known[batch].told, known[batch].results) >= (now[batch].told, now[batch].results)
    kept = {each.batch.id: each for each in before.batches} | {each.batch.id: each for each in after.batches}
    assert [kept[batch] for batch in after.told] == plain.batches
    if most[0] == most[1] == 6:
        assert after.lines.keys() <= moved, "what did not move is not read"


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        ({}, False),
        ({"line": "0" * 64}, True),
        ({"line": ""}, True),
        ({"told": False}, True),
        ({"results": frozenset()}, True),
        ({"results": frozenset({"another.csv"})}, True),
    ],
)
def test_what_is_known_of_another_line_or_of_less_is_nothing(
    register: Register, walk: Any, kept: dict[str, Any], read: bool
) -> None:
    partner = walk(register, [("delivered", AGES[0], True)])
    known = known_of(standing_of(register.engine, partner, SINCE, 9))
    (batch,) = known
    lines = standing_of(register.engine, partner, SINCE, 9, {batch: replace(known[batch], **kept)}).lines
    assert lines == ({batch: known[batch].line} if read else {})


@pytest.mark.parametrize("rewritten", ["DELETE FROM ledger WHERE batch_id = %s AND seq = %s", FORGED])
def test_what_is_known_holds_no_line_that_was_forged_or_taken_away(
    register: Register, database: Database, walk: Any, rewritten: str
) -> None:
    partner = walk(register, [("delivered", AGES[0], True)])
    known = known_of(standing_of(register.engine, partner, SINCE, 9))
    with register.engine.connect() as connection:
        last = connection.scalar(text("SELECT max(seq) FROM ledger"))
    database.tamper(rewritten, f"{partner}.0", last)
    with pytest.raises(Halt, match=r"is not what the ledger says|was not signed by this office"):
        standing_of(register.engine, partner, SINCE, 9, known)


def is_told_of(way: str, age: timedelta, signed: bool) -> bool:
    """The partner's own while it is open or new; and whatever waits for it."""
    return way in ("delivered", "closed") or (signed and (way != "taken" or AT - age >= SINCE))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("signed", [True, False])
def test_a_batch_whose_line_was_tampered_with_stops_whatever_tells_of_it(
    register: Register, database: Database, walk: Any, way: str, age: timedelta, signed: bool
) -> None:
    """And another partner, or one of whom it is not told, nobody."""
    partner, other = walk(register, [(way, age, signed)]), walk(register, [("closed", AGES[0], True)])
    database.tamper("UPDATE batch SET letter = 'another' WHERE partner = %s", partner)
    assert len(standing_of(register.engine, other, SINCE, 9).batches) == 1
    if is_told_of(way, age, signed):
        with pytest.raises(Halt, match="is not what the ledger says"):
            standing_of(register.engine, partner, SINCE, 9)
    else:
        assert standing_of(register.engine, partner, SINCE, 9).uncollected == []


def test_two_batches_of_one_moment_are_told_by_name(register: Register, walk: Any) -> None:
    partner = walk(register, [("accepted", AGES[0], True)] * 3)
    named = [
        each.batch.id
        for each in standing_of(register.engine, partner, datetime.min.replace(tzinfo=AT.tzinfo), 2).batches
    ]
    assert named == [f"{partner}.0", f"{partner}.1"]
