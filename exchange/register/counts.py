"""Counts over the whole register but for test batches, for metrics: a few statements that group, no row objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import aliased

from exchange.register.database import reading, transaction
from exchange.register.models import (
    LIVE,
    BatchRow,
    LedgerHeadRow,
    LedgerRow,
    ReleaseRow,
    ReviewRow,
    UnfinishedSetRow,
)
from exchange.register.releases import UNDER_WAY
from exchange.register.states import OPEN, ReviewState, State
from exchange.register.uncollected import by_partner


@dataclass(frozen=True)
class RegisterCounts:
    """``batches``: by state; ``oldest``: by open state, since when the oldest is here; ``reviews``: (division, state) →
    rows of open batches; ``releases``: by state, those under way; ``unfinished_sets``: by partner, also one in its
    tests; ``ledger_lines``: 0 where there is no line yet.
    """

    batches: Mapping[State, int]
    oldest: Mapping[State, datetime]
    reviews: Mapping[tuple[str, str], int]
    releases: Mapping[str, int]
    unfinished_sets: Mapping[str, int]
    ledger_lines: int


@dataclass(frozen=True)
class Answered:
    """A first result that was delivered: the number of the line that says so, and what its lane and its time follow
    from.
    """

    seq: int
    cycle: str | None
    rows: int | None
    seconds: float


def counts(engine: Engine) -> RegisterCounts:
    """The counts as they stand now."""
    by_state = select(BatchRow.state, func.count(), func.min(BatchRow.received_at)).where(LIVE).group_by(BatchRow.state)
    queue = select(ReviewRow.division, ReviewRow.state, func.count()).join(BatchRow)
    queue = queue.where(LIVE, BatchRow.state.in_(OPEN), ReviewRow.state.in_((ReviewState.OPEN, ReviewState.DECIDED)))
    releases = (
        select(ReleaseRow.state, func.count().label("n"))
        .join(BatchRow)
        .where(LIVE, ReleaseRow.state.in_(UNDER_WAY))
        .group_by(ReleaseRow.state)
    )
    unfinished = select(UnfinishedSetRow.partner, func.count().label("n")).group_by(UnfinishedSetRow.partner)
    with transaction(engine) as session:
        states = [(State(state), count, oldest) for state, count, oldest in session.execute(by_state)]
        return RegisterCounts(
            batches={state: count for state, count, _ in states},
            oldest={state: oldest for state, _, oldest in states if state in OPEN},
            reviews={
                (division, state): rows
                for division, state, rows in session.execute(queue.group_by(ReviewRow.division, ReviewRow.state))
            },
            releases={row.state: row.n for row in session.execute(releases.group_by(ReleaseRow.state))},
            unfinished_sets={row.partner: row.n for row in session.execute(unfinished)},
            ledger_lines=session.scalar(select(func.max(LedgerHeadRow.seq))) or 0,
        )


def first_line_at(engine: Engine) -> datetime | None:
    """When the register began: the time of the ledger's first line; None where it has none."""
    with reading(engine) as session:
        return session.scalar(select(func.min(LedgerRow.at)))


def line_hash(engine: Engine, seq: int) -> str | None:
    """The hash of the ledger's line of this number; None where it has none."""
    with transaction(engine) as session:
        return session.scalar(select(LedgerRow.hash).filter_by(seq=seq))


def answered_since(engine: Engine, seq: int) -> Iterator[Answered]:
    """The first results that were delivered after this line, in the ledger's order. Lines are numbered without gaps in
    the order in which they are committed: what was counted up to a line need never be counted again. The first result
    of a second look opened here is put into no folder.
    """
    line = aliased(LedgerRow)
    seconds = func.extract("epoch", line.at - BatchRow.received_at)
    query = select(line.seq, BatchRow.cycle, BatchRow.rows_in, seconds).join(BatchRow, BatchRow.id == line.batch_id)
    query = query.where(
        LIVE, by_partner(), line.seq > seq, line.to_state == State.DELIVERED, line.from_state == State.PREPARED
    )
    with transaction(engine) as session:
        for number, cycle, rows, taken in session.execute(query.order_by(line.seq)):
            yield Answered(number, cycle, rows, float(taken))
