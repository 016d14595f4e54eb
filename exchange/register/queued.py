"""Rows that come into the queue, and what is known of their cases from before (``steps/decided_before.py``)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, Integer, String, any_, cast, exists, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.orm import Session, aliased

from exchange.register.attest import as_told
from exchange.register.database import reading
from exchange.register.models import LIVE, BatchRow, ReviewRow
from exchange.register.review_blocks import changed
from exchange.register.states import ReviewState

_ADD = text("""
    INSERT INTO review (batch_id, "row", division, causes, state, version, case_hash, as_before, decision, reason,
        decided_by, decided_at)
    SELECT :batch_id, new.number, new.division, string_to_array(new.causes, ';'), new.state, 1, new.case_hash,
        new.as_before, new.decision, new.reason, new.decided_by, new.decided_at
    FROM unnest(CAST(:rows AS integer[]), CAST(:divisions AS text[]), CAST(:causes AS text[]), CAST(:states AS text[]),
        CAST(:cases AS text[]), CAST(:as_before AS text[]), CAST(:decisions AS text[]), CAST(:reasons AS text[]),
        CAST(:decided_by AS text[]), CAST(:decided_at AS timestamptz[]))
        AS new (number, division, causes, state, case_hash, as_before, decision, reason, decided_by, decided_at)
    ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True)
class DecidedBefore:
    """A decision that left: of which row, and what it was."""

    batch: str
    row: int
    answers: Mapping[str, str]
    reason: str
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True)
class NewReview:
    """A row for the queue: its number in the batch (from 1), the responsible office's division, and why. ``case``: the
    keyed hash of its case; ``before``: the earlier decision of the same case that it takes over, so that nobody need
    look.
    """

    row: int
    division: str
    causes: tuple[str, ...]
    case: str | None = None
    before: DecidedBefore | None = None


def add_reviews(session: Session, batch_id: str, reviews: Sequence[NewReview]) -> None:
    """Puts rows into the queue; those that are in it already stay as they are. One statement for all of them, because
    a large batch has tens of thousands.
    """
    if not reviews:
        return
    before = [review.before for review in reviews]
    columns = {
        "rows": [review.row for review in reviews],
        "divisions": [review.division for review in reviews],
        "causes": [";".join(review.causes) for review in reviews],
        "cases": [review.case for review in reviews],
        "states": [ReviewState.DECIDED if decision else ReviewState.OPEN for decision in before],
        "as_before": [decision and f"{decision.batch} {decision.row}" for decision in before],
        "decisions": [decision and json.dumps(dict(decision.answers), sort_keys=True) for decision in before],
        "reasons": [decision and decision.reason for decision in before],
        "decided_by": [decision and decision.decided_by for decision in before],
        "decided_at": [decision and decision.decided_at for decision in before],
    }
    session.execute(_ADD, columns | {"batch_id": batch_id})
    changed(session, batch_id, [review.row for review in reviews])


def decided_before(engine: Engine, cases: Collection[str], since: datetime) -> dict[str, DecidedBefore]:
    """Of these cases, as each was decided last, where it was since then and left; as the ledger says."""
    last = select(ReviewRow.batch_id, ReviewRow.row).ext(distinct_on(ReviewRow.case_hash)).join(BatchRow).where(LIVE)
    last = last.where(ReviewRow.case_hash == any_(cast(list(cases), ARRAY(String))), ~_in_doubt())
    last = last.where(ReviewRow.state == ReviewState.RELEASED, ReviewRow.decided_at >= since)
    last = last.order_by(ReviewRow.case_hash, ReviewRow.decided_at.desc())
    rows: dict[str, list[int]] = {}
    with reading(engine) as session:
        for batch_id, row in session.execute(last):
            rows.setdefault(batch_id, []).append(row)
    decided_before: dict[str, DecidedBefore] = {}
    for batch_id, numbers in rows.items():
        decided_before |= _as_told(engine, batch_id, numbers)
    return decided_before


def _in_doubt() -> ColumnElement[bool]:
    """Whether somebody objected to this decision of the case, in whichever batch it was given, or to a later one; or
    the case was taken back or returned since, or decided anew, and that has not left.
    """
    other, objections = aliased(ReviewRow), select(BatchRow.objects_to).where(BatchRow.objects_to.is_not(None))
    objected = other.batch_id.in_(objections) & (other.decided_at >= ReviewRow.decided_at)
    again = (other.state == ReviewState.OPEN) & (other.version > 1)
    anew = (other.state != ReviewState.RELEASED) & (other.decided_at > ReviewRow.decided_at)
    return exists().where(other.case_hash == ReviewRow.case_hash, or_(objected, again, anew))


def _as_told(engine: Engine, batch_id: str, rows: Sequence[int]) -> dict[str, DecidedBefore]:
    query = select(ReviewRow).filter_by(batch_id=batch_id, state=ReviewState.RELEASED)
    with as_told(engine, batch_id, rows=rows) as session:
        return {
            row.case_hash: DecidedBefore(
                batch_id, row.row, json.loads(row.decision), row.reason or "", row.decided_by, row.decided_at
            )
            for row in session.scalars(query.where(ReviewRow.row == any_(cast(list(rows), ARRAY(Integer)))))
            if row.case_hash and row.decision and row.decided_by and row.decided_at
        }
