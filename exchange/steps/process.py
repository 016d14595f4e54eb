"""Process: from the kept original to the signed and encrypted first result, in one go.

Rules: rows that need an officer or the leader's approval do not hold the batch up: they go back *under review*, or
awaiting approval, and into the queue; what comes of them follows in a supplementary result (``steps/release.py``).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from exchange.office import Office
from exchange.register import State
from exchange.steps.answers import PENDING, POPULATION, Question, has_code
from exchange.steps.parts import assembled, remove
from exchange.steps.queue import new_reviews
from exchange.steps.seal import seal_result

log = logging.getLogger(__name__)


def process(office: Office, batch_id: str) -> None:
    """From accepted to sealed; nothing to do where the batch is further."""
    process_parts(office, batch_id, ())


def process_parts(office: Office, batch_id: str, parts: Sequence[str]) -> None:
    """The same, of what was decided in parts before: their hashes, see ``steps/parts.py``."""
    batch = office.register.batch(batch_id)
    if batch.state is not State.ACCEPTED:
        return
    question = Question.of(office, batch)
    answers = assembled(question, parts) if parts else question.matched()
    rows_open = int(has_code(answers, PENDING).sum())
    people = office.snapshots.version(POPULATION, question.pins[POPULATION][0]).open("people")
    reviews = new_reviews(answers, question.agreement, people, office.settings.divisions)
    counts, files = seal_result(question, answers, question.table, supplement=0, rows_open=rows_open)
    office.register.sealed(batch.id, counts, files, rows_open, reviews)
    remove(office, parts)
    log.info("%s: %d rows answered and sealed, %d of them still open: %s", batch.id, answers.height, rows_open, counts)
