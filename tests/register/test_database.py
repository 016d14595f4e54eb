from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import IntegrityError

from exchange.base.errors import Retryable
from exchange.register import Claim, Register, open_register
from exchange.register.database import transaction
from exchange.register.models import Base

AT = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)


def test_migrating_again_changes_nothing(register: Register) -> None:
    register.claim("bank.b1", "bank", "a" * 64, [], AT)
    register.migrate()
    assert register.waiting() == ["bank.b1"]


def test_migrations_and_models_agree(register: Register) -> None:
    with register.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        inspector = inspect(connection)
        named = {table: inspector.get_pk_constraint(table)["name"] for table in Base.metadata.tables}
    assert named == {table: f"pk_{table}" for table in Base.metadata.tables}


def test_two_may_migrate_at_once(database: Any) -> None:
    database.statement("DROP OWNED BY exchange")
    database.statement("GRANT ALL ON SCHEMA public TO exchange")
    registers, ready = [database.open() for _ in range(4)], Barrier(4)

    def migrate(register: Register) -> None:
        ready.wait(30)
        register.migrate()

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(migrate, registers))
    assert registers[0].waiting() == []
    for register in registers:
        register.close()


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
    database.statement("ALTER ROLE exchange CONNECTION LIMIT 0")
    register = database.open()
    try:
        with pytest.raises(Retryable, match="cannot be reached"):
            register.waiting()
    finally:
        database.statement("ALTER ROLE exchange CONNECTION LIMIT -1")
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
