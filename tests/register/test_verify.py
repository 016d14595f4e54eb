"""``verify`` holds everything against the ledger: whichever column of whichever table is altered, it is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg import sql

from exchange.base.errors import Halt
from exchange.base.keyed import Kind, with_new_key
from exchange.calendar.working_days import NO_DAYS, Due, due_date, office_day
from exchange.guard.rules import Counts, Failed, Trip
from exchange.register import (
    Decision,
    FileRecord,
    NewAlert,
    NewReview,
    PickupEvidence,
    Register,
    ReleaseSummary,
)
from exchange.register.digests import BY_BLOCK, BY_ROW, NOT_STATED, OF_BATCH
from exchange.register.guard import Evidence
from exchange.register.models import Base
from exchange.register.told import Told
from exchange.wire.manifest import RequestManifest
from tests.register.stopping import stop

from .conftest import AT, Database

BATCH, OBJECTION, LIES_THERE, DAY = "bank.b1", "bank.b2", "bank.b3", timedelta(days=1)
RING = with_new_key(None, AT.date())
EXCEPTED = {
    ("ledger_head", "single"): "has one value that the database allows",
    **{
        ("unfinished_set", each.name): NOT_STATED["unfinished_set"] for each in Base.metadata.tables["unfinished_set"].c
    },
}
"""(table, column) → why nothing finds it altered."""

OTHER = {
    "text": "coalesce({0}, '') || 'x'",
    "character varying": "coalesce({0}, '') || 'x'",
    "integer": "coalesce({0}, 0) + 1000",
    "bigint": "coalesce({0}, 0) + 1000",
    "boolean": "NOT {0}",
    "date": "coalesce({0}, current_date) + 1",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 microsecond'",
    "character varying[]": "{0} || 'x'::varchar",
    "integer[]": "{0} || 9",
    "bytea": "{0} || '\\x01'::bytea",
}
"""A column's type → another value than it has."""


@pytest.fixture(scope="module")
def full(migrated: Database, manifest: RequestManifest, due: Due, result_files: list[FileRecord]) -> Iterator[Register]:
    """A register with something in every table, by the register's own verbs."""
    migrated.empty()
    register = migrated.open()
    register.claim(BATCH, "bank", "a" * 64, [FileRecord("manifest", "m", "a" * 64, 1)], AT)
    register.accept(BATCH, manifest, due)
    register.snapshots.pin(BATCH, {"population": ("2026-11-22.1", date(2026, 11, 22))})
    register.record_file(BATCH, "receipt", "r", "c" * 64, 1)
    stop(register, BATCH, AT, "record_unclear", "why")
    register.clock.start(BATCH, AT + DAY, NO_DAYS, "found")
    register.claim(OBJECTION, "bank", "b" * 64, [], AT)
    objection = manifest.model_copy(update={"cycle": "objection", "objects_to": BATCH})
    register.accept(OBJECTION, objection, due_date("objection", office_day(AT)))
    register.extensions.propose(OBJECTION, AT, "档案在外地")
    reviews = [NewReview(2, "220100", ("name",)), NewReview(3, "220100", ("name",))]
    hashes = RING.hashed(np.array([1, 2]), Kind.NUMBER)
    told = Told.of(RING, [hashes], [np.array([2, 3], np.uint32)])
    seen = Evidence(1, Counts(2, 1, 1), Failed(hashes, hashes, hashes), [Trip("sequence", 40, 40)], holds=True)
    register.prepared(BATCH, {"name": {"under_review": 2}}, result_files, 2, reviews, told, lambda: seen)
    register.guard.release(BATCH, "nothing in it")
    register.delivered(BATCH)
    asked = register.told_uses.ask(hashes, "asks herself", "7", AT)
    register.told_uses.withhold(BATCH, "a court asks", AT)
    register.reviews.decide(BATCH, [Decision(3, 1, {"name": "no_record"}, "archive", "note")])
    outcome = ReleaseSummary({"name": {"no_record": 1}}, answers_sha256="f" * 64)
    register.releases.propose(BATCH, [3], outcome, needs_approval=True)
    leader = migrated.open("leader")
    leader.releases.reject(BATCH, 1, "again")
    leader.extensions.reject(OBJECTION, AT, "in time", 1)
    leader.told_uses.confirm(leader.told_uses.question(asked, AT), [BATCH], AT)
    leader.close()
    register.pickups.seen(BATCH, 1, AT)
    register.pickups.taken(BATCH, 1, PickupEvidence.REMOVED, AT)
    register.retention.hold(BATCH, "a court asks", AT)
    register.retention.release_hold(BATCH, AT)
    register.retention.intend_nameless({"d" * 64: True}, "30 days", AT)
    register.alerts.of_batch(BATCH, [NewAlert("bank", BATCH, "overdue", 0, due.day, due.day)], AT)
    register.alerts.mark_sent(register.alerts.find(), AT)
    register.missing.notice("bank", ("monthly", "2026-10", ""), due.day, AT)
    register.missing.reminded("bank", ("monthly", "2026-10", ""), 1, AT)
    register.configuration.record(lambda _: {"settings": "a" * 64}, lambda: AT)
    register.unfinished.see("bank", "s", "f", "data_missing", AT)
    register.conformance.exempt("bank", "known for years", AT)
    register.claim(LIES_THERE, "bank", "e" * 64, [], AT)
    register.accept(LIES_THERE, manifest, due)
    register.prepared(LIES_THERE, {}, result_files)
    register.delivered_and_closed(LIES_THERE, AT)
    yield register
    register.close()
    migrated.empty()


@pytest.fixture(scope="module")
def owner(migrated: Database) -> Iterator[Any]:
    """A superuser's connection with all triggers off."""
    with psycopg.connect(
        host="127.0.0.1",
        port=migrated.server.port,
        user="postgres",
        dbname="exchange",
        passfile=str(migrated.server.password_file),
        autocommit=True,
    ) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def is_found(register: Register) -> bool:
    try:
        register.verify()
    except Halt:
        return True
    return False


def test_every_table_is_told_or_excepted_with_a_reason(full: Register, owner: Any) -> None:
    told = [*OF_BATCH, *BY_BLOCK, *BY_ROW, *NOT_STATED]
    assert sorted(told) == sorted(Base.metadata.tables)
    counts = {name: owner.execute(f"SELECT 1 FROM {name}".encode()).fetchone() for name in Base.metadata.tables}  # noqa: S608
    assert [name for name, row in counts.items() if row is None] == []
    assert full.verify()[0] > 0


@pytest.mark.parametrize("table", Base.metadata.tables)
def test_an_altered_column_is_found(full: Register, owner: Any, table: str) -> None:
    unseen = set()
    for column in [each.name for each in Base.metadata.tables[table].columns]:
        names = {"t": sql.Identifier(table), "c": sql.Identifier(column)}
        find = sql.SQL("SELECT ctid, {c}, pg_typeof({c})::text FROM {t} ORDER BY ctid DESC LIMIT 1")
        place, value, kind = owner.execute(find.format(**names)).fetchone()
        other = sql.SQL(OTHER[kind]).format(names["c"])
        altered = sql.SQL("UPDATE {t} SET {c} = {v} WHERE ctid = {p}::tid RETURNING ctid")
        try:
            (place,) = owner.execute(altered.format(**names, v=other, p=sql.Literal(place))).fetchone()
        except psycopg.errors.CheckViolation:
            unseen.add((table, column))
            continue
        if not is_found(full):
            unseen.add((table, column))
        owner.execute(altered.format(**names, v=sql.Placeholder(), p=sql.Literal(place)), [value])
    assert not is_found(full), "all was put back"
    assert unseen == {(name, column) for name, column in EXCEPTED if name == table}


@pytest.mark.parametrize("table", sorted(Base.metadata.tables.keys() - {"unfinished_set"}))
def test_removed_rows_are_found(full: Register, owner: Any, table: str) -> None:
    owner.execute(f"CREATE TABLE kept AS SELECT * FROM {table}".encode())  # noqa: S608
    owner.execute(f"DELETE FROM {table}".encode())  # noqa: S608
    found = is_found(full)
    owner.execute(f"INSERT INTO {table} SELECT * FROM kept".encode())  # noqa: S608
    owner.execute(b"DROP TABLE kept")
    assert found
    assert not is_found(full)


@pytest.mark.parametrize("table", sorted([*OF_BATCH, *BY_BLOCK]))
def test_a_row_of_a_batch_that_was_put_in_is_found(full: Register, owner: Any, table: str) -> None:
    """One more than there is, of a batch that there is; or a batch more."""
    columns = Base.metadata.tables[table].columns
    key = [each.name for each in Base.metadata.tables[table].primary_key.columns][-1]
    kind = owner.execute(f"SELECT pg_typeof({key})::text FROM {table} LIMIT 1".encode()).fetchone()[0]  # noqa: S608
    other = f"'{OBJECTION}'" if key == "batch_id" else OTHER[kind].format(key)
    values = ", ".join(other if each.name == key else each.name for each in columns)
    named = ", ".join(each.name for each in columns)
    put = f"INSERT INTO {table} ({named}) SELECT {values} FROM {table} LIMIT 1 RETURNING ctid"  # noqa: S608
    (place,) = owner.execute(put.encode()).fetchone()
    found = is_found(full)
    owner.execute(f"DELETE FROM {table} WHERE ctid = '{place}'::tid".encode())  # noqa: S608
    assert found
    assert not is_found(full)


@pytest.mark.parametrize("table", sorted(BY_ROW))
def test_rows_that_were_put_in_are_found(full: Register, owner: Any, table: str) -> None:
    key = Base.metadata.tables[table].primary_key.columns[0].name
    other = f"{key} + 1000000" if key == "id" else "'other'"
    kept = [each.name for each in Base.metadata.tables[table].columns if each.name != key]
    named, values = ", ".join(kept), ", ".join(f"{each} + 9" if each == "days" else each for each in kept)
    owner.execute(f"INSERT INTO {table} ({key}, {named}) SELECT {other}, {values} FROM {table}".encode())  # noqa: S608
    found = is_found(full)
    gone = "id > 1000000" if key == "id" else f"{key} = 'other'"
    owner.execute(f"DELETE FROM {table} WHERE {gone}".encode())  # noqa: S608
    assert found
    assert not is_found(full)
