"""Between the moment in which a batch is held against the ledger and the line that is then written nobody alters it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from sqlalchemy.orm import Session

from exchange.demo.servers.postgres import WORK
from exchange.register import Register
from exchange.register.digests import CHANGED, OF_BATCH
from exchange.register.lines import get_batch
from exchange.register.models import Base

from .conftest import Database
from .test_verify import BATCH, full

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


def test_all_that_the_working_role_may_change_of_a_batch_is_held_from_then_on(full: Register, intruder: Any) -> None:
    may_change = intruder.execute(_MAY_CHANGE, [WORK, list(OF_BATCH)]).fetchall()
    assert {table for table, _ in may_change} == {"batch", *CHANGED}
    with Session(full.engine) as session, session.begin():
        get_batch(session, BATCH, for_update=True)
        for table, column in may_change:
            with pytest.raises(psycopg.errors.LockNotAvailable):
                intruder.execute(f"UPDATE {table} SET {column} = {column}".encode())  # noqa: S608


@pytest.mark.parametrize("table", ADDED)
def test_no_row_of_the_batch_is_added_from_then_on(full: Register, intruder: Any, table: str) -> None:
    with Session(full.engine) as session, session.begin():
        get_batch(session, BATCH, for_update=True)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            intruder.execute(ADDED[table].encode())


def test_rows_of_every_table_lead_to_their_batch_by_a_foreign_key() -> None:
    tables = Base.metadata.tables
    leads = {name for name in OF_BATCH for key in tables[name].foreign_keys if key.column is tables["batch"].c.id}
    assert leads == OF_BATCH.keys()
