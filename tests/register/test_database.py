from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg.errors import _sqlcodes as sqlcodes
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from exchange.base.errors import Halt, Retryable
from exchange.register import Claim, Register, ledger, open_register
from exchange.register.database import _MIGRATING as MIGRATING
from exchange.register.database import Timeouts, held, open_engine, probe, transaction
from exchange.register.models import TABLES, Base

AT = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)


def test_migrating_again_changes_nothing(register: Register, database: Any) -> None:
    register.claim("bank.b1", "bank", "a" * 64, [], AT)
    register.migrate()  # there is nothing to do, so that the daily role may, too
    owner = database.open_as_owner()
    owner.migrate()
    owner.close()
    assert register.waiting() == ["bank.b1"]


def test_migrations_and_models_agree(register: Register) -> None:
    with register.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        inspector = inspect(connection)
        named = {table: inspector.get_pk_constraint(table)["name"] for table in Base.metadata.tables}
    assert named == {table: f"pk_{table}" for table in Base.metadata.tables}


def test_the_models_are_of_the_last_migration(register: Register) -> None:
    assert probe(register.engine).head == TABLES


@pytest.mark.parametrize("version", ["0013", "0999"])
@pytest.mark.parametrize("lines", [0, 1], ids=["the first line", "a line more"])
def test_a_program_of_another_version_writes_nothing(
    register: Register, database: Any, version: str, lines: int
) -> None:
    """Two versions side by side in an update: one of them waits; which, the tables say."""
    set_version = "UPDATE alembic_version SET version_num = %s"
    for number in range(lines):
        register.claim(f"bank.b{number}", "bank", "a" * 64, [], AT)
    database.statement(set_version, values=(version,))
    try:
        with pytest.raises(Retryable, match=f"tables are of {version}, this program is of {TABLES}"):
            register.claim("bank.more", "bank", "a" * 64, [], AT)
        assert len(register.waiting()) == lines, "it may look"
    finally:
        database.statement(set_version, values=(TABLES,))
    register.claim("bank.more", "bank", "a" * 64, [], AT)
    register.verify()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "EUC_CN"])
def test_a_database_that_cannot_hold_all_names_gets_no_tables(database: Any, encoding: str) -> None:
    """``createdb`` by hand takes the server's own encoding: the first letter's number would be a fault, or, a year
    later, the first rare character of a handler's name.
    """
    name, server = f"of_{encoding.lower()}", database.server
    with server.connected("postgres", "postgres") as superuser:
        superuser.execute(f"CREATE DATABASE {name} OWNER exchange ENCODING '{encoding}' TEMPLATE template0".encode())
    register = open_register(server.url("exchange").removesuffix("exchange") + name, "owner", server.password_file)
    try:
        with pytest.raises(Halt, match=encoding) as caught:
            register.migrate()
        assert "UTF8" in caught.value.zh
        assert (probe(register.engine).revision, probe(register.engine).encoding) == (None, encoding)
    finally:
        register.close()
        with server.connected("postgres", "postgres") as superuser:
            superuser.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_whatever_isolation_a_role_was_given_who_writes_at_once_waits_for_the_other(database: Any, level: str) -> None:
    """Seven of ten who claim at once were turned away, to try again."""
    database.statement(f"ALTER ROLE exchange_work SET default_transaction_isolation = '{level}'")
    register = database.open()
    try:
        with ThreadPoolExecutor(4) as claiming:
            names = [f"bank.b{number}" for number in range(24)]
            claims = [*claiming.map(lambda name: register.claim(name, "bank", "a" * 64, [], AT), names)]
        assert {*claims} == {Claim.NEW}
    finally:
        register.close()
        database.statement("ALTER ROLE exchange_work RESET default_transaction_isolation")


def test_two_may_migrate_at_once(database: Any) -> None:
    database.statement("DROP OWNED BY exchange")
    database.statement("GRANT ALL ON SCHEMA public TO exchange")
    registers, ready = [database.open_as_owner() for _ in range(4)], Barrier(4)

    def migrate(register: Register) -> None:
        ready.wait(30)
        register.migrate()

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(migrate, registers))
    assert registers[0].waiting() == []
    for register in registers:
        register.close()
    database.server.grant()


def test_a_connection_killed_inside_a_transaction_is_retryable_and_leaves_nothing(
    register: Register, database: Any
) -> None:
    def killed_halfway() -> None:
        with transaction(register.engine) as session:
            session.execute(text("INSERT INTO ledger_head VALUES (true, 7, '')"))
            pid = session.scalar(select(func.pg_backend_pid()))
            database.statement("SELECT pg_terminate_backend(%s, 10000)", values=[pid])
            session.execute(text("SELECT 1"))

    with pytest.raises(Retryable, match="cannot be reached"):
        killed_halfway()
    assert register.verify()[0] == 0
    assert register.claim("bank.b1", "bank", "a" * 64, [], AT) is Claim.NEW


def test_a_connection_killed_in_the_pool_is_replaced_unnoticed(register: Register, database: Any) -> None:
    with transaction(register.engine) as session:
        pid = session.scalar(select(func.pg_backend_pid()))
    database.statement("SELECT pg_terminate_backend(%s, 10000)", values=[pid])
    assert register.waiting() == []


def test_a_database_that_is_away_is_retryable_until_it_is_back(register: Register, migrated: Any) -> None:
    register.claim("bank.b1", "bank", "a" * 64, [], AT)
    migrated.server.stop()
    try:
        for call in (register.waiting, register.migrate, register.verify):
            with pytest.raises(Retryable, match="cannot be reached"):
                call()
    finally:
        migrated.server.start()
    assert register.waiting() == ["bank.b1"]


def test_a_database_full_of_connections_is_retryable(database: Any) -> None:
    database.statement("ALTER ROLE exchange_work CONNECTION LIMIT 0")
    register = database.open()
    try:
        with pytest.raises(Retryable, match="cannot be reached"):
            register.waiting()
    finally:
        database.statement("ALTER ROLE exchange_work CONNECTION LIMIT -1")
        register.close()


def test_nobody_answers_in_time(database: Any) -> None:
    register = open_register("postgresql+psycopg://exchange@127.0.0.1:1/exchange", "tests")
    with pytest.raises(Retryable, match="cannot be reached"):
        register.waiting()


def test_our_own_faults_are_raised_as_they_are_and_quote_no_values(register: Register) -> None:
    with pytest.raises(IntegrityError) as caught, transaction(register.engine) as session:
        session.execute(
            text("INSERT INTO file VALUES (:b, 'data', :name, 'x', 1, now())"), {"b": "bank.no", "name": "张三"}
        )
    assert "张三" not in str(caught.value)


# ── every wait has a limit ───────────────────────────────────────────────────────────────────────────────

SHORT = Timeouts(connect=2, lock=0.3, statement=0.8, idle=1.5, silence=2, answer=1.2)


@pytest.fixture
def hurried(database: Any) -> Iterator[Register]:
    """A register that waits for a second at most."""
    engine = open_engine(database.server.work_url(), database.server.password_file, database.key, SHORT)
    yield Register(engine, "hurried")
    engine.dispose()


def test_one_who_stopped_with_the_ledgers_lock_is_named_and_does_not_stop_others_for_ever(
    register: Register, hurried: Register
) -> None:
    with Session(hurried.engine) as stopped:
        pid = stopped.scalar(select(func.pg_backend_pid()))
        ledger.lock(stopped)
        with pytest.raises(Retryable, match=rf"a lock was not free in time; process {pid} \(exchange_work, exchange\)"):
            hurried.claim("bank.b1", "bank", "a" * 64, [], AT)
        assert register.claim("bank.b1", "bank", "a" * 64, [], AT) is Claim.NEW, "the server ended who stood still"
        stopped.invalidate()


BACKUP = "exchange_backup"


@pytest.fixture
def backup(database: Any) -> Iterator[str]:
    """The password of the role that makes backups."""
    database.statement(
        f"CREATE ROLE {BACKUP} LOGIN PASSWORD 'backup'",
        f"GRANT pg_read_all_data TO {BACKUP}",
        f"GRANT CONNECT ON DATABASE exchange TO {BACKUP}",
    )
    yield "backup"
    database.statement(f"DROP OWNED BY {BACKUP}", f"DROP ROLE {BACKUP}")


def waits_for_the_ledger(register: Register) -> object:
    return register.claim("bank.b1", "bank", "a" * 64, [], AT)


def waits_for_a_name(register: Register) -> object:
    with held(register.engine, 7, "a", 1, 60):
        return None


def connected(register: Register, password_file: Path, role: str, password: str) -> psycopg.Connection[Any]:
    address, more = register.engine.url, {"passfile": str(password_file)}
    if role == BACKUP:
        more = {"password": password}
    return psycopg.connect(
        host=address.host,
        port=address.port,
        user=role,
        dbname="exchange",
        autocommit=True,
        **more,  # type: ignore[arg-type]
    )


def test_whoever_makes_backups_alters_nothing(hurried: Register, database: Any, backup: str) -> None:
    tables = sorted(Base.metadata.tables)
    each = ["DELETE FROM {0}", "TRUNCATE {0} CASCADE", "INSERT INTO {0} SELECT * FROM {0}"]
    forged = [words.format(table) for table in tables for words in [*each, "DO $$ BEGIN LOCK TABLE {0}; END $$"]]
    forged += [
        f"UPDATE {table} SET {column.name} = NULL"  # noqa: S608
        for table in tables
        for column in Base.metadata.tables[table].columns
    ]
    forged += [
        "CREATE TABLE kept ()", "CREATE TEMPORARY TABLE kept ()", "CREATE SCHEMA kept", "SET ROLE exchange",
        "CREATE FUNCTION bad() RETURNS integer LANGUAGE sql AS 'SELECT 1'", "SET session_replication_role = replica",
        "SELECT nextval('alert_id_seq')", "ALTER TABLE ledger DISABLE TRIGGER ALL",
    ]  # fmt: skip
    with connected(hurried, database.server.password_file, BACKUP, backup) as connection:
        for statement in forged:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
        connection.execute(b"SELECT FROM ledger")


WAITING: dict[str, tuple[str, Any]] = {
    "the ledger": (f"{ledger._LOCK}", waits_for_the_ledger),
    "the migrations": (f"{MIGRATING}", lambda register: register.migrate()),
    "a name": ("7, hashtext('a')", waits_for_a_name),
}
"""What is waited for → the numbers of its lock, and who waits."""


@pytest.mark.parametrize("what", WAITING)
@pytest.mark.parametrize("begun", ["", "BEGIN"], ids=["in no transaction", "in a transaction"])
@pytest.mark.parametrize("role", [BACKUP, "exchange_work", "exchange", "postgres"])
def test_whoever_holds_a_lock_for_ever_is_named(
    hurried: Register, database: Any, backup: str, role: str, begun: str, what: str
) -> None:
    lock, wait = WAITING[what]
    with connected(hurried, database.server.password_file, role, backup) as holding:
        if begun:
            holding.execute(begun.encode())
        holding.execute(f"SELECT pg_advisory_lock({lock})".encode())
        with pytest.raises(Retryable, match=rf"; process {holding.info.backend_pid} \({role}, "):
            wait(hurried)
    wait(hurried)


def test_a_server_that_stopped_with_its_connection_open_is_retryable(hurried: Register) -> None:
    stopped: list[int] = []

    def asked() -> None:
        with transaction(hurried.engine) as session:
            stopped.append(session.scalar(select(func.pg_backend_pid())) or 0)
            os.kill(stopped[0], signal.SIGSTOP)
            session.execute(text("SELECT 1"))

    try:
        with pytest.raises(Retryable, match="cannot be reached"):
            asked()
        assert hurried.waiting() == []
    finally:
        os.kill(stopped[0], signal.SIGCONT)


def test_a_statement_that_takes_too_long_is_retryable(hurried: Register) -> None:
    with pytest.raises(Retryable, match="took too long"), transaction(hurried.engine) as session:
        session.execute(text("SELECT pg_sleep(30)"))


def test_a_transaction_that_stands_still_is_ended(hurried: Register) -> None:
    def stood_still() -> None:
        with transaction(hurried.engine) as session:
            session.execute(text("SELECT 1"))
            time.sleep(SHORT.idle + 0.3)
            session.execute(text("SELECT 1"))

    with pytest.raises(Retryable, match=r"stood still|cannot be reached"):
        stood_still()


def test_a_name_is_held_for_as_long_as_its_block_may_take_and_no_longer(hurried: Register, register: Register) -> None:
    """What is sent meanwhile may take many minutes, in which the database is asked nothing."""
    with held(hurried.engine, 7, "a", 1, longest=60):
        time.sleep(SHORT.idle + 0.3)
        with pytest.raises(Retryable, match="still sending"):
            waits_for_a_name(register)
    waits_for_a_name(register)

    def held_too_long() -> None:
        with held(hurried.engine, 7, "a", 1, longest=SHORT.idle / 3):
            time.sleep(SHORT.idle)
            waits_for_a_name(register)

    with pytest.raises(Retryable, match=r"stood still|cannot be reached"):
        held_too_long()


@pytest.mark.parametrize(
    ("state", "kind", "words"),
    [
        ("53100", Retryable, "disk is full"), ("53200", Retryable, "out of memory"), ("53400", Retryable, "short of"),
        ("40001", Retryable, "was faster"), ("40P01", Retryable, "in the way"), ("57014", Retryable, "too long"),
        ("57P01", Retryable, "cannot be reached"), ("08006", Retryable, "cannot be reached"),
        ("25006", Retryable, "read-only"), ("58030", Retryable, "machine is in trouble"),
        ("55P03", Retryable, "a lock"), ("42501", Halt, "grants.sql"), ("42P01", Halt, "migrate"),
        ("XX001", Halt, "corrupted"),
    ],
)  # fmt: skip
def test_the_sqlstate_decides(register: Register, state: str, kind: type[Exception], words: str) -> None:
    raised = f"DO $$ BEGIN RAISE EXCEPTION '张三' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(kind, match=words) as caught, transaction(register.engine) as session:
        session.execute(text(raised))
    assert "张三" not in str(caught.value)
    assert register.waiting() == []


PASSING = re.compile(r"08|40|53|55P03|57|58|25006|25P03|25P04")
FOR_A_PERSON = re.compile(r"28|3D000|42501|42P01|42703|XX")
"""What SQLSTATEs begin with: PostgreSQL's manual, appendix A."""


def test_each_sqlstate_is_for_a_retry_or_for_a_person_or_a_fault_of_our_own(register: Register) -> None:
    for state in sorted(code for code in sqlcodes if len(code) == 5 and not code.startswith(("00", "01", "02"))):
        told = Retryable if PASSING.match(state) else Halt if FOR_A_PERSON.match(state) else DBAPIError
        raised = f"DO $$ BEGIN RAISE EXCEPTION '张三' USING ERRCODE = '{state}'; END $$"
        with pytest.raises(told) as caught, transaction(register.engine) as session:
            session.execute(text(raised))
        assert told is DBAPIError or "张三" not in str(caught.value)


def test_a_read_only_database_is_retryable(database: Any) -> None:
    database.statement("ALTER ROLE exchange_work SET default_transaction_read_only = on")
    register = database.open()
    try:
        with pytest.raises(Retryable, match="read-only"):
            register.claim("bank.b1", "bank", "a" * 64, [], AT)
    finally:
        database.statement("ALTER ROLE exchange_work RESET default_transaction_read_only")
        register.close()
