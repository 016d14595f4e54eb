"""Whether the register's tables are still tables, as its migrations made them.

Rules
- What the tables hold is digested by the database itself: a view or a policy that tells another thing to whoever
  digests than to whoever reads, or a function or operator that is taken in place of the database's own, would show what
  was told and have something else believed. Their owner could make each of these; none is part of the register. The
  foreign keys are: by them a batch that is locked gets no rows (``attest.py``).
- Asked wherever the ledger is compared with what left the house, and when all is verified. Every name in the question
  is the database's own (``pg_catalog``), so that it is not answered by one of those.
- A table that is not there is no matter of this: an update may not be finished; nothing is read of it.
- Further plain tables, and what an extension brought, are the administrators' own affair.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.register.models import Base, LedgerRow

_GUARD: Final = "ledger_is_only_added_to"
"""The register's one trigger, and its function."""

_NOT_BROUGHT: Final = "NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = {0}.oid AND d.deptype = 'e')"
_OUR_OWN: Final = f"""
SELECT pg_catalog.concat('table ', wanted) FROM
ROWS FROM (pg_catalog.unnest(CAST(:tables AS text[])), pg_catalog.unnest(CAST(:keys AS integer[])))
    AS made (wanted, keys)
JOIN pg_catalog.pg_class c ON c.relname = wanted AND c.relnamespace = CAST('public' AS regnamespace)
WHERE c.relkind <> 'r' OR c.relrowsecurity
    OR (SELECT pg_catalog.count(*) FROM pg_catalog.pg_constraint k
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.convalidated) < keys
    OR EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid OR i.inhrelid = c.oid)
    OR EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid)
    OR EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
        AND (wanted <> :ledger OR t.tgname <> :guard))
UNION ALL
SELECT 'table ledger' WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = CAST('public.ledger' AS regclass) AND t.tgname = :guard
    AND t.tgenabled = 'O')
UNION ALL
SELECT pg_catalog.concat('function ', p.proname) FROM pg_catalog.pg_proc p
WHERE p.pronamespace = CAST('public' AS regnamespace) AND p.proname <> :guard AND {_NOT_BROUGHT.format("p")}
UNION ALL
SELECT pg_catalog.concat('operator ', o.oprname) FROM pg_catalog.pg_operator o
WHERE o.oprnamespace = CAST('public' AS regnamespace) AND {_NOT_BROUGHT.format("o")}
UNION ALL
SELECT 'a cast' FROM pg_catalog.pg_cast c WHERE c.oid >= 16384 AND {_NOT_BROUGHT.format("c")}
"""  # noqa: S608
"""Names what is not as it was made; 16384 is the first number of what is not the database's own."""


def check_as_made(session: Session) -> None:
    """Halt with the first thing that no migration made."""
    if (what := session.scalar(text(_OUR_OWN), _made())) is not None:
        msg = f"the register's database was altered past its migrations: {what}; a person must look"
        raise Halt(msg, zh=f"登记数据库的结构被改动（{what}），请告知系统管理员")


@cache
def _made() -> dict[str, object]:
    """Each table, and how many foreign keys it has; once all of them are declared."""
    made = {name: len(table.foreign_key_constraints) for name, table in Base.metadata.tables.items()}
    return {"tables": [*made], "keys": [*made.values()], "ledger": LedgerRow.__tablename__, "guard": _GUARD}
