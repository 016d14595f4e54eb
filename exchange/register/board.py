"""What pages ask of the register at once: all open batches, an officer's rows; few statements, no row objects.

Rules
- Live batches alone. What of a test waits for somebody is found at the command line, by its batch.
- Of a batch that is over nothing waits for an officer; one that a leader refused after it was prepared still has its
  rows in the queue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Engine,
    Select,
    and_,
    any_,
    case,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from exchange.register.batches import Batch
from exchange.register.clock import Stop
from exchange.register.database import transaction
from exchange.register.eyes import DISPUTED
from exchange.register.lines import as_batch
from exchange.register.models import LIVE, BatchRow, ClockStopRow, LedgerRow, ReleaseRow, ReviewRow
from exchange.register.releases import UNDER_WAY, Release, as_release
from exchange.register.reviews import HELD, below
from exchange.register.states import OPEN, ReviewState, State


@dataclass(frozen=True)
class OpenLine:
    """An open batch, since when it is in its state, and the pauses of its clock."""

    batch: Batch
    since: datetime
    stops: tuple[Stop, ...]


@dataclass(frozen=True)
class QueueLine:
    """A row of the queue as a list shows it. ``due_on``: of what is open (``Batch.due_open``); ``words``: how many
    officers gave one, beside who decided it; ``as_before``: whether it was decided as an earlier one.
    """

    batch: str
    row: int
    partner: str
    division: str
    causes: tuple[str, ...]
    state: ReviewState
    due_on: date | None
    returned_for: str | None
    words: int
    held_by: str | None
    held_until: datetime | None
    as_before: bool

    def held(self, person: str, now: datetime) -> str | None:
        """Who else has it open now."""
        is_open = self.held_until is not None and self.held_until > now
        return self.held_by if is_open and self.held_by != person else None

    def was_handed(self, now: datetime) -> bool:
        """Whether a colleague handed it to who has it, who has not opened it yet."""
        return self.held_until is not None and self.held_until > now + HELD


DUE: Final = case(
    (BatchRow.state.in_((State.DELIVERED, State.CLOSED)), func.coalesce(BatchRow.due_last, BatchRow.due_on)),
    else_=BatchRow.due_on,
)
"""``Batch.due_open`` in SQL."""


def open_lines(engine: Engine, limit: int | None = None) -> list[OpenLine]:
    """All batches with which something is still to be done, or so many of them; oldest first."""
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
        open_batches = []
        for *values, at in session.execute(lines.order_by(BatchRow.received_at, BatchRow.id).limit(limit)):
            fields = dict(zip(names, values, strict=True))
            batch = Batch(**fields | {"state": State(fields["state"]), "items": tuple(fields["items"])})
            open_batches.append(OpenLine(batch, at or batch.received_at, tuple(stopped.get(batch.id, ()))))
        return open_batches


def queue_lines(engine: Engine, divisions: Iterable[str], person: str, limit: int) -> list[QueueLine]:
    """The open rows of these offices and of those below them on which this person has given no word, what is due first
    before the rest.
    """
    given = gave(person)
    query = _queue().where(of_offices(divisions), ReviewRow.state == ReviewState.OPEN, func.coalesce(~given, true()))
    query = query.order_by(DUE.nulls_last(), ReviewRow.batch_id, ReviewRow.row).limit(limit)
    return _read(engine, query)


def handed_lines(engine: Engine, person: str, now: datetime) -> list[QueueLine]:
    """The open rows that colleagues handed to this person, and that were not opened since."""
    query = _queue().where(ReviewRow.held_by == person, ReviewRow.held_until > now + HELD)
    query = query.where(ReviewRow.state == ReviewState.OPEN)
    return _read(engine, query.order_by(DUE.nulls_last(), ReviewRow.batch_id, ReviewRow.row))


def disputed_lines(engine: Engine) -> list[QueueLine]:
    """The rows of all offices of which two officers said different things, for a leader."""
    query = _queue().where(ReviewRow.state == ReviewState.OPEN)
    query = query.where(func.cardinality(ReviewRow.decided_with) >= DISPUTED)
    return _read(engine, query.order_by(DUE.nulls_last(), ReviewRow.batch_id, ReviewRow.row))


def own_lines(engine: Engine, person: str, limit: int) -> list[QueueLine]:
    """The rows of which this person can still take a word back: decided by them and not left, or open and waiting for
    another officer; the last word first.
    """
    waits = ReviewRow.state == ReviewState.OPEN
    unsent = ReviewRow.state.in_((ReviewState.DECIDED, ReviewState.LEAVING))
    query = _queue().where(or_(and_(waits, gave(person)), and_(unsent, ReviewRow.decided_by == person)))
    said_at = case((waits, _word_at(person)), else_=ReviewRow.decided_at)
    return _read(engine, query.order_by(said_at.desc(), ReviewRow.batch_id, ReviewRow.row).limit(limit))


def _word_at(person: str) -> ColumnElement[datetime]:
    """When this person gave the word that stands beside the one that decided the row, or waits for it."""
    words = func.jsonb_array_elements(cast(ReviewRow.earlier, JSONB)).table_valued(column("value", JSONB))
    at = func.max(cast(words.c.value.op("->>")("at"), DateTime(timezone=True)))
    mine = words.c.value.op("->>")("by") == person
    return select(at).select_from(words).where(mine).correlate(ReviewRow).scalar_subquery()


def gave(person: str) -> ColumnElement[bool]:
    """Whether this person gave a word on the row beside the one that decided it; null where nobody did."""
    return literal(person) == any_(ReviewRow.decided_with)


def _queue() -> Select[*tuple[Any, ...]]:
    words = func.coalesce(func.cardinality(ReviewRow.decided_with), 0)
    columns = (
        ReviewRow.batch_id, ReviewRow.row, BatchRow.partner, ReviewRow.division, ReviewRow.causes, ReviewRow.state,
        DUE, ReviewRow.returned_for, words, ReviewRow.held_by, ReviewRow.held_until,
        ReviewRow.as_before.is_not(None),
    )  # fmt: skip
    return select(*columns).join(BatchRow).where(LIVE, BatchRow.state.in_(OPEN))


def _read(engine: Engine, query: Select[*tuple[Any, ...]]) -> list[QueueLine]:
    with transaction(engine) as session:
        return [
            QueueLine(batch, row, partner, division, tuple(causes), ReviewState(state), *rest)
            for batch, row, partner, division, causes, state, *rest in session.execute(query)
        ]


def queue_counts(engine: Engine, divisions: Iterable[str]) -> Mapping[ReviewState, int]:
    """How many rows of these offices are in each state, in batches that are not closed."""
    query = select(ReviewRow.state, func.count()).join(BatchRow)
    query = query.where(LIVE, of_offices(divisions), BatchRow.state.in_(OPEN)).group_by(ReviewRow.state)
    with transaction(engine) as session:
        counts = {ReviewState(state): count for state, count in session.execute(query)}
    return {state: counts.get(state, 0) for state in ReviewState}


def releases_under_way(engine: Engine) -> list[tuple[Release, Batch]]:
    """The releases with which something is still to be done, each with its batch; what is due first before the rest."""
    query = select(ReleaseRow, BatchRow).join(BatchRow).where(LIVE, ReleaseRow.state.in_(UNDER_WAY))
    query = query.order_by(DUE.nulls_last(), ReleaseRow.proposed_at)
    with transaction(engine) as session:
        return [(as_release(release), as_batch(batch)) for release, batch in session.execute(query)]


def of_offices(divisions: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a row is these offices', or of a division below theirs."""
    return or_(*(ReviewRow.division.startswith(below(division)) for division in divisions))
