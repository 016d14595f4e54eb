"""The ledger under the register: one line for each step of a batch, chained by hashes, only ever added to.

Rules: a line's hash covers its fields and the hash of the line before; lines are numbered without gaps, ordered by a
lock; the database itself refuses to change or remove one. What a step writes into a batch's own line it also tells the
ledger.

``verify`` finds a line that was altered, removed or put in between, a ledger that was cut short, and a batch whose own
line, or whose files of claim and result, are not what the ledger was told. It cannot find a ledger that was rewritten
whole, head and all, by whoever owns the database: against that the head's hash is printed by ``exchange register
verify``, to be noted elsewhere from time to time. Counts of answers and pinned snapshots are not in the ledger, but in
the result's manifest, whose hash is; the data file's hash is in the request's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.register.batches import Role
from exchange.register.models import BatchRow, FileRow, LedgerHeadRow, LedgerRow

BEGINNING: Final = "0" * 64
_LOCK: Final = 0x4C454447  # "LEDG": orders the writers for the length of a transaction
_AT_ONCE: Final = 1000
_FACTS: Final = frozenset(BatchRow.__table__.columns.keys()) - {"id", "state", "received_at"}
_ROLES: Final = frozenset(Role)
_UNTOLD: Final = {"items": "[]", "due_provisional": "False", "clock_stands": "False", "receipts_sent": "1"}
"""What a batch's line says before its set is trusted."""


def append(
    session: Session, batch_id: str, steps: tuple[str | None, str], at: datetime, actor: str, facts: Mapping[str, Any]
) -> None:
    """Adds a line for a step (from state, to state); ``facts`` are codes and counts."""
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    head = session.get(LedgerHeadRow, True, populate_existing=True)
    if head is None:
        head = LedgerHeadRow(single=True, seq=0, hash=BEGINNING)
        session.add(head)
    line = LedgerRow(
        seq=head.seq + 1,
        batch_id=batch_id,
        from_state=steps[0],
        to_state=steps[1],
        at=at,
        actor=actor,
        facts=json.dumps(_as_written(facts), ensure_ascii=False, sort_keys=True),
        previous_hash=head.hash,
    )
    line.hash = hash_of(line)
    session.add(line)
    head.seq, head.hash = line.seq, line.hash


def _as_written(facts: Mapping[str, Any]) -> dict[str, str]:
    """Facts in the form in which the ledger keeps them; what is empty is left out."""
    return {name: str(value) for name, value in facts.items() if value is not None}


def hash_of(line: LedgerRow) -> str:
    """The SHA-256 over a line's fields and the hash of the line before, in one canonical form."""
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
    return sha256(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def verify(session: Session) -> tuple[int, str]:
    """(number of lines, hash of the last); Halt with the first line, or batch, that is not what it was.

    The session must be a new one: everything is read as of one moment, so that work may go on meanwhile.
    """
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    sound = _verify_lines(session)
    _verify_batches(session)
    return sound


def _verify_lines(session: Session) -> tuple[int, str]:
    previous, expected = BEGINNING, 1
    in_order = select(LedgerRow).order_by(LedgerRow.seq).execution_options(yield_per=_AT_ONCE)
    with session.scalars(in_order) as lines:
        for line in lines:
            if line.seq != expected or line.previous_hash != previous or line.hash != hash_of(line):
                msg = f"the ledger was altered at line {expected}"
                raise Halt(msg)
            previous, expected = line.hash, expected + 1
    head = session.get(LedgerHeadRow, True)
    if (head.seq, head.hash) != (expected - 1, previous) if head else expected != 1:
        msg = f"the ledger was cut short after line {expected - 1}"
        raise Halt(msg)
    return expected - 1, previous


def _verify_batches(session: Session) -> None:
    files = select(FileRow.batch_id, func.json_object_agg(FileRow.role, FileRow.sha256).label("hashes"))
    by_batch = files.group_by(FileRow.batch_id).subquery()
    everything = (
        select(BatchRow, by_batch.c.hashes, LedgerRow)
        .outerjoin(by_batch, by_batch.c.batch_id == BatchRow.id)
        .outerjoin(LedgerRow, LedgerRow.batch_id == BatchRow.id)
        .order_by(BatchRow.id, LedgerRow.seq)
    )
    with session.execute(everything.execution_options(yield_per=_AT_ONCE)) as found:
        for _, group in groupby(found, key=lambda row: row[0].id):
            rows = list(group)
            batch, hashes = rows[0][:2]
            if not _is_as_told(batch, hashes or {}, [line for _, _, line in rows if line is not None]):
                msg = f"{batch.id} is not what the ledger says"
                raise Halt(msg)


def _is_as_told(batch: BatchRow, hashes: Mapping[str, str], lines: Sequence[LedgerRow]) -> bool:
    """Whether a batch's line, and the files that the ledger knows, are what the ledger's lines add up to."""
    if not lines or (batch.received_at, batch.state) != (lines[0].at, lines[-1].to_state):
        return False
    event_data: dict[str, str] = {}
    for line in lines:
        event_data |= json.loads(line.facts)
    facts = _as_written({name: getattr(batch, name) for name in _FACTS})
    roles = {name for name in event_data if name.partition("-")[0] in _ROLES}
    return facts == _UNTOLD | {name: event_data[name] for name in event_data.keys() & _FACTS} and all(
        hashes.get(role) == event_data[role] for role in roles
    )
