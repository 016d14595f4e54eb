"""Rows of the register's tables, altered with the rights that a role really has, and put back by the superuser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import psycopg

from exchange.demo.servers.postgres import WORK
from exchange.register.digests import NOT_STATED, OF_BATCH
from exchange.register.models import Base
from tests.campaign.office import Office

TABLES: Final = sorted(Base.metadata.tables)
_UNSEEN: Final = frozenset(NOT_STATED) - {"ledger", "ledger_head"}
_STATES: Final = ["claimed", "accepted", "sealed", "delivered", "closed", "refused", "approved", "open", "decided"]
_CHANGED: Final = {
    "text": "coalesce({c}, '') || 'x'",
    "character varying": "coalesce({c}, '') || 'x'",
    "bigint": "coalesce({c}, 0) + 1",
    "integer": "coalesce({c}, 0) + 1",
    "boolean": "NOT coalesce({c}, false)",
    "timestamp with time zone": "coalesce({c}, now()) + interval '1 day'",
    "date": "coalesce({c}, current_date) + 1",
    "bytea": "'\\x00'::bytea",
    "ARRAY": "CASE WHEN {c} = '{{}}' THEN NULL ELSE '{{}}' END",
}
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Forgery:
    """``row``: as it was, None where it was added; ``key``: what it is called now; ``column``: the one that changed."""

    words: str
    table: str
    key: dict[str, Any]
    row: str | None
    column: str | None
    of_batch: str | None

    @property
    def told(self) -> bool:
        """Whether the ledger is told of this table."""
        return self.table not in _UNSEEN


def forged(office: Office, superuser: Connection) -> Forgery | None:
    """One change by one role to one row, all drawn; None where the database refused it."""
    user = office.chance.choice([WORK, WORK, "exchange"])  # who owns the tables may alter each, the ledger too
    table = office.chance.choice([name for name in TABLES if _rows(superuser, name)])
    columns = dict(_columns(superuser, table))
    keys = [column.name for column in Base.metadata.tables[table].primary_key.columns]
    row, key = _row(office, superuser, table, keys)
    batch = superuser.execute(f"SELECT (%s::jsonb)->>'{OF_BATCH.get(table, 'batch_id')}'".encode(), [row]).fetchone()
    of_batch = batch[0] if batch and table in OF_BATCH else None
    what, column = office.chance.choice(["alter", "alter", "alter", "add", "remove"]), office.chance.choice([*columns])
    with office.connected(user) as connection:
        if user == "exchange":
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        try:
            if what == "remove":
                connection.execute(f"DELETE FROM {table} WHERE {_where(keys)}".encode(), key)  # noqa: S608
                return Forgery(f"{user}: {table} row removed", table, key, row, None, of_batch)
            if what == "add":
                new = _added(connection, table, keys, columns, row)
                return Forgery(f"{user}: {table} row added", table, new, None, None, of_batch) if new else None
            return _altered(office, connection, (table, keys, columns, column), (row, key, of_batch), user)
        except psycopg.Error:
            return None
        finally:
            if user == "exchange":
                connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())


def _altered(
    office: Office,
    connection: Connection,
    where: tuple[str, list[str], dict[str, str], str],
    what: tuple[str, dict[str, Any], str | None],
    user: str,
) -> Forgery | None:
    (table, keys, columns, column), (row, key, of_batch) = where, what
    change = _CHANGED[columns[column]].format(c=column)
    if "state" in column:
        change = f"'{office.chance.choice(_STATES)}'"
    names = ", ".join(keys)
    statement = (
        f"UPDATE {table} SET {column} = {change} WHERE {_where(keys)} RETURNING {names}, to_jsonb({table})::text"  # noqa: S608
    )
    found = connection.execute(statement.encode(), key).fetchone()
    if found is None or connection.execute("SELECT %s::jsonb = %s::jsonb", [found[-1], row]).fetchone() == (True,):
        return None
    now = dict(zip(keys, found, strict=False))
    return Forgery(f"{user}: {table}.{column} altered", table, now, row, column, of_batch)


def _added(
    connection: Connection, table: str, keys: list[str], columns: dict[str, str], row: str
) -> dict[str, Any] | None:
    """A copy of the row under another key."""
    last = keys[-1]
    change = _CHANGED[columns[last]].format(c=f"r.{last}")
    listed = ", ".join(change if name == last else f"r.{name}" for name in columns)
    statement = (
        f"INSERT INTO {table} ({', '.join(columns)}) OVERRIDING SYSTEM VALUE "  # noqa: S608
        f"SELECT {listed} FROM jsonb_populate_record(NULL::{table}, %s) r RETURNING {', '.join(keys)}"
    )
    found = connection.execute(statement.encode(), [row]).fetchone()
    return None if found is None else dict(zip(keys, found, strict=True))


def undone(superuser: Connection, forgery: Forgery) -> None:
    """The row as it was before; what the software wrote meanwhile into other columns stays."""
    superuser.execute("SET session_replication_role = replica")
    table, where = forgery.table, _where([*forgery.key])
    if forgery.row is None:
        superuser.execute(f"DELETE FROM {table} WHERE {where}".encode(), forgery.key)  # noqa: S608
    elif forgery.column is None:
        names = ", ".join(name for name, _ in _columns(superuser, table))
        statement = (
            f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE "  # noqa: S608
            f"SELECT {names} FROM jsonb_populate_record(NULL::{table}, %s)"
        )
        superuser.execute(statement.encode(), [forgery.row])
    else:
        was = f"(jsonb_populate_record(NULL::{table}, %(was)s)).{forgery.column}"
        statement = f"UPDATE {table} SET {forgery.column} = {was} WHERE {where}"  # noqa: S608
        superuser.execute(statement.encode(), forgery.key | {"was": forgery.row})
    superuser.execute("SET session_replication_role = origin")


def kept_rows(superuser: Connection, name: str) -> None:
    """Copies all tables, as a backup would; for this connection's life, so that the owner can go on dumping."""
    for table in TABLES:
        superuser.execute(f"CREATE TEMPORARY TABLE {name}_{table} AS TABLE public.{table}".encode())


def put_back(superuser: Connection, name: str) -> None:
    """All tables as they were when they were kept."""
    superuser.execute("SET session_replication_role = replica")
    with superuser.transaction():
        for table in TABLES:
            superuser.execute(f"DELETE FROM public.{table}".encode())  # noqa: S608
            kept = f"INSERT INTO public.{table} OVERRIDING SYSTEM VALUE SELECT * FROM pg_temp.{name}_{table}"  # noqa: S608
            superuser.execute(kept.encode())
    superuser.execute("SET session_replication_role = origin")


def _rows(superuser: Connection, table: str) -> bool:
    return superuser.execute(f"SELECT FROM {table} LIMIT 1".encode()).fetchone() is not None


def _row(office: Office, superuser: Connection, table: str, keys: list[str]) -> tuple[str, dict[str, Any]]:
    """A row, more often than not one of the newest; as JSON, and its key."""
    names = ", ".join(keys)
    everything = f"SELECT to_jsonb(t)::text, {names} FROM {table} t ORDER BY ctid DESC LIMIT 50"  # noqa: S608
    rows = superuser.execute(everything.encode()).fetchall()
    row = office.chance.choice(rows[: office.chance.choice([1, 3, len(rows)])])
    return row[0], dict(zip(keys, row[1:], strict=True))


def _columns(superuser: Connection, table: str) -> list[tuple[str, str]]:
    asked = (
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position"
    )
    return superuser.execute(asked, [table]).fetchall()


def _where(keys: list[str]) -> str:
    return " AND ".join(f"{name} = %({name})s" for name in keys)
