"""What pages ask of the register at once: all open batches, an officer's rows; few statements, no row objects.

Rule: live batches alone. What of a test waits for somebody is found at the command line, by its batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Engine, func, or_, select

from exchange.register.batches import Batch
from exchange.register.clock import Stop
from exchange.register.database import transaction
from exchange.register.lines import as_batch
from exchange.register.models import LIVE, BatchRow, ClockStopRow, LedgerRow, ReleaseRow, ReviewRow
from exchange.register.releases import UNDER_WAY, Release, as_release
from exchange.register.reviews import ReviewState, below
from exchange.register.states import OPEN, State


@dataclass(frozen=True)
class OpenLine:
    """An open batch, since when it is in its state, and the stops of its clock."""

    batch: Batch
    since: datetime
    stops: tuple[Stop, ...]


@dataclass(frozen=True)
class QueueLine:
    """A row of the queue as a list shows it."""

    batch: str
    row: int
    partner: str
    division: str
    causes: tuple[str, ...]
    state: ReviewState
    due_on: date | None
    returned_for: str | None


def open_lines(engine: Engine) -> list[OpenLine]:
    """All batches with which something is still to be done, oldest first."""
    names = list(Batch.__dataclass_fields__)
    moved = (LedgerRow.batch_id == BatchRow.id) & (LedgerRow.from_state.is_distinct_from(LedgerRow.to_state))
    since = select(func.max(LedgerRow.at)).where(moved).scalar_subquery()
    lines = select(*(getattr(BatchRow, name) for name in names), since).where(LIVE, BatchRow.state.in_(OPEN))
    stop_names = list(Stop.__dataclass_fields__)
    stops = select(ClockStopRow.batch_id, *(getattr(ClockStopRow, name) for name in stop_names)).join(BatchRow)
    stops = stops.where(BatchRow.state.in_(OPEN)).order_by(ClockStopRow.number)
    with transaction(engine) as session:
        stopped: dict[str, list[Stop]] = {}
        for batch_id, *values in session.execute(stops):
            stopped.setdefault(batch_id, []).append(Stop(**dict(zip(stop_names, values, strict=True))))
        found = []
        for *values, at in session.execute(lines.order_by(BatchRow.received_at, BatchRow.id)):
            fields = dict(zip(names, values, strict=True))
            batch = Batch(**fields | {"state": State(fields["state"]), "items": tuple(fields["items"])})
            found.append(OpenLine(batch, at or batch.received_at, tuple(stopped.get(batch.id, ()))))
        return found


def queue_lines(engine: Engine, divisions: Iterable[str], states: Iterable[ReviewState], limit: int) -> list[QueueLine]:
    """The rows of these offices and of those below them, what is due first before the rest."""
    columns = (
        ReviewRow.batch_id, ReviewRow.row, BatchRow.partner, ReviewRow.division, ReviewRow.causes, ReviewRow.state,
        BatchRow.due_on, ReviewRow.returned_for,
    )  # fmt: skip
    query = select(*columns).join(BatchRow).where(LIVE, _of(divisions), ReviewRow.state.in_(list(states)))
    query = query.order_by(BatchRow.due_on.nulls_last(), ReviewRow.batch_id, ReviewRow.row).limit(limit)
    with transaction(engine) as session:
        return [
            QueueLine(batch, row, partner, division, tuple(causes), ReviewState(state), due, returned)
            for batch, row, partner, division, causes, state, due, returned in session.execute(query)
        ]


def queue_counts(engine: Engine, divisions: Iterable[str]) -> Mapping[ReviewState, int]:
    """How many rows of these offices are in each state, in batches that are not closed."""
    query = select(ReviewRow.state, func.count()).join(BatchRow)
    query = query.where(LIVE, _of(divisions), BatchRow.state.in_(OPEN)).group_by(ReviewRow.state)
    with transaction(engine) as session:
        found = {ReviewState(state): count for state, count in session.execute(query)}
    return {state: found.get(state, 0) for state in ReviewState}


def releases_under_way(engine: Engine) -> list[tuple[Release, Batch]]:
    """The releases with which something is still to be done, each with its batch; what is due first before the rest."""
    query = select(ReleaseRow, BatchRow).join(BatchRow).where(LIVE, ReleaseRow.state.in_(UNDER_WAY))
    query = query.order_by(BatchRow.due_on.nulls_last(), ReleaseRow.proposed_at)
    with transaction(engine) as session:
        return [(as_release(release), as_batch(batch)) for release, batch in session.execute(query)]


def _of(divisions: Iterable[str]) -> ColumnElement[bool]:
    return or_(*(ReviewRow.division.startswith(below(division)) for division in divisions))
