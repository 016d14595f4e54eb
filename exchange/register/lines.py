"""What the register's verbs share: a batch's line found and locked, a note in the ledger, files as rows.

Rule: a transaction locks in this order, so that no two wait for each other: a row of its own (a question, a
destruction), batches by their ids, a name (a period, a partner), the batch that is objected to, the ledger's end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.register import ledger
from exchange.register.attest import attest_to_change
from exchange.register.batches import Batch, FileRecord
from exchange.register.models import BatchRow, FileRow, LedgerRow
from exchange.register.states import TRANSITIONS, State

_LOCKED: Final = "lines.locked"
"""The key in ``Session.info`` of the batches that a transaction has locked: id → row as it read and changed it. (A
session itself forgets a row that nothing refers to, and would read it again.)
"""


_TO_CHANGE: Final = (
    select(BatchRow)
    .where(BatchRow.id == bindparam("batch"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


def now() -> datetime:
    """The moment that a line or row gets."""
    return datetime.now(UTC)


def get_batch(
    session: Session, batch_id: str, *, for_update: bool = False, rows: Collection[int] | None = None
) -> BatchRow:
    """The batch's line; Halt where there is none. ``for_update``: locked, and Halt where something of the batch is not
    what the ledger says: no change is built on altered rows. ``rows``: of the queue, of which alone
    something is read or changed.
    """
    locked: dict[str, BatchRow] = session.info.setdefault(_LOCKED, {})
    batch: BatchRow | None
    if for_update and batch_id not in locked:
        batch = session.scalars(_TO_CHANGE, {"batch": batch_id}).one_or_none()
    else:
        batch = locked.get(batch_id) or session.get(BatchRow, batch_id)
    if batch is None:
        raise not_known(batch_id)
    if for_update:
        locked[batch_id] = batch
        attest_to_change(session, batch_id, rows)
    return batch


def not_known(batch_id: str) -> Halt:
    """The error for a batch that the register does not have."""
    return Halt(f"{batch_id} is not in the register", zh=f"登记簿中没有 {batch_id}")


def as_batch(row: BatchRow) -> Batch:
    """The row as a plain record."""
    fields = {name: getattr(row, name) for name in Batch.__dataclass_fields__}
    return Batch(**fields | {"state": State(row.state), "items": tuple(row.items)})


def transition(
    session: Session,
    batch_id: str,
    to_state: State,
    facts: Mapping[str, Any],
    event_data: Mapping[str, Any],
    actor: str,
) -> bool:
    """Writes a step into the batch's line and the ledger; False where the batch has been in that state already."""
    batch = get_batch(session, batch_id, for_update=True)
    from_state = State(batch.state)
    if to_state not in TRANSITIONS[from_state]:
        if _has_been(session, batch_id, to_state):  # of two tries of one step at once the later one finds this
            return False
        msg = f"{batch_id} is {from_state}; it cannot become {to_state}"
        raise Halt(msg, zh=f"{batch_id} 已有变动（{from_state.zh}），不能再作此处理")
    batch.state = to_state
    _write(batch, facts)
    ledger.append(session, batch_id, (from_state, to_state), now(), actor, event_data)
    return True


def _has_been(session: Session, batch_id: str, state: State) -> bool:
    """Whether the batch has been in this state; by the ledger, since a state alone does not say how it was reached."""
    lines = select(LedgerRow.seq).filter_by(batch_id=batch_id, to_state=state).limit(1)
    return session.scalar(lines) is not None


def append_event(
    session: Session, batch: BatchRow, facts: Mapping[str, Any], event_data: Mapping[str, Any], actor: str
) -> None:
    """Records an event of a batch that does not change its state. ``batch`` is locked by the caller."""
    _write(batch, facts)
    ledger.append(session, batch.id, (batch.state, batch.state), now(), actor, {**facts, **event_data})


def _write(batch: BatchRow, facts: Mapping[str, Any]) -> None:
    for name, value in facts.items():
        setattr(batch, name, value)


def hashes(files: Sequence[FileRecord]) -> dict[str, str]:
    """What the ledger records of files: role → SHA-256."""
    return {str(file.role): file.sha256 for file in files}


def file_row(batch_id: str, file: FileRecord, at: datetime) -> FileRow:
    """The row of a batch's file."""
    return FileRow(batch_id=batch_id, recorded_at=at, **asdict(file))
