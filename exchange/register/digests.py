"""What the register's tables hold, as digests: the ledger is told them with each line.

Rules
- Of a batch, one digest for each table that holds rows of it, over all columns of all these rows. Rows that belong to
  no batch, and those that grow without end, have a digest each.
- A row is its columns by name, without those that are empty, so that a later version's new column, empty in old rows,
  changes nothing. Times are UTC: the connection says so (``database.py``).
- The queue's rows of a batch are told by blocks (``review_blocks.py``), whose digests are a table of these.
- A table that is told nowhere is named below with the reason; a test holds all tables against these lists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from exchange.register.review_blocks import AS_TEXT, DIGEST, Blocks, altered, lock, named

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
"""The same of the table whose rows of a batch are told by blocks."""

CHANGED: Final = (
    "review_block", "release", "clock_proposal", "clock_stop", "extension_proposal", "legal_hold", "guard_hold",
)  # fmt: skip
"""Those of ``OF_BATCH`` whose rows are changed once they were written (``docker/grants.sql``); ``batch`` aside."""

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

NOT_TOLD: Final[Mapping[str, str]] = {
    "ledger": "is the ledger: its lines are chained and signed",
    "ledger_head": "is compared with the ledger's last line whenever one is added",
    "unfinished_set": "what a look into a folder saw, forgotten at the next look; nothing rests on it but a notice",
}
"""Table → why no line speaks of it."""

_READ_AS: Final[Mapping[str, str]] = {
    "told": "(SELECT batch_id, generation, key, sha256(hashes) AS hashes, sha256(rows) AS rows FROM told)",
}
"""Table → what is read in its place: bytes that are too large to be written out go in as their digest."""


def of_batches(session: Session, batch_ids: Collection[str], blocks: Blocks = frozenset()) -> dict[str, dict[str, str]]:
    """Batch → table → SHA-256 over its rows, in hex; tables without rows of a batch are left out. ``review`` is there
    where one of these blocks of a batch's rows in the queue is not what its digest says.
    """
    by_batch: dict[str, dict[str, str]] = {batch_id: {} for batch_id in batch_ids}
    if blocks is None:
        told = session.execute(_WITH_QUEUE, named(batch_ids, None))
    elif blocks:
        told = session.execute(_WITH_BLOCKS, named(batch_ids, blocks))
    else:
        told = session.execute(_OF_BATCHES, named(batch_ids, None))
    for table, batch_id, digest in told:
        by_batch[batch_id][table] = digest
    return by_batch


def of_queue(session: Session, batch_id: str) -> str | None:
    """SHA-256 over all rows of the queue, as lines of earlier versions tell them; None where there are none."""
    query = text(_of_batch("review", "batch_id"))
    return next((digest for _, _, digest in session.execute(query, {"batches": [batch_id]})), None)


def hold(session: Session, batch_id: str, blocks: Blocks = None) -> None:
    """Nobody changes a row of the batch from here until the transaction ends, of the queue a row of these blocks. That
    none is added the batch's own lock sees to, to which the rows' foreign keys lead; what may be removed (a sighting, a
    withholding) lets nothing leave.
    """
    session.execute(_HOLD if blocks is None else _HOLD_BLOCKS, named([batch_id], blocks))


def of_rows(session: Session, table: str, keys: Collection[str] | None = None) -> Iterator[tuple[str, str]]:
    """(``table/key``, SHA-256) of these rows of a table of ``BY_ROW``, or of all."""
    wanted = {"keys": list(keys)} if keys is not None else {}
    for key, digest in session.execute(text(_of_rows(table, every=keys is None)), wanted):
        yield f"{table}/{key}", digest


def primary_key(row: Any) -> str:
    """What a row of a table of ``BY_ROW`` is called."""
    return "/".join(str(getattr(row, column.name)) for column in row.__table__.primary_key.columns)


def _of_batch(table: str, column: str) -> str:
    """The names are those of the lists above, not somebody's."""
    return f"""
        SELECT '{table}', batch_id, {DIGEST}
        FROM (SELECT {column} AS batch_id, {AS_TEXT} AS r FROM {table} t WHERE {column} = ANY(:batches)) AS rows
        GROUP BY batch_id"""  # noqa: S608


def _of_rows(table: str, *, every: bool) -> str:
    name = BY_ROW[table]
    wanted = "= ANY(CAST(:keys AS bigint[]))" if name == "id" else "= ANY(:keys)"
    where = "" if every else f"WHERE {name} {wanted}"
    source = _READ_AS.get(table, table)
    return f"SELECT {name}, encode(sha256(convert_to({AS_TEXT}, 'UTF8')), 'hex') FROM {source} t {where}"  # noqa: S608


def _held(blocks: Blocks) -> TextClause:
    own = [f"SELECT FROM {table} WHERE {OF_BATCH[table]} = ANY(:batches) FOR NO KEY UPDATE" for table in CHANGED]
    return text("SELECT " + ", ".join(f"(SELECT count(*) FROM ({rows}) AS rows)" for rows in [*own, lock(blocks)]))  # noqa: S608


_ANY_BLOCKS: Final[Blocks] = frozenset([0])
_TABLES: Final = [_of_batch(*each) for each in OF_BATCH.items()]
_OF_BATCHES: Final = text("\nUNION ALL".join(_TABLES))
_WITH_QUEUE: Final = text("\nUNION ALL".join([*_TABLES, altered(None)]))
_WITH_BLOCKS: Final = text("\nUNION ALL".join([*_TABLES, altered(_ANY_BLOCKS)]))
_HOLD: Final = _held(None)
_HOLD_BLOCKS: Final = _held(_ANY_BLOCKS)
