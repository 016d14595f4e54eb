"""A sample of a release's rows for the leader who is asked (抽看): claim, register, and the answer that leaves.

Rules
- The leader sees what an officer sees of a row, no more; that the leader looked is registered before anything is shown.
- The rows are drawn by the hash of what leaves: whoever asks again sees the same ones, so that a release is not leafed
  through. Half of them are rows that an officer decided, where there are so many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from exchange.app import App
from exchange.register import Release, Review, unqueued
from exchange.review.case import CaseView, load_cases
from exchange.steps.answers import BatchContext, answer_columns
from exchange.steps.release import answers_leaving

SAMPLE_ROWS: Final = 6


@dataclass(frozen=True)
class Sampled:
    """``leaves``: column → the code that leaves once it is approved."""

    case: CaseView
    leaves: Mapping[str, str]


def sampled(app: App, release: Release) -> list[Sampled]:
    """The rows of the sample, ascending; registered as opened."""
    queued = {review.row: review for review in app.register.reviews.among(release.batch, release.rows)}
    rows = drawn(release.rows, queued, release.answers_sha256 or release.id)
    reviews: list[Review] = [queued.get(row) or unqueued(release.batch, row) for row in rows]
    cases = load_cases(app, release.batch, reviews)
    answers = answers_leaving(BatchContext.of(app, app.register.batch(release.batch)), rows)
    columns = answer_columns(answers)
    leaves = [
        {column.removeprefix("answer."): row[column] for column in columns} for row in answers.iter_rows(named=True)
    ]
    return [Sampled(case, codes) for case, codes in zip(cases, leaves, strict=True)]


def drawn(rows: Iterable[int], decided: Iterable[int], seed: str) -> list[int]:
    """At most ``SAMPLE_ROWS`` of these rows, ascending, the same for the same seed."""
    by_officer = sorted(set(rows) & set(decided))
    others = sorted(set(rows) - set(by_officer))
    random = Random(seed)  # noqa: S311  (which rows are seen is no secret)
    first = random.sample(by_officer, min(len(by_officer), max(SAMPLE_ROWS // 2, SAMPLE_ROWS - len(others))))
    return sorted([*first, *random.sample(others, min(len(others), SAMPLE_ROWS - len(first)))])
