"""The data of a partner's status file: what it was told of its batches, and which results wait for it; and which
partners' status files may have changed. No rows of requests.

Rules
- A second look that an officer opened in a person's stead is left out: the partner sent no manifest for it, and no
  receipt told it of one.
- As the status file leaves the office, batches are read only as signed lines of the ledger state them: each is held
  against its line once, as most results that wait belong to batches that are in it anyway.
- A batch whose last receipt was destroyed, or is about to be, is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, Select, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from exchange.register.attest import attest_several, one_moment
from exchange.register.batches import Batch, Role
from exchange.register.database import transaction
from exchange.register.lines import as_batch
from exchange.register.models import BatchRow, DestructionRow, FileRow, LedgerRow
from exchange.register.pickups import UncollectedResult, newest_uncollected
from exchange.register.states import OPEN


@dataclass(frozen=True)
class ToldBatch:
    """A batch, and the SHA-256 of the last receipt that its partner has; None where there is none yet."""

    batch: Batch
    receipt: str | None


@dataclass(frozen=True)
class Standing:
    """``batches``: the newest first; ``uncollected``: the oldest first."""

    batches: list[ToldBatch]
    uncollected: list[UncollectedResult]


def standing_of(engine: Engine, partner: str, since: datetime, limit: int) -> Standing:
    """The partner's open batches, those received since then, and the results that it has not taken, so many of the
    newest of each; Halt where a batch is not what the ledger says.
    """
    with one_moment(engine) as session:
        rows = session.execute(_told_batches(partner, since, limit)).all()
        uncollected = newest_uncollected(session, partner, limit)
        attest_several(session, sorted({*(row.id for row, _ in rows), *(result.batch for result in uncollected)}))
        return Standing([ToldBatch(as_batch(row), digest) for row, digest in rows], uncollected)


def _told_batches(partner: str, since: datetime, limit: int) -> Select[BatchRow, str]:
    signature, receipt = aliased(FileRow), aliased(FileRow)
    sent = BatchRow.receipts_sent
    last = case((sent == 1, Role.RECEIPT.value), else_=func.concat(f"{Role.RECEIPT}-", sent))
    past = exists().where(DestructionRow.batch_id == BatchRow.id, DestructionRow.role == last)
    return (
        select(BatchRow, receipt.sha256)
        .join(signature, (signature.batch_id == BatchRow.id) & (signature.role == Role.SIGNATURE))
        .outerjoin(receipt, (receipt.batch_id == BatchRow.id) & (receipt.role == last))
        .where(BatchRow.partner == partner, or_(BatchRow.state.in_(OPEN), BatchRow.received_at >= since), ~past)
        .order_by(BatchRow.received_at.desc(), BatchRow.id)
        .limit(limit)
    )


def moved_since(engine: Engine, line: int) -> tuple[int, set[str]]:
    """(number of the ledger's last line, partners of the batches that lines after ``line`` are about)."""
    partners = select(BatchRow.partner).join(LedgerRow, LedgerRow.batch_id == BatchRow.id).where(LedgerRow.seq > line)
    with transaction(engine) as session:
        last = session.scalar(select(func.max(LedgerRow.seq))) or 0
        return last, set(session.scalars(partners.distinct()))
