"""The ledger under the register: one signed line for each step, chained by hashes, only ever added to.

Rules
- A line's hash covers its fields, the digests of what the tables then held (``digests.py``), and the hash of the line
  before. Lines are numbered without gaps, ordered by a lock; the database itself refuses to change or remove one.
- Each line is signed (``signing.py``) and put only behind a signed one. Lines of earlier versions have no signature;
  they hold up to the first signed line, which ``exchange register sign`` writes.
- Lines are written when their transaction ends, all at once, so that the lock that orders the writers is held for as
  long as a commit takes. A line about a batch is written only where the batch was attested in the same transaction
  (``attest.py``): what was altered past the ledger is never signed.
- A program whose version is not that of the database's tables writes no line: during an update the old and the new
  program never both go on, even where somebody forgot to stop the old one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import TableClause, column, func, select, text, true
from sqlalchemy.orm import Session

from exchange.base.errors import Halt, Retryable
from exchange.register import digests, review_blocks
from exchange.register.merkle import Tree
from exchange.register.models import TABLES, LedgerHeadRow, LedgerRow
from exchange.register.review_blocks import Blocks
from exchange.register.signing import Checkpoint, LedgerKey

BEGINNING: Final = "0" * 64
NOTED: Final = "noted"
"""The state that stands in lines that are about no batch."""

_LOCK: Final = 0x4C454447  # "LEDG": orders the writers until the transaction ends
_PENDING: Final = "ledger.pending"
_TOUCHED: Final = "ledger.touched"
_ATTESTED: Final = "ledger.attested"


@dataclass(frozen=True)
class Pending:
    """A line that the end of the transaction writes."""

    batch_id: str | None
    steps: tuple[str | None, str]
    at: datetime
    actor: str
    facts: str


def append(
    session: Session,
    batch_id: str | None,
    steps: tuple[str | None, str],
    at: datetime,
    actor: str,
    facts: Mapping[str, Any],
) -> None:
    """Adds a line for a step (from state, to state) at the end of the transaction; ``facts`` are codes and counts."""
    session.info.setdefault(_PENDING, []).append(pending(batch_id, steps, at, actor, facts))


def pending(
    batch_id: str | None, steps: tuple[str | None, str], at: datetime, actor: str, facts: Mapping[str, Any]
) -> Pending:
    """A line with its facts as they are written."""
    return Pending(batch_id, steps, at, actor, json.dumps(as_written(facts), ensure_ascii=False, sort_keys=True))


def append_note(session: Session, at: datetime, actor: str, facts: Mapping[str, Any]) -> None:
    """Adds a line that concerns no batch."""
    append(session, None, (None, NOTED), at, actor, facts)


def touched(session: Session, *rows: Any) -> None:
    """Marks rows of tables of ``digests.BY_ROW`` as written in this transaction: its last line states their digests."""
    session.info.setdefault(_TOUCHED, []).extend(rows)


def attested(session: Session) -> dict[str, Blocks]:
    """The batches whose tables this transaction has found to be what the ledger says, or has made itself, each with the
    blocks of the queue of which that holds.
    """
    batches: dict[str, Blocks] = session.info.setdefault(_ATTESTED, {})
    return batches


def write(session: Session) -> None:
    """Writes the transaction's lines; Halt where the ledger does not end with a signed line."""
    lines: list[Pending] = session.info.pop(_PENDING, [])
    rows: list[Any] = session.info.pop(_TOUCHED, [])
    queued = review_blocks.forget(session, {line.batch_id for line in lines if line.batch_id is not None})
    session.flush()
    if not lines:
        if rows:
            msg = "rows of the register were changed without a line in the ledger"
            raise Halt(msg, zh="登记有改动而流水未记，请告知系统管理员")
        return
    for batch_id, blocks in queued.items():
        review_blocks.digest_anew(session, batch_id, blocks, attested(session).get(batch_id, frozenset()))
    of_lines = _lock_and_digest(session, lines, rows)
    write_behind(session, *_end(session, key_of(session)), lines, of_lines)


def lock(session: Session) -> None:
    """From here on nobody else adds lines until the transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def write_behind(
    session: Session, previous: str, tree: Tree, lines: Sequence[Pending], of_lines: Sequence[Mapping[str, str]]
) -> str:
    """Signs and writes lines after those of ``tree``, whose last hash is ``previous``; returns the new last hash.
    ``of_lines``: the digests of each line.
    """
    key, rows = key_of(session), []
    for pending, held in zip(lines, of_lines, strict=True):
        line = LedgerRow(
            seq=tree.size + 1,
            batch_id=pending.batch_id,
            from_state=pending.steps[0],
            to_state=pending.steps[1],
            at=pending.at,
            actor=pending.actor,
            facts=pending.facts,
            digests=json.dumps(held, sort_keys=True),
            previous_hash=previous,
        )
        line.hash = previous = hash_of(line)
        tree.add(line.hash)
        line.root = base64.b64encode(tree.root()).decode()
        line.signature = key.sign(checkpoint_of(line))
        rows.append({name: getattr(line, name) for name in _COLUMNS})
    head = {"seq": tree.size, "hash": previous, "subtrees": tree.written}
    session.execute(_WRITE, {"lines": json.dumps(rows, default=datetime.isoformat), **head})
    return previous


def last_line(session: Session) -> LedgerRow | None:
    """The ledger's last line; a batch's: ``digests.py``."""
    return session.scalars(LAST).first()


def is_signed(line: LedgerRow, key: LedgerKey) -> bool:
    """Whether the office signed this line as it stands."""
    return line.hash == hash_of(line) and key.is_signed(checkpoint_of(line), line.signature)


def checkpoint_of(line: LedgerRow) -> Checkpoint:
    """The checkpoint of the ledger up to a signed line."""
    return Checkpoint(line.seq, line.root or "", line.hash)


def as_written(facts: Mapping[str, Any]) -> dict[str, str]:
    """Facts as the ledger stores them; empty ones are left out."""
    return {name: str(value) for name, value in facts.items() if value is not None}


def hash_of(line: LedgerRow) -> str:
    """The SHA-256 (hex) of a line as it is hashed."""
    return sha256(as_hashed(line)).hexdigest()


def as_hashed(line: LedgerRow) -> bytes:
    """A line's fields and the hash of the line before, in one canonical form."""
    fields = [
        line.seq,
        line.batch_id,
        line.from_state,
        line.to_state,
        line.at.astimezone(UTC).isoformat(timespec="microseconds"),
        line.actor,
        line.facts,
        line.previous_hash,
    ]
    if line.digests is not None:  # lines of earlier versions have none, and keep their hash
        fields.append(line.digests)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def key_of(session: Session) -> LedgerKey:
    """The key that was given to ``open_engine``; Halt where none was."""
    key = session.get_bind().get_execution_options().get("ledger_key")
    if not isinstance(key, LedgerKey):
        msg = "the register was opened without the key that signs its ledger"
        raise Halt(msg, zh="登记簿打开时没有给出签名密钥，请告知系统管理员")
    return key


def _lock_and_digest(session: Session, lines: Sequence[Pending], rows: Sequence[Any]) -> list[dict[str, str]]:
    """The digests that each line states: of all tables of its batch, and in the last line those of single rows, too.
    From here on no other transaction adds lines (:func:`lock`). Halt where a batch was changed without being attested.
    """
    batches = sorted({line.batch_id for line in lines if line.batch_id is not None})
    if past := [batch_id for batch_id in batches if batch_id not in attested(session)]:
        msg = f"{past[0]} was not held against the ledger before it was changed"
        raise Halt(msg, zh=f"{past[0]} 改动前未与流水核对，请告知系统管理员")
    keys: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: row.__tablename__):
        keys.setdefault(row.__tablename__, []).append(digests.primary_key(row))
    held, of_rows = digests.before_lines(session, batches, keys, _LOCK)
    of_lines = [dict(held.get(line.batch_id or "", {})) for line in lines]
    of_lines[-1].update(of_rows)
    return of_lines


def _end(session: Session, key: LedgerKey) -> tuple[str, Tree]:
    """The last line's hash and the tree up to it, both held against that line's signature."""
    tables, last, head = _tables_last_and_head(session)
    if tables != TABLES:
        msg = f"the register's tables are of {tables}, this program is of {TABLES}: an update is not finished"
        raise Retryable(msg, zh="登记簿的表与本程序版本不符：升级尚未完成")
    if last is None:
        head = session.get(LedgerHeadRow, True, populate_existing=True)
        if head is not None and head.seq:
            msg = "the ledger was cut short; `exchange register verify` says where"
            raise Halt(msg, zh="流水被截短：exchange register verify 可查何处")
        return BEGINNING, Tree()
    if last.signature is None and (head is None or not head.subtrees):
        msg = "the ledger is not signed yet; run `exchange register sign` once"
        raise Halt(msg, zh="流水尚未签名：请执行一次 exchange register sign")
    try:
        tree = Tree.restored(head.seq, head.subtrees) if head is not None and head.hash == last.hash else Tree()
    except ValueError:
        tree = Tree()
    if not is_signed(last, key) or (last.seq, last.root) != (tree.size, base64.b64encode(tree.root()).decode()):
        msg = f"the ledger's last line, {last.seq}, was not signed by this office, or its end was altered"
        raise Halt(msg, zh=f"流水最末一行 {last.seq} 不是本单位所签，或末尾被改动：exchange register verify 可查")
    return last.hash, tree


def _tables_last_and_head(session: Session) -> tuple[str | None, LedgerRow | None, LedgerHeadRow | None]:
    """Version of the tables, last line and head, by one query; no line and no head where there is no line."""
    end = session.execute(_END).one_or_none()
    return (None, None, None) if end is None else (end[0], end[1], end[2] if end[1] else None)


_VERSION: Final = TableClause("alembic_version", column("version_num"))
LAST: Final = select(LedgerRow).order_by(LedgerRow.seq.desc()).limit(1)
_LAST_SEQ: Final = select(LedgerRow.seq).order_by(LedgerRow.seq.desc()).limit(1).scalar_subquery()
_END: Final = (
    select(_VERSION.c.version_num, LedgerRow, LedgerHeadRow)
    .select_from(_VERSION.outerjoin(LedgerRow, LedgerRow.seq == _LAST_SEQ).outerjoin(LedgerHeadRow, true()))
    .execution_options(populate_existing=True)
)
_WRITE: Final = text("""
    WITH lines AS (INSERT INTO ledger SELECT * FROM json_populate_recordset(NULL::ledger, CAST(:lines AS json)))
    INSERT INTO ledger_head (single, seq, hash, subtrees) VALUES (true, :seq, :hash, :subtrees)
    ON CONFLICT (single) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, subtrees = excluded.subtrees
""")
"""Lines and head in one question."""

_COLUMNS: Final = tuple(LedgerRow.__table__.columns.keys())
