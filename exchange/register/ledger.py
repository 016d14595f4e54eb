"""The ledger under the register: one line for each step of a batch, chained by hashes, only ever added to.

Rules: a line's hash covers its fields and the hash of the line before; lines are numbered without gaps, ordered by a lock;
the database itself refuses to change or remove one. ``verify`` finds a line that was altered, removed or put in between, and
a ledger that was cut short. It cannot find a ledger that was rewritten whole, head and all, by whoever owns the database:
against that the head's hash is printed by ``exchange register verify``, to be noted elsewhere from time to time.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exchange.errors import Halt
from exchange.register.models import LedgerHeadRow, LedgerRow

BEGINNING: Final = "0" * 64
_LOCK: Final = 0x4C454447  # "LEDG": orders the writers for the length of a transaction


def append(
    session: Session, batch_id: str, steps: tuple[str | None, str], at: datetime, actor: str, facts: dict[str, Any]
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
        facts=json.dumps(facts, ensure_ascii=False, sort_keys=True),
        previous_hash=head.hash,
    )
    line.hash = hash_of(line)
    session.add(line)
    head.seq, head.hash = line.seq, line.hash


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
    """(number of lines, hash of the last); Halt with the first line that is not what it was when it was written."""
    previous, expected = BEGINNING, 1
    for line in session.scalars(select(LedgerRow).order_by(LedgerRow.seq).execution_options(yield_per=1000)):
        if line.seq != expected or line.previous_hash != previous or line.hash != hash_of(line):
            msg = f"the ledger was altered at line {expected}"
            raise Halt(msg)
        previous, expected = line.hash, expected + 1
    head = session.get(LedgerHeadRow, True)
    if (head.seq, head.hash) != (expected - 1, previous) if head else expected != 1:
        msg = f"the ledger was cut short after line {expected - 1}"
        raise Halt(msg)
    return expected - 1, previous
