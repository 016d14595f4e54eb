"""What a partner was last told of a row: by the batch that answered it, and by the objections to it that left since.

Rules
- An objection corrects the batch that it is about: from the day on which its result left, that is the answer that the
  partner has. A later objection or second look is held against it, not against what the batch said at first; and a
  supplementary result of the batch, which says all columns of a row, says the corrected ones of it.
- Of several the one that left last holds. A second look of which the partner heard nothing said the same again.
- An objection whose data is past its time can no longer say which rows it was about: ``unknown`` says so, and who is
  looked at again then is told of it once too often rather than left with another answer than the office's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.matching.decide import IDENTITY_COLUMN
from exchange.register import Attested, Batch, Release, ReleaseState, Role, State
from exchange.steps.answers import BatchContext, answer_columns
from exchange.steps.bases import looked_at_again
from exchange.steps.disclosure import AWAITING
from exchange.steps.objection import UNKNOWN
from exchange.steps.rows import REFERENCE


@dataclass(frozen=True)
class Corrected:
    """``answers`` as they were last told, in the columns and rows given; ``unknown``: whether there may be another
    correction that nobody can read any more.
    """

    answers: pl.DataFrame
    unknown: bool = False


def approved(answers: pl.DataFrame) -> pl.DataFrame:
    """The answers as they are once the leader has approved: *awaiting approval* becomes *no record*."""
    return answers.with_columns(pl.col(answer_columns(answers)).replace(AWAITING, "no_record"))


def corrected(app: App, first: Batch, answers: pl.DataFrame, *, but: str = "", before: int | None = None) -> Corrected:
    """The answers to rows of this batch (columns of ``matching.decide``) with those over them that objections to it
    have given. ``but``: not of this objection; ``before``: of those that left before this line of the ledger.
    """
    unknown = False
    for seq, attested, release in _left(app, first, but):
        if before is not None and seq >= before:
            break
        if Role.DATA in app.register.retention.destroyed(attested.batch.id):
            unknown = True
        else:
            answers = _over(answers, BatchContext.of_attested(app, attested), release)
    return Corrected(answers, unknown)


def left_at(app: App, batch_id: str) -> dict[int, int]:
    """Number of a release → the ledger's line that says that its result lies in the partner's folder."""
    lines: dict[int, int] = {}
    for step in app.register.steps(batch_id):
        for name, value in json.loads(step.facts).items():
            kind, _, number = name.partition(".")
            if kind == "release" and number.isdigit() and str(value).startswith(ReleaseState.DELIVERED):
                lines[int(number)] = step.seq
    return lines


def _left(app: App, first: Batch, but: str) -> Sequence[tuple[int, Attested, Release]]:
    """The releases of objections to this batch of which the partner was told, in the order in which they left."""
    told = []
    for objection in app.register.objections_to(first):
        if objection.id == but or objection.state not in (State.DELIVERED, State.CLOSED):
            continue
        attested = app.attested(objection.id)
        delivered = [each for each in attested.releases.values() if each.state is ReleaseState.DELIVERED]
        heard = [each for each in delivered if each.upheld or not attested.opened_here]
        lines = left_at(app, objection.id) if heard else {}
        told += [(lines[each.number], attested, each) for each in heard]
    return sorted(told, key=lambda each: each[0])


def _over(answers: pl.DataFrame, objection: BatchContext, release: Release) -> pl.DataFrame:
    """The answers, with those of this release in the place of theirs."""
    about = set(objection.rows_of(answers[REFERENCE], shared=True))
    rows = [row for row in release.rows if row in about]
    if not rows:
        return answers
    day = office_day(release.proposed_at)
    said = looked_at_again(objection, approved(objection.answers(rows)), rows, day)
    said = said.filter(pl.col(IDENTITY_COLUMN) != UNKNOWN).unique(REFERENCE, keep="last")
    said = answers.select(REFERENCE).join(said, on=REFERENCE, how="left", maintain_order="left")
    there = said[IDENTITY_COLUMN].is_not_null()
    columns = [column for column in answer_columns(said) if column in answers.columns]
    return answers.with_columns(said[column].zip_with(there, answers[column]) for column in columns)
