"""The index of what lies with partners: beside a plain reckoning whatever is done, found when somebody changes it, and
filled for a register of before.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from exchange.base.errors import Halt
from exchange.register import Decision, FileRecord, NewReview, PickupEvidence, Register, ReleaseSummary, Role
from exchange.register.database import reading
from exchange.register.uncollected import UncollectedRow, expected

from .conftest import AT, Database
from .test_asked_lately import to_migration

ROWS = (1, 2)
SIGNED = FileRecord(Role.SIGNATURE, "s", "c" * 64, 1)


def held(register: Register) -> set[tuple[str, int]]:
    """What is in the index; and it is what the other tables say."""
    with reading(register.engine) as session:
        rows = {(row.batch_id, row.number) for row in session.scalars(select(UncollectedRow))}
        assert {(row.batch_id, row.number) for row in session.execute(expected())} == rows
    assert {(result.batch, result.number) for result in register.pickups.uncollected()} == rows
    return rows


def supplement(register: Register, batch: str, row: int, number: int) -> None:
    """This row decided, and delivered in a result of its own."""
    register.reviews.decide(batch, [Decision(row, 1, {"name": "consistent"}, "archive")])
    register.releases.propose(batch, [row], ReleaseSummary({}, answers_sha256="a" * 64), needs_approval=False)
    data = FileRecord(f"{Role.RESULT_DATA}-{number + 1}", f"{batch}.{number}", f"{number}" * 64, 1)
    register.releases.prepared(batch, number, [data])
    register.releases.delivered(batch, number)


@pytest.fixture
def delivered(register: Register, manifest: Any, due: Any, result_files: list[FileRecord]) -> Callable[[str], None]:
    """A batch with two rows that wait, delivered without them."""

    def deliver(batch: str) -> None:
        register.claim(batch, "bank", batch[-1] * 64, [SIGNED], AT)
        register.accept(batch, manifest, due)
        reviews = [NewReview(row, "220100", ("name",)) for row in ROWS]
        register.prepared(batch, {"name": {"under_review": len(ROWS)}}, result_files, len(ROWS), reviews)
        assert (batch, 1) not in held(register)
        register.delivered(batch)
        register.delivered(batch)  # run again

    return deliver


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_the_other_tables_say_whatever_is_done(
    register: Register, delivered: Callable[[str], None], seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311  (a test)
    lie: set[tuple[str, int]] = set()
    for batch in ("bank.b1", "bank.b2"):
        delivered(batch)
        lie.add((batch, 1))
        for number, row in enumerate(draw.sample(ROWS, draw.randrange(3)), 1):
            supplement(register, batch, row, number)
            lie.add((batch, number + 1))
        assert held(register) == lie
    everything = sorted(lie)
    for _ in range(12):
        batch, number = draw.choice(everything)
        if draw.random() < 0.6:
            register.pickups.taken(batch, number, PickupEvidence.REMOVED, AT)
            lie.discard((batch, number))
        else:
            register.pickups.put_again(batch, number, AT)
            lie.add((batch, number))
        assert held(register) == lie
    register.verify()


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM uncollected WHERE batch_id = 'bank.b1'",
        "UPDATE uncollected SET number = number + 1",
        "INSERT INTO uncollected VALUES ('bank.b1', 2)",
        "INSERT INTO uncollected VALUES ('nobody.1', 1)",
    ],
)
def test_what_is_not_in_it_or_should_not_be_is_found(
    register: Register, database: Database, delivered: Callable[[str], None], harm: str
) -> None:
    delivered("bank.b1")
    register.verify()
    before = register.pickups.uncollected()
    database.tamper(harm)
    with pytest.raises(Halt, match="not taken"):
        register.verify()
    assert set(register.pickups.uncollected()) <= set(before), "what was put in leads to nothing"


def test_a_register_of_before_is_filled_when_it_is_migrated(
    register: Register, database: Database, delivered: Callable[[str], None]
) -> None:
    for batch in ("bank.b1", "bank.b2", "bank.b3"):
        delivered(batch)
    supplement(register, "bank.b1", 1, 1)
    supplement(register, "bank.b2", 2, 1)
    register.pickups.taken("bank.b2", 2, PickupEvidence.ACKNOWLEDGED, AT)
    register.pickups.taken("bank.b3", 1, PickupEvidence.ACKNOWLEDGED, AT)
    before = held(register)
    assert before == {("bank.b1", 1), ("bank.b1", 2), ("bank.b2", 1)}
    owner = database.open_as_owner()
    try:
        to_migration(owner, "0018", down=True)
        to_migration(owner, "0019", ends=False)
    finally:
        owner.migrate()
        owner.close()
        database.server.grant()
    assert held(register) == before
