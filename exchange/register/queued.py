"""Rows that come into the queue, and what is known of their cases from before (``steps/decided_before.py``)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Integer, String, any_, cast, exists, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.orm import Session, aliased

from exchange.register.attest import attested_session
from exchange.register.database import reading
from exchange.register.models import LIVE, BatchRow, ReviewRow
from exchange.register.review_blocks import changed
from exchange.register.states import ReviewState

_ADD: Final = text("""
    INSERT INTO review SELECT * FROM json_populate_recordset(NULL::review, CAST(:rows AS json)) ON CONFLICT DO NOTHING
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
    rows = [_row(batch_id, review) for review in reviews]
    session.execute(_ADD, {"rows": json.dumps(rows, ensure_ascii=False)})
    changed(session, batch_id, [review.row for review in reviews])


def _row(batch_id: str, review: NewReview) -> dict[str, Any]:
    """Column of ``review`` → its value, of those that are not null."""
    row = {
        "batch_id": batch_id,
        "row": review.row,
        "division": review.division,
        "causes": review.causes,
        "state": ReviewState.OPEN,
        "version": 1,
        "case_hash": review.case,
    }
    if (decision := review.before) is not None:
        row |= {
            "state": ReviewState.DECIDED,
            "as_before": f"{decision.batch} {decision.row}",
            "decision": json.dumps(dict(decision.answers), sort_keys=True),
            "reason": decision.reason,
            "decided_by": decision.decided_by,
            "decided_at": decision.decided_at.isoformat(),
        }
    return row


def decided_before(engine: Engine, cases: Collection[str], since: datetime) -> dict[str, DecidedBefore]:
    """Keyed hash of a case → its last decision, of those of ``cases`` whose last decision was given at ``since`` or
    later and left; as the ledger says. A case that is in doubt since (``_in_doubt``) is not among them.
    """
    last = select(ReviewRow.batch_id, ReviewRow.row).ext(distinct_on(ReviewRow.case_hash)).join(BatchRow).where(LIVE)
    last = last.where(ReviewRow.case_hash == any_(cast(list(cases), ARRAY(String))), ~_in_doubt())
    last = last.where(ReviewRow.state == ReviewState.RELEASED, ReviewRow.decided_at >= since)
    last = last.order_by(ReviewRow.case_hash, ReviewRow.decided_at.desc())
    rows: dict[str, list[int]] = {}
    with reading(engine) as session:
        for batch_id, row in session.execute(last):
            rows.setdefault(batch_id, []).append(row)
    decisions: dict[str, DecidedBefore] = {}
    for batch_id, numbers in rows.items():
        decisions |= _attested_decisions(engine, batch_id, numbers)
    return decisions


def _in_doubt() -> ColumnElement[bool]:
    """Whether somebody objected to this decision of the case, in whichever batch it was given, or to a later one; or
    the case was taken back or returned since, or decided anew, and that has not left.
    """
    other, objections = aliased(ReviewRow), select(BatchRow.objects_to).where(BatchRow.objects_to.is_not(None))
    objected = other.batch_id.in_(objections) & (other.decided_at >= ReviewRow.decided_at)
    again = (other.state == ReviewState.OPEN) & (other.version > 1)
    anew = (other.state != ReviewState.RELEASED) & (other.decided_at > ReviewRow.decided_at)
    return exists().where(other.case_hash == ReviewRow.case_hash, or_(objected, again, anew))


def _attested_decisions(engine: Engine, batch_id: str, rows: Sequence[int]) -> dict[str, DecidedBefore]:
    query = select(ReviewRow).filter_by(batch_id=batch_id, state=ReviewState.RELEASED)
    with attested_session(engine, batch_id, rows=rows) as session:
        return {
            row.case_hash: DecidedBefore(
                batch_id, row.row, json.loads(row.decision), row.reason or "", row.decided_by, row.decided_at
            )
            for row in session.scalars(query.where(ReviewRow.row == any_(cast(list(rows), ARRAY(Integer)))))
            if row.case_hash and row.decision and row.decided_by and row.decided_at
        }
