"""Batches that stand still: what a run has to take further, and of which nothing was written down for a while.

Rules
- The register says what is owed: claimed, accepted, or prepared and not held by the guard; delivered whole and not
  closed; refused, and no receipt made. Why nothing moves (no run, a run at work, a run that failed) it does not know.
- Clocks are put back: a line from further ahead than that while is of a clock that ran ahead; nothing has moved since.
- Test batches are answered like any other.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine, and_, exists, or_, select

from exchange.register.batches import Role
from exchange.register.database import reading
from exchange.register.guard import RELEASED, GuardHoldRow
from exchange.register.models import BatchRow, FileRow, LedgerRow
from exchange.register.states import State


def unmoved(engine: Engine, now: datetime, span: timedelta) -> list[str]:
    """The ids of these batches of which the ledger has no line of so long before ``now``, oldest first."""
    held = exists().where(GuardHoldRow.batch_id == BatchRow.id, GuardHoldRow.decision.is_distinct_from(RELEASED))
    has_receipt = exists().where(FileRow.batch_id == BatchRow.id, FileRow.role == Role.RECEIPT_SIGNATURE)
    moved = exists().where(LedgerRow.batch_id == BatchRow.id, LedgerRow.at > now - span, LedgerRow.at < now + span)
    owed = or_(
        BatchRow.state.in_((State.CLAIMED, State.ACCEPTED)),
        and_(BatchRow.state == State.PREPARED, ~held),
        and_(BatchRow.state == State.DELIVERED, BatchRow.rows_open == 0),
        and_(BatchRow.state == State.REFUSED, ~has_receipt),
    )
    query = select(BatchRow.id).where(owed, ~moved).order_by(BatchRow.received_at, BatchRow.id)
    with reading(engine) as session:
        return list(session.scalars(query))
