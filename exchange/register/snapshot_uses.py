"""Which version of each source's snapshot answers a batch.

Rules
- What was recorded first stands, so that a batch that is run again is answered from the same snapshots.
- An objection is looked into with what answered the earlier batch: that is in use while the objection is open, and
  needed for as long as one may still come. A hold keeps what answered a batch, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, Engine, bindparam, or_, select
from sqlalchemy.orm import Session, aliased

from exchange.register.attest import attested_session
from exchange.register.database import reading, transaction
from exchange.register.lines import append_event, get_batch
from exchange.register.models import BatchRow, LedgerRow, SnapshotUseRow
from exchange.register.retention import is_held
from exchange.register.states import OPEN, State

_PINNED: Final = select(SnapshotUseRow).where(
    SnapshotUseRow.batch_id == bindparam("batch"), SnapshotUseRow.later == bindparam("later")
)


Pins = Mapping[str, tuple[str, date]]
"""Source → (version, as-of date)."""


def add_uses(
    session: Session, batch: BatchRow, versions: Pins, actor: str, *, later: bool = False
) -> Sequence[SnapshotUseRow]:
    """Records the snapshots that answer a batch, which is locked and has none of this pass yet."""
    uses = [
        SnapshotUseRow(batch_id=batch.id, source=source, later=later, version=version, as_of=as_of)
        for source, (version, as_of) in versions.items()
    ]
    session.add_all(uses)
    facts = {f"pinned.{use.source}{'.later' if later else ''}": use.version for use in uses}
    append_event(session, batch, {}, facts, actor)
    return uses


class SnapshotUses:
    """The snapshots that batches have pinned; ``actor`` stands in the ledger beside a pin."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def pin(self, batch_id: str, versions: Pins, *, later: bool = False) -> dict[str, tuple[str, date]]:
        """Source → (version, as-of date) that answer the batch: those of the first call, whatever later calls bring.
        ``later``: those of the second pass, for rows that had to wait for a source.
        """
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True, rows=())
            pinned: Sequence[SnapshotUseRow] = session.scalars(_PINNED, {"batch": batch_id, "later": later}).all()
            if not pinned:
                pinned = add_uses(session, batch, versions, self.actor, later=later)
            return {use.source: (use.version, use.as_of) for use in pinned}

    def of(self, batch_id: str, *, later: bool = False) -> dict[str, tuple[str, date]]:
        """Source → (version, as-of date), as pinned and recorded in the ledger; empty where nothing is."""
        with attested_session(self.engine, batch_id, rows=()) as session:
            uses = session.scalars(_PINNED, {"batch": batch_id, "later": later})
            return {use.source: (use.version, use.as_of) for use in uses}

    def of_delivered(self) -> Mapping[str, Mapping[str, tuple[str, date]]]:
        """Batch → what :meth:`of` says, of all batches that are delivered and not closed, by one question; not held
        against the ledger: what is sent is.
        """
        uses = select(SnapshotUseRow).join(BatchRow).where(~SnapshotUseRow.later, BatchRow.state == State.DELIVERED)
        pins: dict[str, dict[str, tuple[str, date]]] = {}
        with reading(self.engine) as session:
            for use in session.scalars(uses):
                pins.setdefault(use.batch_id, {})[use.source] = (use.version, use.as_of)
        return pins

    def in_use(self) -> set[tuple[str, str]]:
        """(source, version) of all that open batches have pinned, held ones, and those to which an objection is open or
        held.
        """
        return self._pinned_by(_is_in_work())

    def needed(self, closed_since: datetime) -> set[tuple[str, str]]:
        """As :meth:`in_use`, with what batches have pinned that were closed since then."""
        moved = LedgerRow.from_state.is_distinct_from(LedgerRow.to_state)
        closed = select(LedgerRow.batch_id).where(
            LedgerRow.at >= closed_since, LedgerRow.to_state == State.CLOSED, moved
        )
        return self._pinned_by(or_(_is_in_work(), BatchRow.id.in_(closed)))

    def _pinned_by(self, which: ColumnElement[bool]) -> set[tuple[str, str]]:
        with reading(self.engine) as session:
            uses = select(SnapshotUseRow.source, SnapshotUseRow.version).join(BatchRow).where(which).distinct()
            return {(source, version) for source, version in session.execute(uses)}

    def batches_with(self, source: str, version: str) -> list[str]:
        """The ids of all batches, closed ones too, that were answered from this version of a snapshot."""
        with reading(self.engine) as session:
            uses = select(SnapshotUseRow.batch_id).filter_by(source=source, version=version).distinct()
            return sorted(session.scalars(uses))


def _is_in_work() -> ColumnElement[bool]:
    objection = aliased(BatchRow)
    needs_it = or_(objection.state.in_(OPEN), is_held(objection.id))
    objected = select(objection.objects_to).where(objection.objects_to.is_not(None), needs_it)
    return or_(BatchRow.state.in_(OPEN), is_held(BatchRow.id), BatchRow.id.in_(objected))


def of_open(engine: Engine) -> dict[str, set[tuple[str, str]]]:
    """Batch → (source, version) of all that it pinned, of every open batch that pinned any; not held against the
    ledger. Reads what each version's tables have, so that it can be asked before an update.
    """
    uses = select(SnapshotUseRow.batch_id, SnapshotUseRow.source, SnapshotUseRow.version).join(BatchRow)
    pins: dict[str, set[tuple[str, str]]] = {}
    with reading(engine) as session:
        for batch_id, source, version in session.execute(uses.where(BatchRow.state.in_(OPEN))):
            pins.setdefault(batch_id, set()).add((source, version))
    return pins
