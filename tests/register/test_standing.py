"""What a status file is made of: read of batches as the ledger tells them, each held against its line once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from exchange.base.errors import Halt
from exchange.calendar.working_days import Due
from exchange.register import FileRecord, PickupEvidence, Register, Role, attest
from exchange.register.standing import standing_of
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
_partners = count(1)

Walked = Sequence[tuple[str, timedelta, bool]]


@pytest.fixture(scope="session")
def walk(manifest: RequestManifest, due: Due, result_files: list[FileRecord]) -> Any:
    def walk_all(register: Register, batches: Walked) -> str:
        """The partner that has these batches; ``signed``: it sent them itself."""
        partner = f"partner-{next(_partners)}"
        for number, (way, age, signed) in enumerate(batches):
            batch = f"{partner}.{number}"
            asked = manifest.model_copy(update={"partner": partner, "batch": batch})
            roles = (Role.MANIFEST, Role.SIGNATURE) if signed else (Role.MANIFEST,)
            register.claim(batch, partner, "a" * 64, [FileRecord(role, role, "a" * 64, 1) for role in roles], AT - age)
            steps = (
                partial(register.accept, batch, asked, due),
                partial(register.prepared, batch, {}, result_files),
                partial(register.delivered, batch),
                partial(register.closed, batch),
                partial(register.pickups.taken, batch, 1, PickupEvidence.REMOVED, AT),
            )
            for step in steps[: WAYS.index(way)]:
                step()
        return partner

    return walk_all


def attested(register: Register, partner: str, most: int) -> tuple[list[str], set[str], int]:
    """The batches that were held against their lines, those that are told of, and how many statements that took."""
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
            standing = standing_of(register.engine, partner, SINCE, most)
    finally:
        event.remove(register.engine, "before_cursor_execute", note)
    told = {each.batch.id for each in standing.batches} | {each.batch for each in standing.uncollected}
    return held, told, len(statements)


@one_in(4)
@given(batches=BATCHES, most=st.integers(1, 6))
def test_each_batch_that_is_told_of_is_attested_once(
    shared_register: Register, walk: Any, batches: Walked, most: int
) -> None:
    partner = walk(shared_register, batches)
    held, told, statements = attested(shared_register, partner, most)
    assert sorted(held) == sorted(told)
    if most > len(batches):
        told_of = {f"{partner}.{number}" for number, each in enumerate(batches) if is_told_of(*each)}
        assert told == told_of
    assert statements == attested(shared_register, partner, most)[2] == attested(shared_register, "nobody", most)[2]


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
