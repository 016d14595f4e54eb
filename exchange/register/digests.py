"""Digests of what the register's tables hold; each line of the ledger states them.

Rules
- Of a batch, one digest for each table that holds rows of it, over all columns of all these rows. Rows that belong to
  no batch, and those that grow without end, have a digest each.
- A row is its columns by name, without those that are empty, so that a later version's new column, empty in old rows,
  changes nothing. Times are UTC: the connection says so (``database.py``).
- A batch's rows in the queue are digested in blocks (``review_blocks.py``), whose digests are one of these tables.
- A table that no line states is named below with the reason; a test holds all tables against these lists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import JSON, ColumnElement, Integer, Select, TextClause, bindparam, literal_column, select, text
from sqlalchemy.orm import Session

from exchange.register import review_blocks
from exchange.register.models import LedgerRow
from exchange.register.review_blocks import AS_TEXT, DIGEST, Blocks

OF_BATCH: Final[Mapping[str, str]] = {
    "batch": "id",
    "file": "batch_id",
    "snapshot_use": "batch_id",
    "answer_count": "batch_id",
    "review_block": "batch_id",
    "release": "batch_id",
    "clock_proposal": "batch_id",
    "clock_stop": "batch_id",
    "extension_proposal": "batch_id",
    "pickup": "batch_id",
    "sighting": "batch_id",
    "legal_hold": "batch_id",
    "told_withheld": "batch_id",
    "guard_hold": "batch_id",
}
"""Table → the column that names the batch."""

BY_BLOCK: Final[Mapping[str, str]] = {"review": "batch_id"}
"""Table → the column that names the batch, of the table whose rows of a batch are digested in blocks."""

CHANGED: Final = (
    "review_block", "release", "clock_proposal", "clock_stop", "extension_proposal", "legal_hold", "guard_hold",
)  # fmt: skip
"""The tables of ``OF_BATCH`` whose rows are changed once they were written (``docker/grants.sql``); without
``batch``.
"""

BY_ROW: Final[Mapping[str, str]] = {
    "alert": "id",
    "destruction": "id",
    "told": "batch_id",
    "told_use": "id",
    "guard_evidence": "batch_id",
    "configuration": "name",
    "conformance": "concat_ws('/', partner, number)",
    "missing_set": "concat_ws('/', partner, cycle, period, purpose)",
}
"""Table → what a row is called. Tables of batches whose rows are large stand here, too: they are read where they were
written, and not with each line about their batch.
"""

NOT_STATED: Final[Mapping[str, str]] = {
    "ledger": "is the ledger: its lines are chained and signed",
    "ledger_head": "is compared with the ledger's last line whenever one is added",
    "asked_lately": "an index of what told and guard_evidence hold, which lines state; verify makes it anew",
    "uncollected": "an index of what file, release and pickup hold, which lines state; verify makes it anew",
    "unfinished_set": "what a look into a folder saw, forgotten at the next look; nothing rests on it but a notice",
}
"""Table → why no line speaks of it."""

_READ_AS: Final[Mapping[str, str]] = {
    "told": "(SELECT batch_id, generation, key, sha256(hashes) AS hashes, sha256(rows) AS rows FROM told)",
}
"""Table → what is read in its place: bytes that are too large to be written out go in as their digest."""

_OF_ROW: Final = f"encode(sha256(convert_to({AS_TEXT}, 'UTF8')), 'hex')"


def of_batches(session: Session, batch_ids: Collection[str], *, queue: bool = False) -> dict[str, dict[str, str]]:
    """Batch → table → SHA-256 over its rows, in hex; tables without rows of a batch are left out. ``queue``: with
    ``review`` where a block of a batch's rows in the queue is not what its digest says.
    """
    by_batch: dict[str, dict[str, str]] = {batch_id: {} for batch_id in batch_ids}
    for table, batch_id, digest in session.execute(_digest_query((), queue=queue), {"batches": list(batch_ids)}):
        by_batch[batch_id][table] = digest
    return by_batch


def before_lines(
    session: Session, batch_ids: Collection[str], keys: Mapping[str, Collection[str]], lock: int
) -> tuple[Mapping[str, Mapping[str, str]], Mapping[str, str]]:
    """The digests that the lines at the end of a transaction state, in one query: of these batches as
    :func:`of_batches` gives them, and of these rows (table → keys) as :func:`of_rows`. It takes the advisory lock of
    this number; the rows must be this transaction's own, or locked by it.
    """
    by_batch: dict[str, dict[str, str]] = {batch_id: {} for batch_id in batch_ids}
    by_row: dict[str, str] = {}
    wanted = {f"{table}_keys": list(of_table) for table, of_table in keys.items()}
    asked = _digest_query(tuple(keys), lock=True)
    for table, name, digest in session.execute(asked, {"batches": list(batch_ids), "lock": lock, **wanted}):
        if table in OF_BATCH:
            by_batch[name][table] = digest
        elif table in BY_ROW:
            by_row[f"{table}/{name}"] = digest
    return by_batch, by_row


def of_queue(session: Session, batch_id: str) -> str | None:
    """SHA-256 over all of a batch's rows in the queue, as earlier versions stated it; None where there are none."""
    query = text(_of_batch("review", "batch_id"))
    return next((digest for _, _, digest in session.execute(query, {"batches": [batch_id]})), None)


def last_line(
    session: Session, batch_id: str, blocks: Blocks = None, *, hold: bool = False
) -> tuple[LedgerRow | None, dict[str, str]]:
    """The batch's last line in the ledger, and the digests of its tables at the same moment, as :func:`of_batches`
    gives them; of the queue these blocks alone. ``hold``: locks the batch's rows, of the queue those of these blocks,
    until the transaction ends. That no row is added is seen to by the lock on the batch itself, to which foreign keys
    lead; what may be removed (a sighting, a withholding) lets nothing leave.
    """
    whole = blocks is None
    if hold and blocks:
        session.execute(_LOCK_BLOCKS, review_blocks.named([batch_id], blocks))
    last = session.execute(_LAST_HELD[whole] if hold else _LAST[whole], {"batch": batch_id}).one_or_none()
    if last is not None and hold and not _CHANGED.isdisjoint(last[1] or ()):
        # The rows were read before they were waited for: whoever had one locked may have changed it.
        last = session.execute(_LAST[whole], {"batch": batch_id}).one()
    line, held = (None, {}) if last is None else (last[0], dict(last[1] or {}))
    if blocks:
        held |= {
            table: digest for table, _, digest in session.execute(_ALTERED, review_blocks.named([batch_id], blocks))
        }
    return line, held


def of_rows(session: Session, table: str, keys: Collection[str] | None = None) -> Iterator[tuple[str, str]]:
    """(``table/key``, SHA-256) of these rows of a table of ``BY_ROW``, or of all."""
    wanted = {"keys": list(keys)} if keys is not None else {}
    for _, key, digest in session.execute(text(_of_rows(table, None if keys is None else "keys")), wanted):
        yield f"{table}/{key}", digest


def primary_key(row: Any) -> str:
    """The key of a row of a table of ``BY_ROW``, as ledger lines name it."""
    return "/".join(str(getattr(row, column.name)) for column in row.__table__.primary_key.columns)


def _of_batch(table: str, column: str) -> str:
    """A query for the digests of a table by batch. Table and column come from the lists above, never from outside."""
    rows = f"SELECT {column} AS batch_id, {AS_TEXT} AS r FROM {table} t WHERE {column} = ANY(:batches)"  # noqa: S608
    return f"SELECT '{table}', batch_id, {DIGEST} FROM ({rows}) AS rows GROUP BY batch_id"  # noqa: S608


def _of_line(table: str, column: str) -> str:
    """A query for a table's digest of the batch of a ledger line, to be used beside that line."""
    rows = f"SELECT {AS_TEXT} AS r FROM {table} t WHERE {column} = ledger.batch_id"  # noqa: S608
    return f"SELECT '{table}' AS name, {DIGEST} AS digest FROM ({rows}) AS rows HAVING count(*) > 0"  # noqa: S608


def _of_rows(table: str, keys: str | None) -> str:
    """A query for the digests of a table's rows. ``keys``: the parameter that holds the keys of those wanted; None:
    all.
    """
    name, source = BY_ROW[table], _READ_AS.get(table, table)
    wanted = f"= ANY(CAST(:{keys} AS bigint[]))" if name == "id" else f"= ANY(:{keys})"
    where = "" if keys is None else f" WHERE {name} {wanted}"
    return f"SELECT '{table}', {name}::text, {_OF_ROW} FROM {source} t{where}"  # noqa: S608


@cache
def _digest_query(tables: tuple[str, ...], *, lock: bool = False, queue: bool = False) -> TextClause:
    parts = [_of_batch(*entry) for entry in OF_BATCH.items()]
    parts += [review_blocks.altered(None)] if queue else []
    parts += [_of_rows(table, f"{table}_keys") for table in tables]
    parts += ["SELECT '', '', pg_advisory_xact_lock(:lock)::text"] if lock else []
    return text("\nUNION ALL ".join(parts))


def _held(table: str, column: str) -> str:
    rows = f"SELECT FROM {table} WHERE {column} = ledger.batch_id FOR NO KEY UPDATE"
    return f"(SELECT count(*) FROM ({rows}) AS rows)"  # noqa: S608


def _beside(*more: str) -> ColumnElement[dict[str, str] | None]:
    tables = "\nUNION ALL ".join([*(_of_line(*entry) for entry in OF_BATCH.items()), *more])
    return literal_column(f"(SELECT json_object_agg(name, digest) FROM ({tables}) AS tables)", JSON)  # noqa: S608


BESIDE: Final = _beside(review_blocks.altered_of_line())
"""Table → SHA-256 of the batch of a line of the ledger, asked beside that line; None where no table holds anything."""

_LAST_SEQ: Final = select(LedgerRow.seq).where(LedgerRow.batch_id == bindparam("batch")).order_by(LedgerRow.seq.desc())
LAST: Final = LedgerRow.seq == _LAST_SEQ.limit(1).scalar_subquery()
"""The condition that a line is the last one of ``batch``."""


def _last(held: str) -> dict[bool, Select[LedgerRow, dict[str, str] | None, int]]:
    """The queries for a batch's last line with its tables' digests: True → with the whole queue, False → without it."""
    of_all, of_none = (select(LedgerRow, beside).where(LAST) for beside in (BESIDE, _beside()))
    whole = f"{held} + {_held('review', 'batch_id')}" if held != "0" else held
    return {
        True: of_all.add_columns(literal_column(whole, Integer)),
        False: of_none.add_columns(literal_column(held, Integer)),
    }


_CHANGED: Final = frozenset([*CHANGED, *BY_BLOCK])
_LAST: Final = _last("0")
_LAST_HELD: Final = _last(" + ".join(_held(table, OF_BATCH[table]) for table in CHANGED))
_LOCK_BLOCKS: Final = text(review_blocks.lock())
_ALTERED: Final = text(review_blocks.altered(frozenset([0])))
