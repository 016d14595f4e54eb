"""Process: from the kept original to the signed and encrypted first result, in one go.

Rules: rows that need an officer or the leader's approval do not hold the batch up: they go back *under review*, or
awaiting approval, and into the queue; what comes of them follows in a supplementary result (``steps/release.py``). The
rows go through in parts, from the opened request into the envelope (ADR 19).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from exchange.office import Office
from exchange.register import NewReview, State
from exchange.stages import stage
from exchange.steps.answers import PENDING, POPULATION, Part, Question, has_code
from exchange.steps.candidates import Unqueued, first_unqueued, keep
from exchange.steps.queue import new_reviews
from exchange.steps.ranges import put_together, remove
from exchange.steps.seal import seal_data, sign_result

log = logging.getLogger(__name__)


@dataclass
class _Waiting:
    """The rows that the first result does not answer, as they go by."""

    question: Question
    rows: int = 0
    open: int = 0
    reviews: list[NewReview] = field(default_factory=list)
    unqueued: Unqueued = field(default_factory=Unqueued)

    def seen(self, parts: Iterator[Part]) -> Iterator[Part]:
        question, office = self.question, self.question.office
        people = office.snapshots.version(POPULATION, question.pins[POPULATION][0]).open("people")
        for asked, answers in parts:
            with stage("queue"):
                self.open += int(has_code(answers, PENDING).sum())
                self.reviews += new_reviews(
                    answers, question.agreement, people, office.settings.divisions, self.rows + 1
                )
                self.unqueued += first_unqueued(answers, self.rows + 1)
                self.rows += answers.height
            yield asked, answers


def process(office: Office, batch_id: str) -> None:
    """From accepted to sealed; nothing to do where the batch is further."""
    process_ranges(office, batch_id, ())


def process_ranges(office: Office, batch_id: str, ranges: Sequence[str]) -> None:
    """The same, of what was decided by ranges before: their hashes, see ``steps/ranges.py``."""
    batch = office.register.batch(batch_id)
    if batch.state is not State.ACCEPTED:
        return
    question = Question.of(office, batch)
    waiting = _Waiting(question)
    parts = put_together(question, ranges) if ranges else question.first_parts()
    data = seal_data(question, waiting.seen(parts), supplement=0)
    files = sign_result(question, data, supplement=0, rows_open=waiting.open)
    with stage("register"):
        keep(office, batch, waiting.unqueued)
        office.register.sealed(batch.id, data.counts, files, waiting.open, waiting.reviews)
    remove(office, ranges)
    log.info(
        "%s: %d rows answered and sealed, %d of them still open: %s", batch.id, waiting.rows, waiting.open, data.counts
    )
