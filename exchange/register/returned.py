"""Releases that a leader returned and nobody has proposed again, for the officers whose rows are in them.

Rules
- A returned release is an officer's where one of its rows is their office's; where no officer had any of its rows in
  hand, it is every officer's, for nobody else would take it up.
- Numbers of rows, offices and codes: nobody who was asked about is in here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, any_, func, select
from sqlalchemy.orm import Session

from exchange.register.batches import Batch
from exchange.register.database import transaction
from exchange.register.lines import as_batch
from exchange.register.models import LIVE, BatchRow, ReleaseRow, ReviewRow
from exchange.register.releases import Release, as_release
from exchange.register.reviews import below
from exchange.register.states import ReleaseState, ReviewState


@dataclass(frozen=True)
class Returned:
    """``divisions``: of the offices that had rows of it in hand; ``open``: rows of it that are not decided anew."""

    release: Release
    batch: Batch
    divisions: frozenset[str]
    open: int

    def is_of(self, offices: Iterable[str]) -> bool:
        """Whether it is for the officers of these offices."""
        begins = tuple(below(office) for office in offices)
        return not self.divisions or any(division.startswith(begins) for division in self.divisions)


def returned_releases(engine: Engine, offices: Sequence[str], batch_id: str | None = None) -> list[Returned]:
    """The returned releases for the officers of these offices, what is due first before the rest: of live batches, or
    of the one that is named, be it a test.
    """
    query = select(ReleaseRow, BatchRow).join(BatchRow).where(ReleaseRow.state == ReleaseState.REJECTED)
    query = query.where(LIVE if batch_id is None else ReleaseRow.batch_id == batch_id)
    with transaction(engine) as session:
        queued = _queued(session, batch_id)
        releases = [
            Returned(as_release(release), as_batch(batch), *queued.get((batch.id, release.number), (frozenset(), 0)))
            for release, batch in session.execute(query.order_by(BatchRow.due_on.nulls_last(), ReleaseRow.judged_at))
        ]
    return [returned for returned in releases if returned.is_of(offices)]


def returned_release(engine: Engine, offices: Sequence[str], batch_id: str, number: int) -> Returned | None:
    """The returned release of this number, None where there is none for the officers of these offices."""
    releases = returned_releases(engine, offices, batch_id)
    return next((release for release in releases if release.release.number == number), None)


def _queued(session: Session, batch_id: str | None) -> dict[tuple[str, int], tuple[frozenset[str], int]]:
    """Batch and number → divisions of its rows in the queue, and how many of these are open."""
    named = (ReleaseRow.batch_id, ReleaseRow.number)
    mine = (ReviewRow.batch_id == ReleaseRow.batch_id) & (ReviewRow.row == any_(ReleaseRow.rows))
    is_open = func.count().filter(ReviewRow.state == ReviewState.OPEN)
    query = select(*named, func.array_agg(ReviewRow.division.distinct()), is_open).join(ReviewRow, mine)
    query = query.where(ReleaseRow.state == ReleaseState.REJECTED).group_by(*named)
    if batch_id is not None:
        query = query.where(ReleaseRow.batch_id == batch_id)
    return {(batch, number): (frozenset(of), count) for batch, number, of, count in session.execute(query)}
