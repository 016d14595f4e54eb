"""Whether the register's schema is still as its migrations made it: plain tables, with nothing put in their way.

Rules
- The database itself computes the digests. A view or a row policy that shows other rows to whoever digests than to
  whoever reads, or a function or operator that stands in for the database's own, would let altered rows pass. So would
  a column default: the verb's own line would state its value. The tables' owner could make each of these; none is part
  of the register. Foreign keys are: those that lead to a batch let it get no rows while it is locked (``attest.py``).
- Asked wherever the ledger is compared with what left the house, and when all is verified. Every name in the question
  is the database's own (``pg_catalog``), so that it is not answered by one of those.
- A table that is not there is no matter of this: an update may not be finished; nothing is read of it.
- Further plain tables, and what an extension of the server's administrator brought, are the administrators' own affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, String, bindparam, literal_column, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from exchange.base.errors import Halt
from exchange.register.models import Base, LedgerRow

_GUARD: Final = "ledger_is_only_added_to"
"""The register's one trigger, and its function."""

_GUARDS: Final = " BEGIN RAISE EXCEPTION 'the ledger is only added to'; END "
_WHEN: Final = 2 + 8 + 16 + 32
"""Before a statement that removes, changes, or empties: ``pg_trigger.tgtype``."""

_DEFAULTS: Final = (
    "batch.clock_stands false",
    "batch.receipts_sent 1",
    "ledger_head.subtrees ''::character varying",
    "release.settled '{}'::character varying",
    "snapshot_use.later false",
)
"""The column defaults that migrations made."""

_NOT_BROUGHT: Final = """NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid JOIN pg_catalog.pg_roles o ON o.oid = e.extowner
    WHERE d.objid = {0}.oid AND d.classid = {0}.tableoid AND d.deptype = 'e' AND o.rolsuper)"""
"""By an extension of the server's own administrator: who owns another can make anything a part of it."""

_TYPES: Final[Mapping[str, TypeEngine[Any]]] = {
    "tables": postgresql.ARRAY(String),
    "keys": postgresql.ARRAY(Integer),
    "defaults": postgresql.ARRAY(String),
}
"""Of those of the question's parameters whose values do not say it."""

_PUBLIC: Final = "CAST('public' AS pg_catalog.regnamespace)"
_LEDGER: Final = "CAST('public.ledger' AS pg_catalog.regclass)"
_OUR_OWN: Final = f"""
SELECT pg_catalog.concat('table ', wanted) FROM
ROWS FROM (pg_catalog.unnest(CAST(:tables AS text[])), pg_catalog.unnest(CAST(:keys AS integer[])))
    AS made (wanted, keys)
JOIN pg_catalog.pg_class c ON c.relname = wanted AND c.relnamespace = {_PUBLIC}
WHERE c.relkind <> 'r' OR c.relrowsecurity OR c.relpersistence <> 'p'
    OR (SELECT pg_catalog.count(*) FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.convalidated
        AND (k.contype = 'p' OR k.confrelid = CAST('public.batch' AS pg_catalog.regclass))) < keys + 1
    OR EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid OR i.inhrelid = c.oid)
    OR EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid)
    OR EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
        AND (wanted <> :ledger OR t.tgname <> :guard))
UNION ALL
SELECT pg_catalog.concat('column ', c.relname, '.', a.attname) FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE c.relnamespace = {_PUBLIC} AND c.relname = ANY(CAST(:tables AS text[]))
    AND (t.typnamespace <> CAST('pg_catalog' AS pg_catalog.regnamespace) OR a.attcollation <> t.typcollation
        OR a.attgenerated <> '' OR a.atthasdef AND NOT EXISTS (SELECT FROM pg_catalog.pg_attrdef d
            WHERE d.adrelid = c.oid AND d.adnum = a.attnum AND pg_catalog.concat(c.relname, '.', a.attname, ' ',
                pg_catalog.pg_get_expr(d.adbin, d.adrelid)) = ANY(CAST(:defaults AS text[]))))
UNION ALL
SELECT 'table ledger' WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = {_LEDGER}
    AND t.tgname = :guard AND t.tgenabled = 'O' AND t.tgtype = :moments AND t.tgqual IS NULL AND p.prosrc = :guards)
UNION ALL
SELECT pg_catalog.concat('function ', p.proname) FROM pg_catalog.pg_proc p
WHERE p.pronamespace = {_PUBLIC} AND {_NOT_BROUGHT.format("p")}
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgfoid = p.oid AND t.tgrelid = {_LEDGER})
UNION ALL
SELECT pg_catalog.concat('operator ', p.oprname) FROM pg_catalog.pg_operator p
WHERE p.oprnamespace = {_PUBLIC} AND {_NOT_BROUGHT.format("p")}
UNION ALL
SELECT 'a cast' FROM pg_catalog.pg_cast c WHERE c.oid >= 16384 AND {_NOT_BROUGHT.format("c")}
"""  # noqa: S608
"""Names the first thing that is not as it was made; objects from 16384 on are not the database's own."""


def check_as_made(session: Session) -> None:
    """Halt with the first thing that no migration made."""
    check_found(session.scalar(select(other())))


def check_found(what: str | None) -> None:
    """Halt where the answer to :func:`other` names something."""
    if what is not None:
        msg = f"the register's database was altered past its migrations: {what}; a person must look"
        raise Halt(msg, zh=f"登记数据库的结构被改动（{what}），请告知系统管理员")


@cache
def other() -> ColumnElement[str | None]:
    """The question for the first such thing, which may be asked beside others, of one moment with them; once all tables
    are declared. What was made is written into it: it is the same each time.
    """
    asked = text(_OUR_OWN).bindparams(*[bindparam(name, made, _TYPES.get(name)) for name, made in _expected().items()])
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    written = asked.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return literal_column(f"(SELECT what FROM ({written}) AS other (what) LIMIT 1)", String)  # noqa: S608


def _expected() -> dict[str, object]:
    """Each table, and how many foreign keys it has."""
    made = {name: len(table.foreign_key_constraints) for name, table in Base.metadata.tables.items()}
    guard = {"ledger": LedgerRow.__tablename__, "guard": _GUARD, "guards": _GUARDS, "moments": _WHEN}
    return {"tables": [*made], "keys": [*made.values()], "defaults": [*_DEFAULTS], **guard}
