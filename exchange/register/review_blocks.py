"""A batch's rows in the queue in blocks, so that reading or changing one row digests its block, and not all rows.

Rules
- A block is the rows of ``BLOCK`` successive numbers. ``review_block`` holds a digest for each block that has rows, and
  every ledger line about the batch states that table (``digests.py``): a row is attested where its block has the digest
  that stands there.
- A block is digested anew only where a verb changed rows of it, in the transaction that attested it before: what was
  altered in another block stays detectable, whoever writes.
- Lines of earlier versions state one digest of all rows of the queue; from the batch's next line on, its blocks.

``rows`` are numbers of rows of a batch, from 1; None stands for all of them, as it does of blocks.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from exchange.base.errors import Halt

BLOCK: Final = 2000
"""Where every row waits, a block is digested in some 10 ms; a million rows have 500 blocks, read in less."""

Blocks = frozenset[int] | None

AS_TEXT: Final = "jsonb_strip_nulls(to_jsonb(t))::text"
"""A row ``t`` of a table, as it is digested."""
DIGEST: Final = """encode(sha256(convert_to(string_agg(r, E'\\n' ORDER BY r COLLATE "C"), 'UTF8')), 'hex')"""
"""SHA-256 of rows ``r`` in hex, whatever their order."""

_CHANGED: Final = "review_blocks.changed"
_NEW: Final = "review_blocks.new"
_OF_BATCHES: Final = "batch_id = ANY(:batches)"
_OF_BLOCKS: Final = "block = ANY(:blocks)"
_ALL: Final = f"review t WHERE t.{_OF_BATCHES}"
_SOME: Final = f"""unnest(CAST(:blocks AS integer[])) AS b (block) CROSS JOIN LATERAL (
    SELECT * FROM review t WHERE t.batch_id = ANY(:batches)
        AND t.row >= b.block * {BLOCK} AND t.row < (b.block + 1) * {BLOCK} OFFSET 0) AS t"""  # noqa: S608
"""OFFSET 0: each block is found by the index. Of rows that have just come PostgreSQL has no statistics: it thinks that
they are few, and would hold each beside every block.
"""


def of_rows(rows: Collection[int] | None) -> Blocks:
    """The blocks in which these rows are."""
    return None if rows is None else frozenset(row // BLOCK for row in rows)


def covers(known: Blocks, wanted: Blocks) -> bool:
    """Whether all wanted blocks are among those that are known."""
    return known is None or (wanted is not None and wanted <= known)


def joined(one: Blocks, other: Blocks) -> Blocks:
    """All blocks that are in either; None, for all, where one is."""
    return None if one is None or other is None else one | other


def changed(session: Session, batch_id: str, rows: Collection[int] | None) -> None:
    """Notes that this transaction writes these rows of the queue, so that its line states their blocks."""
    blocks: dict[str, Blocks] = session.info.setdefault(_CHANGED, {})
    blocks[batch_id] = joined(blocks.get(batch_id, frozenset()), of_rows(rows))


def state_all_blocks(session: Session, batch_id: str) -> None:
    """Notes that the batch's last line was an earlier version's, so that a line of this transaction states all
    blocks.
    """
    session.info.setdefault(_NEW, set()).add(batch_id)


def forget(session: Session, batches: Collection[str]) -> dict[str, Blocks]:
    """The blocks to be digested anew of these batches, about which this transaction writes lines; Halt where rows of
    another were changed.
    """
    blocks: dict[str, Blocks] = session.info.pop(_CHANGED, {})
    new: set[str] = session.info.pop(_NEW, set())
    if untold := blocks.keys() - set(batches):
        msg = f"{min(untold)}: rows of the queue were changed without a line in the ledger"
        raise Halt(msg, zh=f"{min(untold)} 的核实行有改动而流水未记，请告知系统管理员")
    return blocks | dict.fromkeys(new.intersection(batches))


def digest_anew(session: Session, batch_id: str, blocks: Blocks, known: Blocks) -> None:
    """Writes the digests of these blocks. ``known``: the blocks that this transaction has attested; Halt where one was
    changed that is not among them.
    """
    if not covers(known, blocks):
        msg = f"{batch_id}: rows of the queue were changed that were not held against the ledger"
        raise Halt(msg, zh=f"{batch_id} 的核实行改动前未与流水核对，请告知系统管理员")
    session.execute(_WRITE_ALL if blocks is None else _WRITE_SOME, named([batch_id], blocks))


def _held(rows: str) -> str:
    return f"""
        SELECT batch_id, number / {BLOCK} AS block, {DIGEST} AS digest
        FROM (SELECT t.batch_id, t.row AS number, {AS_TEXT} AS r FROM {rows}) AS rows
        GROUP BY 1, 2"""  # noqa: S608


def altered(blocks: Blocks) -> str:
    """A query that names ``review`` for each batch that has a block which is not what its digest says; where only some
    blocks are asked about, those of its parameter.
    """
    compared = _compared(_ALL, _OF_BATCHES) if blocks is None else _compared(_SOME, f"{_OF_BATCHES} AND {_OF_BLOCKS}")
    return f"SELECT DISTINCT 'review', batch_id, 'altered' FROM {compared}"  # noqa: S608


def altered_of_line() -> str:
    """As :func:`altered`, of all blocks of the batch of a ledger line that is read beside it."""
    of_line = "batch_id = ledger.batch_id"
    compared = _compared(f"review t WHERE t.{of_line}", of_line)
    return f"SELECT DISTINCT 'review' AS name, 'altered' AS digest FROM {compared}"  # noqa: S608


def _compared(rows: str, told: str) -> str:
    return f"""({_held(rows)}) AS held FULL JOIN (SELECT * FROM review_block WHERE {told}) AS told
        USING (batch_id, block) WHERE held.digest IS DISTINCT FROM told.digest"""  # noqa: S608


def lock() -> str:
    """A query that locks the rows of some blocks."""
    return f"SELECT FROM {_SOME} FOR NO KEY UPDATE OF t"


def named(batch_ids: Collection[str], blocks: Blocks) -> dict[str, list[str] | list[int]]:
    """The parameters of a query about these."""
    return {"batches": list(batch_ids)} | ({} if blocks is None else {"blocks": sorted(blocks)})


def _write(rows: str) -> str:
    return f"""
        INSERT INTO review_block (batch_id, block, digest) {_held(rows)}
        ON CONFLICT (batch_id, block) DO UPDATE SET digest = excluded.digest"""


_WRITE_ALL: Final = text(_write(_ALL))
_WRITE_SOME: Final = text(_write(_SOME))
