"""Whom the open rows of delivered batches wait for: officers, a leader, a source, or the software itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ARRAY, Engine, String, any_, cast, func, select

from exchange.register.attest import one_moment
from exchange.register.guard import GuardHoldRow
from exchange.register.models import AnswerCountRow, BatchRow, ReleaseRow, ReviewRow, SnapshotUseRow
from exchange.register.releases import UNDER_WAY
from exchange.register.states import ReleaseState, ReviewState, State


@dataclass
class OpenRows:
    """How many rows of one batch wait, and where, each counted once. ``in_queue``: not decided yet, by the office's
    division; ``decided``: not in a release yet; ``releases``: by the state of their release, of a rejected one those
    that are not in ``in_queue`` again; ``rest``: all others; ``source``: rows of the first result whose source was not
    ready; ``asked_again``: whether these were matched a second time; ``held``: the guard holds the first result until a
    leader decides (``guard.py``).
    """

    in_queue: dict[str, int] = field(default_factory=dict)
    decided: int = 0
    releases: dict[ReleaseState, int] = field(default_factory=dict)
    rest: int = 0
    source: int = 0
    asked_again: bool = False
    held: bool = False


def open_rows(engine: Engine, batches: Sequence[str] | None = None) -> Mapping[str, OpenRows]:
    """Batch → its rows that are still to be answered: of delivered batches that are not closed and of held ones, or of
    ``batches`` alone.
    """
    asked = BatchRow.state == State.DELIVERED
    if batches is not None:
        asked &= BatchRow.id == any_(cast(list(batches), ARRAY(String)))  # one parameter, however many
    rows_of = select(ReleaseRow.batch_id, func.unnest(ReleaseRow.rows).label("row"))
    rejected = rows_of.where(ReleaseRow.state == ReleaseState.REJECTED).subquery()
    of_rejected = (rejected.c.batch_id == ReviewRow.batch_id) & (rejected.c.row == ReviewRow.row)
    named = (ReviewRow.batch_id, ReviewRow.division, ReviewRow.state)
    reviews = select(*named, func.count(), func.count(rejected.c.row)).select_from(ReviewRow).join(BatchRow)
    reviews = reviews.outerjoin(rejected, of_rejected).where(asked, ReviewRow.state.in_(("open", "decided")))
    releases = select(ReleaseRow.batch_id, ReleaseRow.state, func.sum(func.cardinality(ReleaseRow.rows)))
    releases = releases.join(BatchRow).where(asked)
    waited = select(AnswerCountRow.batch_id, func.max(AnswerCountRow.n)).join(BatchRow)
    waited = waited.where(asked, AnswerCountRow.code == "source_not_ready")
    again = select(SnapshotUseRow.batch_id).join(BatchRow).where(asked, SnapshotUseRow.later)
    with one_moment(engine) as session:  # a batch that is delivered between two statements is in none of them
        whole = session.execute(select(BatchRow.id, BatchRow.rows_open).where(asked))
        by_batch = {batch: OpenRows(rest=rows or 0) for batch, rows in whole}
        again_in_queue = Counter[str]()
        for batch, division, state, rows, returned in session.execute(reviews.group_by(*named).order_by(*named)):
            if state == ReviewState.OPEN:
                by_batch[batch].in_queue[division] = rows
                again_in_queue[batch] += returned
            else:
                by_batch[batch].decided += rows - returned
        for batch, state, rows in session.execute(releases.group_by(ReleaseRow.batch_id, ReleaseRow.state)):
            others = rows - again_in_queue[batch] if state == ReleaseState.REJECTED else rows
            if others:
                by_batch[batch].releases[ReleaseState(state)] = others
        for batch, rows in session.execute(waited.group_by(AnswerCountRow.batch_id)):
            by_batch[batch].source = rows
        for batch in session.scalars(again.distinct()):
            by_batch[batch].asked_again = True
        held = select(GuardHoldRow.batch_id).where(GuardHoldRow.decision.is_(None))
        for batch in session.scalars(held):
            by_batch[batch] = OpenRows(held=True)
    for of_batch in by_batch.values():
        of_batch.rest = max(0, of_batch.rest - _accounted(of_batch))
    return by_batch


def _accounted(rows: OpenRows) -> int:
    """How many rows are counted in other fields."""
    under_way = sum(n for state, n in rows.releases.items() if state in _UNDER_WAY)
    return under_way + sum(rows.in_queue.values()) + rows.decided


_UNDER_WAY = (*UNDER_WAY, ReleaseState.REJECTED)
