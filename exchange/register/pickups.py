"""When partners took their results: recorded once for each result, in the ledger, too.

A result that is delivered again, because the partner does not have it, counts as not taken; the ledger has both.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from exchange.register.database import reading, transaction
from exchange.register.lines import append_event, get_batch
from exchange.register.models import LIVE, BatchRow, FileRow, PickupRow, SightingRow
from exchange.register.states import OPEN
from exchange.register.uncollected import NUMBER, UncollectedRow, add_uncollected, expected, take_out


class PickupEvidence(StrEnum):
    """How the office knows: the partner removed the file, or put an acknowledgement."""

    REMOVED = "removed"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True)
class UncollectedResult:
    """A result in the partner's folder that the partner has not taken yet. ``number``: 1 is the first result, 2… are
    supplementary ones; ``data``: the name of its data file; ``since``: when it was made; ``seen``: whether it was seen
    there since it was put there, so that it was taken when it is gone; ``is_test``: of a test batch.
    """

    partner: str
    batch: str
    number: int
    data: str
    since: datetime
    seen: bool
    is_test: bool = False


@dataclass(frozen=True)
class Pickup:
    """A result that its partner has. ``number``: from 1, the first result."""

    number: int
    noticed_at: datetime
    how: PickupEvidence


def seen(session: Session, batch_id: str, number: int, at: datetime, actor: str) -> None:
    """See :meth:`Pickups.seen`, in a transaction of the caller's."""
    batch = get_batch(session, batch_id, for_update=True)
    row = insert(SightingRow).values(batch_id=batch_id, number=number, seen_at=at)
    if session.scalar(row.on_conflict_do_nothing().returning(SightingRow.number)) is not None:
        append_event(session, batch, {}, {f"seen.{number}": at.isoformat()}, actor)


def _lying(*columns: ColumnElement[Any] | InstrumentedAttribute[Any]) -> Select[Any]:
    """A query for these columns of the results that were delivered and not taken yet, found by the index."""
    in_index = (UncollectedRow.batch_id == BatchRow.id) & (UncollectedRow.number == NUMBER)
    was_seen = (SightingRow.batch_id == BatchRow.id) & (SightingRow.number == NUMBER)
    query = expected().join(UncollectedRow, in_index).outerjoin(SightingRow, was_seen)
    return query.with_only_columns(*columns)


def newest_uncollected(session: Session, partner: str, limit: int) -> list[UncollectedResult]:
    """What was delivered to this partner and not taken yet, so many of the newest; the oldest first."""
    return _uncollected(session, partner, limit)


def _uncollected(session: Session, partner: str | None, limit: int | None = None) -> list[UncollectedResult]:
    named = (BatchRow.partner, FileRow.batch_id, NUMBER, FileRow.name, FileRow.recorded_at)
    query = _lying(*named, SightingRow.number.is_not(None), ~LIVE).limit(limit)
    query = query.order_by(FileRow.recorded_at.desc(), FileRow.batch_id.desc(), NUMBER.desc())
    if partner is not None:
        query = query.where(BatchRow.partner == partner)
    return [UncollectedResult(*row) for row in session.execute(query)][::-1]


class Pickups:
    """Which results partners have. ``actor``: in whose name it is recorded."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def uncollected(self, partner: str | None = None) -> list[UncollectedResult]:
        """What was delivered, to this partner or to any, and not taken yet; the oldest first."""
        with reading(self.engine) as session:
            return _uncollected(session, partner)

    def partners(self) -> frozenset[str]:
        """The partners that have not taken some result, by the index alone: who is named is looked at."""
        named = select(BatchRow.partner).join(UncollectedRow, UncollectedRow.batch_id == BatchRow.id).distinct()
        with reading(self.engine) as session:
            return frozenset(session.scalars(named))

    def taken(self, batch_id: str, number: int, how: PickupEvidence, at: datetime) -> None:
        """Records that the partner has this result; what was recorded first stands."""
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True)
            row = insert(PickupRow).values(batch_id=batch_id, number=number, noticed_at=at, how=how)
            if session.scalar(row.on_conflict_do_nothing().returning(PickupRow.number)) is not None:
                take_out(session, batch_id, number)
                append_event(session, batch, {}, {f"taken.{number}": f"{how} {at.isoformat()}"}, self.actor)

    def seen(self, batch_id: str, number: int, at: datetime) -> None:
        """Records that this result was seen in the partner's folder; what was recorded first stands."""
        with transaction(self.engine) as session:
            seen(session, batch_id, number, at, self.actor)

    def put_again(self, batch_id: str, number: int, at: datetime) -> None:
        """Records that this result is about to be put there once more: it counts as neither seen nor taken. Recorded
        before it is done, so that no second delivery is without its line.
        """
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True)
            for row in (PickupRow, SightingRow):
                session.execute(delete(row).where(row.batch_id == batch_id, row.number == number))
            add_uncollected(session, batch_id)
            append_event(session, batch, {}, {f"redelivered.{number}": at.isoformat()}, self.actor)

    def of(self, batch_id: str) -> list[Pickup]:
        """The pick-ups of a batch's results, in the order of the results."""
        query = select(PickupRow).filter_by(batch_id=batch_id).order_by(PickupRow.number)
        with reading(self.engine) as session:
            return [Pickup(row.number, row.noticed_at, PickupEvidence(row.how)) for row in session.scalars(query)]

    def had(self, batches: Collection[str]) -> set[tuple[str, int]]:
        """(batch, number) of the results of these batches that were taken."""
        if not batches:
            return set()
        query = select(PickupRow.batch_id, PickupRow.number).where(PickupRow.batch_id.in_(batches))
        with reading(self.engine) as session:
            return {(batch, number) for batch, number in session.execute(query)}

    def awaited(self, batches: Collection[str]) -> set[str]:
        """The batches among these of which a result is still to come."""
        if not batches:
            return set()
        query = select(BatchRow.id).where(BatchRow.id.in_(batches), BatchRow.state.in_(OPEN))
        with reading(self.engine) as session:
            return set(session.scalars(query))
