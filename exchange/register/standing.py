"""The data of a partner's status file: what it was told of its batches, and which results wait for it; and which
partners' status files may have changed. No rows of requests.

Rules
- A second look that an officer opened in a person's stead is left out: the partner sent no manifest for it, and no
  receipt told it of one.
- As the status file leaves the office, batches are read only as signed lines of the ledger state them: each is held
  against its line once, as most results that wait belong to batches that are in it anyway.
- Of which the caller knows what it read when it was held against that same line is not read again: a partner has
  hundreds, of which a few move in a minute.
- A batch whose last receipt was destroyed, or is about to be, is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import Engine, Select, case, exists, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

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
class Known:
    """What a caller keeps of a batch since it was last held against its line. ``line``: the hash of that line;
    ``told``: whether that is more than results that wait; ``results``: the names of these.
    """

    line: str
    told: bool
    results: frozenset[str]


@dataclass(frozen=True)
class Standing:
    """``told``: the batches, the newest first; ``uncollected``: the oldest first; ``batches``: of ``told`` those that
    are not known, in the same order; ``lines``: batch → the hash of its last line, of all that are not known.
    """

    told: list[str]
    uncollected: list[UncollectedResult]
    batches: list[ToldBatch]
    lines: Mapping[str, str]

    @property
    def shown(self) -> set[str]:
        """All batches of which something is said."""
        return {*self.told, *(result.batch for result in self.uncollected)}


def standing_of(
    engine: Engine, partner: str, since: datetime, limit: int, known: Mapping[str, Known] = MappingProxyType({})
) -> Standing:
    """The partner's open batches, those received since then, and the results that it has not taken, so many of the
    newest of each; Halt where one that is not known is not what the ledger says.
    """
    with one_moment(engine) as session:
        receipts = dict(session.execute(_told_batches(partner, since, limit)).all())
        uncollected = newest_uncollected(session, partner, limit)
        names = defaultdict[str, set[str]](set)
        for result in uncollected:
            names[result.batch].add(result.data)
        lines = {
            batch: line
            for batch, line in _last_lines(session, {*receipts, *names}).items()
            if not _is_known(known.get(batch), line, told=batch in receipts, results=names[batch])
        }
        attest_several(session, sorted(lines))
        rows = {row.id: row for row in session.scalars(select(BatchRow).where(BatchRow.id.in_(lines)))}
        batches = [ToldBatch(as_batch(rows[batch]), receipt) for batch, receipt in receipts.items() if batch in rows]
        return Standing(list(receipts), uncollected, batches, lines)


def _is_known(known: Known | None, line: str, *, told: bool, results: Set[str]) -> bool:
    return known is not None and known.line == line and known.told >= told and known.results >= results


def _last_lines(session: Session, batches: Collection[str]) -> dict[str, str]:
    """Batch → the hash of the ledger's last line about it, empty where there is none."""
    last = select(LedgerRow.batch_id, LedgerRow.hash).ext(distinct_on(LedgerRow.batch_id))
    last = last.where(LedgerRow.batch_id.in_(batches)).order_by(LedgerRow.batch_id, LedgerRow.seq.desc())
    return dict.fromkeys(batches, "") | {batch: line for batch, line in session.execute(last) if batch is not None}


def _told_batches(partner: str, since: datetime, limit: int) -> Select[str, str | None]:
    signature, receipt = aliased(FileRow), aliased(FileRow)
    sent = BatchRow.receipts_sent
    last = case((sent == 1, Role.RECEIPT.value), else_=func.concat(f"{Role.RECEIPT}-", sent))
    past = exists().where(DestructionRow.batch_id == BatchRow.id, DestructionRow.role == last)
    return (
        select(BatchRow.id, receipt.sha256)
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
