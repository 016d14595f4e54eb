"""The index of whom small sets asked about: what the guard hears from it is what reading all small sets would say, and
what is not in it, or is and should not be, is found.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.base.keyed import Hashes, KeyRing, Kind, with_new_key
from exchange.guard.rules import Counts, Failed
from exchange.guard.thresholds import THRESHOLDS
from exchange.register import Register, asked_lately, database
from exchange.register.asked_lately import AskedLatelyRow, add_asked
from exchange.register.guard import Evidence, GuardEvidenceRow
from exchange.register.models import BatchRow
from exchange.register.told import Told, ToldRow, unpacked
from exchange.steps.guarding import most_partners

from .conftest import Database

DAY = date(2026, 11, 27)
FIRST = with_new_key(None, DAY)
SECOND = with_new_key(FIRST, DAY)
PARTNERS = ("court", "school", "bank", "tax", "rail")
SMALL, SPAN = THRESHOLDS.small_set, THRESHOLDS.span_days


def write(register: Register, seed: int) -> datetime:
    """Sets of several partners about few people, of both generations of the key, in the span and before it; when."""
    draw, at = random.Random(seed), datetime.now(UTC)  # noqa: S311  (a test)
    with Session(register.engine) as session, session.begin():
        for number in range(60):
            ring, days = draw.choice([FIRST, SECOND]), draw.choice([0, 1, 5, SPAN - 1, SPAN + 1, SPAN + 3])
            people = np.array([draw.randrange(1, 40) for _ in range(draw.choice([0, 1, 1, 3, 12]))], np.int64)
            told = Told.of(ring, [ring.hashed(people, Kind.NUMBER)], [np.arange(1, len(people) + 1, dtype=np.uint32)])
            rows = draw.choice([0, len(people), SMALL, SMALL + 1])
            add(session, f"{seed}.{number}", draw.choice(PARTNERS), told, at - timedelta(days=days, minutes=1), rows)
            add_asked(session, f"{seed}.{number}")
    return at


def add(session: Session, batch_id: str, partner: str, told: Told, at: datetime, rows: int) -> None:
    sound = {"manifest_sha256": "0", "state": "closed", "items": [], "due_provisional": False}
    session.execute(insert(BatchRow).values(id=batch_id, partner=partner, received_at=at, **sound))
    packed = {"hashes": told.hashes.tobytes(), "rows": told.rows.astype("<u4").tobytes()}
    session.execute(insert(ToldRow).values(batch_id=batch_id, generation=told.generation, key=told.key, **packed))
    nothing = {"rows": rows, "no_such_number": 0, "name_disagrees": 0, "numbers": b"", "names": b"", "groups": b""}
    session.execute(insert(GuardEvidenceRow).values(batch_id=batch_id, at=at, generation=1, **nothing))


def reckoned(register: Register, partner: str, at: datetime, asked: Hashes, ring: KeyRing) -> int:
    """The plain way: the numbers of all small sets of the span are read whole."""
    query = (
        select(BatchRow.partner, ToldRow.generation, ToldRow.hashes)
        .join(ToldRow, BatchRow.id == ToldRow.batch_id)
        .join(GuardEvidenceRow, GuardEvidenceRow.batch_id == ToldRow.batch_id)
        .where(GuardEvidenceRow.at > at - timedelta(days=SPAN), BatchRow.partner != partner)
        .where(GuardEvidenceRow.rows <= SMALL)
    )
    whom: dict[str, set[int]] = {}
    with Session(register.engine) as session:
        for other, generation, hashes in session.execute(query):
            whom.setdefault(other, set()).update(ring.renewed(unpacked(hashes), Kind.NUMBER, generation).tolist())
    people = set(asked.tolist())
    return max((1 + sum(each in others for others in whom.values()) for each in people), default=0)


def heard(register: Register, partner: str, at: datetime, asked: Hashes, ring: KeyRing) -> int:
    return most_partners(asked, register.guard.asked_too(partner, at, asked, ring.generation, ring.renewed))


def in_index(register: Register) -> int:
    with Session(register.engine) as session:
        return session.scalar(select(func.count()).select_from(AskedLatelyRow)) or 0


def is_found(register: Register) -> bool:
    with Session(register.engine) as session:
        try:
            asked_lately.verify(session)
        except Halt:
            return True
    return False


def askings(seed: int) -> Iterator[list[int]]:
    draw = random.Random(seed)  # noqa: S311  (a test)
    yield from ([], [99], [1], [2, 2], list(range(1, 40)))
    yield from ([draw.randrange(1, 50) for _ in range(3)] for _ in range(10))


@pytest.mark.parametrize("seed", range(4))
def test_the_guard_hears_what_reading_all_small_sets_says(register: Register, seed: int) -> None:
    at, found = write(register, seed), set()
    for ring in (FIRST, SECOND):
        for people in askings(seed):
            asked = ring.hashed(np.array(people, np.int64), Kind.NUMBER)
            for partner in (*PARTNERS, "new"):
                most = heard(register, partner, at, asked, ring)
                assert most == reckoned(register, partner, at, asked, ring)
                found.add(most)
    assert found > {0, 1, 2, 3}, "else nothing is asked about"
    assert not is_found(register)


def test_a_new_key_changes_nothing_that_is_heard_at_any_point(register: Register) -> None:
    at = write(register, 7)
    asked = SECOND.hashed(np.arange(1, 40), Kind.NUMBER)
    most = {partner: reckoned(register, partner, at, asked, SECOND) for partner in PARTNERS}
    assert max(most.values()) > 1
    before = in_index(register)
    for batch_id in register.told.behind(SECOND.generation):
        register.told.renew(batch_id, SECOND)
        assert {each: heard(register, each, at, asked, SECOND) for each in PARTNERS} == most
        assert not is_found(register)
    assert in_index(register) == before
    assert register.told.behind(SECOND.generation) == []


def test_what_a_set_asks_is_in_with_its_result_and_no_number_is(
    register: Register, manifest: Any, due: Any, result_files: Any
) -> None:
    people = np.array([22010419800101001, 22010419800101002], np.int64)
    told = Told.of(FIRST, [FIRST.hashed(people, Kind.NUMBER)], [np.array([1, 2], np.uint32)])
    for number, rows in enumerate([2, SMALL, SMALL + 1]):
        batch_id = f"bank.b{number}"
        register.claim(batch_id, "bank", f"{number}" * 64, [], datetime.now(UTC))
        register.accept(batch_id, manifest, due)
        for _ in range(2):  # killed and run again
            register.prepared(batch_id, {}, result_files, told=told, judge=partial(Evidence, 1, Counts(rows), Failed()))
    with Session(register.engine) as session:
        rows_of = session.execute(select(AskedLatelyRow.number, AskedLatelyRow.batch_id)).all()
    assert sorted({batch_id for _, batch_id in rows_of}) == ["bank.b0", "bank.b1"], "the large set is not in"
    assert len(rows_of) == 4
    packed = {number.to_bytes(8, "big", signed=True) for number, _ in rows_of}
    assert packed == {each.tobytes() for each in told.hashes}
    assert not packed & {number.to_bytes(8, order) for number in people.tolist() for order in ("big", "little")}
    register.verify()


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM asked_lately WHERE ctid = (SELECT max(ctid) FROM asked_lately WHERE {in_span})",
        "UPDATE asked_lately SET number = number + 1 WHERE ctid = (SELECT max(ctid) FROM asked_lately WHERE {in_span})",
        "UPDATE asked_lately SET at = at - interval '90 days' WHERE {in_span}",
        "INSERT INTO asked_lately SELECT 7, batch_id, at FROM asked_lately WHERE {in_span} LIMIT 1",
        "INSERT INTO asked_lately SELECT 7, 'nobody.1', now()",
    ],
)
def test_what_is_not_in_it_or_should_not_be_is_found(register: Register, database: Database, harm: str) -> None:
    write(register, 3)
    assert not is_found(register)
    database.tamper(harm.format(in_span="at > now() - interval '20 days'"))
    assert is_found(register)


def test_what_is_older_than_the_span_goes_and_nothing_else(register: Register) -> None:
    at = write(register, 5)
    begin = at - timedelta(days=SPAN)
    with Session(register.engine) as session:
        of_span = session.scalar(select(func.count()).select_from(AskedLatelyRow).where(AskedLatelyRow.at > begin))
    assert in_index(register) > (of_span or 0) > 0
    for _ in range(2):
        register.guard.forget(datetime.now(UTC))
        assert in_index(register) == of_span
        assert not is_found(register)


def test_a_register_of_before_is_filled_when_it_is_migrated_also_after_a_kill(
    register: Register, database: Database
) -> None:
    write(register, 11)
    register.guard.forget(datetime.now(UTC))
    filled = in_index(register)
    assert filled > 0
    owner = database.open_as_owner()
    try:
        to_migration(owner, "0017", down=True)
        to_migration(owner, "0018", ends=False)
        owner.migrate()
    finally:
        owner.migrate()
        owner.close()
        database.server.grant()
    assert in_index(register) == filled
    assert not is_found(register)


def to_migration(owner: Register, to: str, *, down: bool = False, ends: bool = True) -> None:
    """To this migration; where it is killed before it ends, all that it did is undone."""
    config = Config()
    config.set_main_option("script_location", str(database._MIGRATIONS))
    with owner.engine.connect() as connection, connection.begin() as work:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, to)
        if not ends:
            work.rollback()
