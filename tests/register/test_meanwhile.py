"""What is altered for a moment and put back is told by no line, and nothing is worked out from it.

Between the moment in which a batch is held against the ledger and the line that is then written nobody alters it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.calendar.working_days import Due
from exchange.demo.servers.postgres import WORK
from exchange.demo.servers.processes import wait_for
from exchange.register import FileRecord, Register, ReviewFilter, Role
from exchange.register.attest import attest_added, one_moment
from exchange.register.conformance import ConformanceRow
from exchange.register.database import transaction
from exchange.register.digests import BY_BLOCK, CHANGED, OF_BATCH
from exchange.register.leaving import attested, attested_at_once
from exchange.register.ledger import append_note, touched
from exchange.register.lines import get_batch
from exchange.register.models import Base
from exchange.register.standing import standing_of
from exchange.register.tests_of import test_batches as batches_of_tests
from exchange.wire.manifest import RequestManifest

from .conftest import AT, Database
from .test_verify import BATCH, OBJECTION, full

__all__ = ["full"]

_MAY_CHANGE = (
    "SELECT table_name, column_name FROM information_schema.column_privileges"
    " WHERE grantee = %s AND privilege_type = 'UPDATE' AND table_name = ANY (%s) ORDER BY 1, 2"
)
_COPY = "INSERT INTO {0} SELECT (r).* FROM (SELECT jsonb_populate_record({0}, '{1}') r FROM {0} LIMIT 1) AS x"
ADDED = {
    "release": _COPY.format("release", '{"number": 9}'),
    "review": _COPY.format("review", '{"row": 9}'),
    "file": _COPY.format("file", '{"role": "result-9"}'),
}


@pytest.fixture
def intruder(migrated: Database) -> Any:
    """The working role, which does not wait long."""
    connection = migrated.server.connected(WORK, "exchange")
    connection.execute("SET lock_timeout = '100ms'")
    yield connection
    connection.close()


def test_a_batch_that_is_locked_is_not_read_again(full: Register) -> None:
    """However often it is asked for, and whoever holds it: nobody else changes it."""
    asked: list[str] = []
    with Session(full.engine) as session, session.begin():
        get_batch(session, BATCH, for_update=True)
        event.listen(full.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
        assert get_batch(session, BATCH).id == get_batch(session, BATCH, for_update=True).id == BATCH
    assert asked == []


def test_all_that_the_working_role_may_change_of_a_batch_is_held_from_then_on(full: Register, intruder: Any) -> None:
    may_change = intruder.execute(_MAY_CHANGE, [WORK, [*OF_BATCH, *BY_BLOCK]]).fetchall()
    assert {table for table, _ in may_change} == {"batch", *CHANGED, *BY_BLOCK}
    with Session(full.engine) as session, session.begin():
        for batch in (BATCH, OBJECTION):  # which have a row of each table between them
            get_batch(session, batch, for_update=True)
        for table, column in may_change:
            with pytest.raises(psycopg.errors.LockNotAvailable):
                intruder.execute(f"UPDATE {table} SET {column} = {column}".encode())  # noqa: S608


@pytest.mark.parametrize("table", ADDED)
def test_no_row_of_the_batch_is_added_from_then_on(full: Register, intruder: Any, table: str) -> None:
    with Session(full.engine) as session, session.begin():
        get_batch(session, BATCH, for_update=True)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            intruder.execute(ADDED[table].encode())


@pytest.mark.parametrize(
    ("role", "altered"), [(WORK, "UPDATE release SET reason = 'another'"), ("postgres", "DELETE FROM release")]
)
def test_what_is_altered_while_it_is_waited_for_is_seen(
    full: Register, migrated: Database, role: str, altered: str
) -> None:
    """Whoever holds a row before the verb does, and lets go of it altered while the verb waits for it."""
    with migrated.server.connected(role, "exchange") as intruder:
        (was,) = intruder.execute("SELECT to_jsonb(r)::text FROM release r").fetchone() or ()
        try:
            with ThreadPoolExecutor(1) as verb, intruder.transaction():
                intruder.execute(altered.encode())
                told = verb.submit(full.snapshots.pin, BATCH, {}, later=True)
                assert wait_for(lambda: _waits(migrated), 60)
            with pytest.raises(Halt, match="release was altered"):
                told.result()
        finally:
            migrated.tamper("DELETE FROM release")
            migrated.tamper("INSERT INTO release SELECT * FROM jsonb_populate_record(NULL::release, %s::jsonb)", was)
    full.attested(BATCH)


def _waits(database: Database) -> bool:
    with database.server.connected("postgres", "exchange") as looking:
        waiting = looking.execute("SELECT FROM pg_locks WHERE NOT granted")
        return waiting.fetchone() is not None


@pytest.mark.parametrize("batch", [BATCH, OBJECTION])
def test_what_is_sent_is_the_same_read_at_once_or_one_after_another(full: Register, batch: str) -> None:
    with one_moment(full.engine) as session:
        at_length = attested(session, batch)
        at_once = attested_at_once(session, batch)
    assert at_once == (at_length if batch == OBJECTION else None), "one has releases and a hold"
    assert full.attested(batch) == at_length


def test_rows_of_every_table_lead_to_their_batch_by_a_foreign_key() -> None:
    tables = Base.metadata.tables
    of_batch = {*OF_BATCH, *BY_BLOCK}
    leads = {name for name in of_batch for key in tables[name].foreign_keys if key.column is tables["batch"].c.id}
    assert leads == of_batch


READ: dict[str, Callable[[Register], object]] = {
    "decisions": lambda register: register.reviews.decided(BATCH),
    "the queue": lambda register: register.reviews.find(ReviewFilter(batch=BATCH)),
    "rows of a release": lambda register: register.reviews.among(BATCH, [2, 3]),
    "rows drawn": lambda register: register.reviews.rows_with(BATCH, "spot_check"),
    "who decided": lambda register: register.reviews.deciders(BATCH),
    "releases": lambda register: register.releases.of(BATCH),
    "snapshots": lambda register: register.snapshots.of(BATCH),
    "the batch": lambda register: register.attested(BATCH),
}
"""What is worked out from a batch's tables."""


@pytest.mark.parametrize("what", READ)
@pytest.mark.parametrize("altered", ["UPDATE batch SET letter = %s", "UPDATE release SET reason = %s"])
def test_what_is_worked_out_is_read_of_tables_that_are_as_told(
    full: Register, migrated: Database, what: str, altered: str
) -> None:
    column, table = altered.split()[3], altered.split()[1]
    with migrated.server.connected("postgres", "exchange") as connection:
        was = connection.execute(f"SELECT {column} FROM {table}".encode()).fetchone()  # noqa: S608
    READ[what](full)
    migrated.tamper(altered, "another")
    try:
        with pytest.raises(Halt, match="is not what the ledger says"):
            READ[what](full)
    finally:
        migrated.tamper(altered, *was or ())
    READ[what](full)


def test_a_batch_that_nobody_knows_is_said_to_be_unknown(register: Register) -> None:
    with pytest.raises(Halt, match="none is not in the register"):
        register.reviews.find(ReviewFilter(batch="bank.none"))


def test_a_status_file_says_what_the_ledger_was_told(
    register: Register, database: Database, manifest: RequestManifest, due: Due, result_files: list[FileRecord]
) -> None:
    files = [FileRecord(role, role, "a" * 64, 1) for role in (Role.MANIFEST, Role.SIGNATURE)]
    register.claim(BATCH, "bank", "a" * 64, files, AT)
    register.accept(BATCH, manifest, due)
    register.prepared(BATCH, {}, result_files)
    register.delivered(BATCH)
    standing = standing_of(register.engine, "bank", AT, 9)
    assert [each.batch.id for each in standing.batches] == [each.batch for each in standing.uncollected] == [BATCH]
    register.closed(BATCH)
    past = register.batch(BATCH).received_at + timedelta(days=1)
    assert not standing_of(register.engine, "bank", past, 9).batches, "it ended long ago, but its result waits"
    database.tamper("UPDATE batch SET rows_in = 99")
    for since in (AT, past):
        with pytest.raises(Halt, match="is not what the ledger says"):
            standing_of(register.engine, "bank", since, 9)


def test_a_certificate_of_conformance_rests_on_test_batches_as_told(register: Register, database: Database) -> None:
    files = [FileRecord(role, role, "a" * 64, 1) for role in (Role.MANIFEST, Role.SIGNATURE)]
    register.claim("bank.t1", "bank", "a" * 64, files, AT, stage="test")
    assert [each.batch.id for each in batches_of_tests(register.engine, "bank")] == ["bank.t1"]
    database.tamper("UPDATE batch SET state = 'closed'")
    with pytest.raises(Halt, match="is not what the ledger says"):
        batches_of_tests(register.engine, "bank")


def test_who_may_be_live_is_what_the_ledger_was_told(register: Register, intruder: Any) -> None:
    register.conformance.exempt("bank", "tried elsewhere", AT)
    newest = register.conformance.newest("bank")
    assert newest is not None
    assert newest.reason == "tried elsewhere"
    intruder.execute("INSERT INTO conformance VALUES ('bank', 2, 'certificate', %s, 'x', NULL, repeat('e', 64))", [AT])
    with pytest.raises(Halt, match="conformance/bank/2 is not what the ledger says"):
        register.conformance.newest("bank")


def test_an_exemption_of_before_lines_were_signed_counts(register: Register, intruder: Any) -> None:
    """The line in which signing began told it, later than it was written."""
    register.conformance.exempt("bank", "tried elsewhere", AT - timedelta(days=400))
    row = ConformanceRow(partner="bank", number=1)
    with transaction(register.engine) as session:
        append_note(session, AT, "tests", {"signing": "begins"})
        touched(session, row)
    with one_moment(register.engine) as session:
        attest_added(session, session.get_one(ConformanceRow, ("bank", 1)), AT - timedelta(days=200))


@pytest.mark.parametrize("after", range(3))
def test_what_another_night_does_while_it_is_looked_at_is_no_forgery(
    register: Register, database: Database, after: int
) -> None:
    """It removes one of the files between two questions of this one, and has that told."""
    other = database.open("another night")
    register.retention.intend_exports([("population/2026-11-01", "x")], "30 days", AT)
    register.retention.intend_nameless({"d" * 64: True}, "30 days", AT)
    try:
        for intended in (register.retention.intended_exports, register.retention.intended):
            ((number, *_),) = intended()

            asked = count()

            def done_meanwhile(
                *_: object, asked: Iterator[int] = asked, number: int = number, after: int = after
            ) -> None:
                if next(asked) == after:
                    other.retention.export_destroyed(number, AT)

            event.listen(register.engine, "after_cursor_execute", done_meanwhile)
            assert [each for each, *_ in intended()] == [number], "as it was when it was asked"
            event.remove(register.engine, "after_cursor_execute", done_meanwhile)
            assert intended() == []
    finally:
        other.close()
