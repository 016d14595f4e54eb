"""Attesting a batch: before anything is sent or changed, its tables must be what its last signed ledger line states.

Rules
- A batch's last line in the ledger is signed and states the digest of every table that holds something of the batch.
  Tables with these digests are trusted; a line that the office did not sign, or rows that no line states, are a Halt.
- Every verb that changes something of a batch attests it first, behind the batch's lock; from there on nobody changes a
  row of it. Otherwise the verb's own line could state what somebody altered for a moment and put back.
- What is computed from a batch's tables is read in one snapshot in which they are attested (``attested_session``):
  otherwise an answer could be made of rows that were altered while it was made, and put back before its line was
  written.
- Of the queue's rows, which may be most of a batch, those are held against the ledger that are read or changed: their
  blocks (``review_blocks.py``).
- So is a row of its own (a question, an alarm, a destruction) before it is changed: what was put there past the ledger
  would else be signed with the change. Not those that are changed when they are old: the nights between find them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.register import digests, ledger, review_blocks
from exchange.register.database import transaction
from exchange.register.models import BatchRow, LedgerRow
from exchange.register.review_blocks import Blocks
from exchange.register.signing import LedgerKey

_QUEUE: Final = "review"

_EARLIER: Final = timedelta(hours=1)
"""So much earlier than the time in a row the ledger line that states it is looked for."""


@contextmanager
def attested_session(engine: Engine, *batch_ids: str, rows: Collection[int] | None = None) -> Iterator[Session]:
    """A session that reads as of one moment, in which the tables of these batches are what the ledger says; Halt where
    they are not. ``rows``: the rows of the queue that are read.
    """
    with one_moment(engine) as session:
        for batch_id in batch_ids:
            if session.get(BatchRow, batch_id) is None:
                msg = f"{batch_id} is not in the register"
                raise Halt(msg, zh=f"登记簿中没有 {batch_id}")
            attest(session, batch_id, rows)
        yield session


@contextmanager
def one_moment(engine: Engine) -> Iterator[Session]:
    """A session all of whose statements see what was committed when the first one was asked."""
    with transaction(engine) as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


def attest(session: Session, batch_id: str, rows: Collection[int] | None = None) -> None:
    """Halt where the batch's tables are not what its last line, signed by the office, states. ``rows``: which rows of
    the queue are meant; None: all.
    """
    if not _is_attested(session, batch_id, rows):
        blocks = review_blocks.of_rows(rows)
        _attest(session, batch_id, blocks, *digests.last_line(session, batch_id, blocks))


def attest_to_change(session: Session, batch_id: str, rows: Collection[int] | None = None) -> None:
    """As :func:`attest`, of a batch that this transaction has locked, so that nobody else changes its rows."""
    if _is_attested(session, batch_id, rows):
        return
    blocks = review_blocks.of_rows(rows)
    line, held = digests.last_line(session, batch_id, blocks, hold=True)
    if states_whole_queue(line):  # the next line is to state all of its blocks
        review_blocks.state_all_blocks(session, batch_id)
        if blocks is not None:
            blocks, (line, held) = None, digests.last_line(session, batch_id, hold=True)
    _attest(session, batch_id, blocks, line, held)


def _is_attested(session: Session, batch_id: str, rows: Collection[int] | None) -> bool:
    known = ledger.attested(session)
    return batch_id in known and review_blocks.covers(known[batch_id], review_blocks.of_rows(rows))


def _attest(session: Session, batch_id: str, blocks: Blocks, line: LedgerRow | None, held: Mapping[str, str]) -> None:
    check(batch_id, line, _with_queue(session, batch_id, line, held), ledger.key_of(session))
    known = ledger.attested(session)
    known[batch_id] = review_blocks.joined(known.get(batch_id, frozenset()), blocks)


def states_whole_queue(line: LedgerRow | None) -> bool:
    """Whether the line was written by an earlier version, which stated one digest of all of the batch's rows in the
    queue.
    """
    return line is not None and _QUEUE in json.loads(line.digests or "{}")


def _with_queue(session: Session, batch_id: str, line: LedgerRow | None, held: Mapping[str, str]) -> Mapping[str, str]:
    """The digests (``held``) with which a batch's last line is compared; with one of all rows of the queue, where the
    line states that.
    """
    return {**held, _QUEUE: digests.of_queue(session, batch_id) or ""} if states_whole_queue(line) else held


def attest_several(session: Session, batch_ids: Sequence[str], *, signed_from: int | None = None) -> None:
    """As :func:`attest`, of many batches at once that are read in this transaction, which must see one moment
    (:func:`one_moment`). ``signed_from``: the signatures of the lines from this one on were checked in it already.
    """
    key = ledger.key_of(session)
    held = digests.of_batches(session, batch_ids, queue=True)
    last = select(LedgerRow).ext(distinct_on(LedgerRow.batch_id)).where(LedgerRow.batch_id.in_(batch_ids))
    lines = {line.batch_id: line for line in session.scalars(last.order_by(LedgerRow.batch_id, LedgerRow.seq.desc()))}
    for batch_id in batch_ids:
        line = lines.get(batch_id)
        now = _with_queue(session, batch_id, line, held[batch_id])
        if line is None or signed_from is None or line.seq < signed_from:
            check(batch_id, line, now, key)
        else:
            check_held(batch_id, line, now)


def check(batch_id: str, line: LedgerRow | None, held: Mapping[str, str], key: LedgerKey) -> None:
    """Halt where ``line``, a batch's last, is not signed, or states something else than the tables hold."""
    if line is None:
        msg = f"{batch_id} is not what the ledger says: no line speaks of it"
        raise Halt(msg, zh=f"{batch_id} 与登记簿不符：登记簿没有它的记录，请告知系统管理员")
    if line.digests is None and line.signature is None and line.root is None:
        msg = f"{batch_id} is told by a line that is not signed; run `exchange register sign` once"
        raise Halt(msg, zh=f"{batch_id} 的登记未签名，请系统管理员运行一次 exchange register sign")
    if not ledger.is_signed(line, key):
        msg = f"line {line.seq} about {batch_id} was not signed by this office; a person must look"
        raise Halt(msg, zh=f"{batch_id} 的登记（第 {line.seq} 行）不是本单位签名，请告知系统管理员")
    check_held(batch_id, line, held)


def check_held(batch_id: str, line: LedgerRow, held: Mapping[str, str]) -> None:
    """As :func:`check`, of a line that is known to be signed."""
    if other := altered(line, held):
        msg = f"{batch_id} is not what the ledger says: {', '.join(other)} was altered"
        raise Halt(msg, zh=f"{batch_id} 与登记簿不符：{', '.join(other)} 被改动，请告知系统管理员")


def altered(line: LedgerRow, held: Mapping[str, str]) -> list[str]:
    """The tables whose digest (``held``) is not the one that the batch's last line states."""
    recorded = json.loads(line.digests or "{}")
    return [table for table in (*digests.OF_BATCH, _QUEUE) if recorded.get(table) != held.get(table)]


def attest_added(session: Session, row: Any, at: datetime) -> None:
    """Halt where a row of a table of ``digests.BY_ROW`` whose rows are only added is not what the ledger states.
    ``at``: the time in the row, which is that of its line; for a row older than signed lines all later lines are read.
    """
    lines = select(LedgerRow).where(LedgerRow.at == at, LedgerRow.digests.contains(f'"{row.__tablename__}/'))
    held = dict(digests.of_rows(session, row.__tablename__, [digests.primary_key(row)]))
    key = ledger.key_of(session)
    for line in session.scalars(lines):
        if held.items() <= json.loads(line.digests or "{}").items() and ledger.is_signed(line, key):
            return
    attest_rows(session, [row], at)


def attest_rows(session: Session, rows: Sequence[Any], since: datetime) -> None:
    """Halt where one of these rows, all of one table of ``digests.BY_ROW``, is not what the last signed line about
    it states. The transaction must have locked them, or see one moment. ``since``: when the first of them was written;
    the lines from then on are read, or those of the last hour, where that is later than now.
    """
    table = rows[0].__tablename__
    held = dict(digests.of_rows(session, table, [digests.primary_key(row) for row in rows]))
    first = min(since, datetime.now(UTC)) - _EARLIER
    lines = select(LedgerRow).where(LedgerRow.at >= first, LedgerRow.digests.contains(f'"{table}/'))
    recorded: dict[str, tuple[str, LedgerRow]] = {}
    for line in session.scalars(lines.order_by(LedgerRow.seq)):
        recorded.update(
            (name, (digest, line)) for name, digest in json.loads(line.digests or "{}").items() if name in held
        )
    key = ledger.key_of(session)
    for name, digest in held.items():
        recorded_digest, last = recorded.get(name, ("", None))
        if last is None or recorded_digest != digest or not ledger.is_signed(last, key):
            msg = f"{name} is not what the ledger says; a person must look"
            raise Halt(msg, zh=f"{name} 与登记簿不符，请告知系统管理员")
