"""Whom the open rows of delivered batches wait for: officers, a leader, a source, or the software itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import ARRAY, ColumnElement, Engine, String, any_, cast, func, select
from sqlalchemy.orm import Session

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
    reviews = select(ReviewRow.batch_id, ReviewRow.division, ReviewRow.state, func.count()).join(BatchRow)
    reviews = reviews.where(asked, ReviewRow.state.in_(_IN_QUEUE))
    releases = select(ReleaseRow.batch_id, ReleaseRow.state, func.sum(func.cardinality(ReleaseRow.rows)))
    releases = releases.join(BatchRow).where(asked)
    waited = select(AnswerCountRow.batch_id, func.max(AnswerCountRow.n)).join(BatchRow)
    waited = waited.where(asked, AnswerCountRow.code == "source_not_ready")
    again = select(SnapshotUseRow.batch_id).join(BatchRow).where(asked, SnapshotUseRow.later)
    with one_moment(engine) as session:  # a batch that is delivered between two statements is in none of them
        whole = session.execute(select(BatchRow.id, BatchRow.rows_open).where(asked))
        by_batch = {batch: OpenRows(rest=rows or 0) for batch, rows in whole}
        named = (ReviewRow.batch_id, ReviewRow.division, ReviewRow.state)
        for batch, division, state, rows in session.execute(reviews.group_by(*named).order_by(*named)):
            if state == ReviewState.OPEN:
                by_batch[batch].in_queue[division] = rows
            else:
                by_batch[batch].decided += rows
        for batch, state, rows in session.execute(releases.group_by(ReleaseRow.batch_id, ReleaseRow.state)):
            by_batch[batch].releases[ReleaseState(state)] = rows
        for (batch, state), rows in _returned(session, asked).items():
            if state == ReviewState.OPEN:
                by_batch[batch].releases[ReleaseState.REJECTED] -= rows
            else:
                by_batch[batch].decided -= rows
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


def _returned(session: Session, asked: ColumnElement[bool]) -> Counter[tuple[str, str]]:
    """Batch and state → its rows in the queue that are in a rejected release. Put together here: a join would look at
    each row beside each, as PostgreSQL does not know how many there are.
    """
    rejected = select(ReleaseRow.batch_id, ReleaseRow.rows).join(BatchRow)
    returned: dict[str, set[int]] = {}
    for batch, rows in session.execute(rejected.where(asked, ReleaseRow.state == ReleaseState.REJECTED)):
        returned.setdefault(batch, set()).update(rows)
    queue = select(ReviewRow.batch_id, ReviewRow.state, ReviewRow.row).where(ReviewRow.state.in_(_IN_QUEUE))
    queue = queue.where(ReviewRow.batch_id == any_(cast([*returned], ARRAY(String))))
    found = session.execute(queue) if returned else ()
    return Counter((batch, state) for batch, state, row in found if row in returned[batch])


def _accounted(rows: OpenRows) -> int:
    """How many rows are counted in other fields."""
    under_way = sum(n for state, n in rows.releases.items() if state in _UNDER_WAY)
    return under_way + sum(rows.in_queue.values()) + rows.decided


_IN_QUEUE: Final = (ReviewState.OPEN, ReviewState.DECIDED)
_UNDER_WAY = (*UNDER_WAY, ReleaseState.REJECTED)
