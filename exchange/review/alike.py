"""Rows alike (同类), decided together after a look at a sample of them.

Rules
- Alike are open rows of one batch for the same causes that may mean as many people of the register, and whose every
  open column has a proposal that may be decided, the same one. They are decided as proposed and not otherwise; anything
  else is decided row by row.
- Never what asks about offence records, so never a hit; never an objection, nor a row that a leader returned.
- The sample is drawn by a hash, the same rows for whoever asks again, and registered as opened before anything is
  shown; nothing else of the heap is opened. Whoever decides has the sample open; each row's note says that it was so.
- What is decided is what was shown: where a row changed since, none is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from exchange.app import App
from exchange.base.errors import Halt
from exchange.register import Decision, Review, ReviewFilter
from exchange.review.case import CaseView, load_cases, proposals
from exchange.review.decisions import allowed, complete
from exchange.review.people import may_review
from exchange.review.second_eyes import decide, needs_two

AT_LEAST: Final = 5
"""Fewer rows are decided one by one."""
AT_MOST: Final = 500
"""More are decided in several turns."""
SAMPLE_ROWS: Final = 5


@dataclass(frozen=True)
class Alike:
    """Rows of one batch; ``answers``: what is proposed for each of them, column → code."""

    batch: str
    reviews: tuple[Review, ...]
    answers: Mapping[str, str]

    @property
    def shown(self) -> str:
        """The hash of the rows as they stand and of what would be decided."""
        seen = [
            self.batch,
            [(review.row, review.version) for review in self.reviews],
            dict(sorted(self.answers.items())),
        ]
        return hashlib.sha256(json.dumps(seen).encode()).hexdigest()

    @property
    def sample(self) -> list[Review]:
        """The rows that are looked at before all are decided."""
        drawn = Random(self.shown).sample(self.reviews, SAMPLE_ROWS)  # noqa: S311  (which rows are seen is no secret)
        return sorted(drawn, key=lambda review: review.row)


def may_be_alike(app: App, batch_id: str) -> bool:
    """Whether rows of this batch are ever decided together."""
    batch = app.register.batch(batch_id)
    return batch.objects_to is None and not needs_two(batch)


def alike(app: App, batch_id: str, causes: Sequence[str]) -> Alike | None:
    """The largest lot that this officer may decide and nobody else has open; None where it is too small."""
    if not may_be_alike(app, batch_id):
        return None
    settings, person, at = app.settings, app.register.actor, app.now()
    free = [
        waiting
        for waiting in app.register.reviews.find(ReviewFilter(batch=batch_id))
        if waiting.causes == tuple(causes)
        and waiting.returned_for is None
        and may_review(settings, person, waiting.division)
        and (waiting.held_by in (None, person) or waiting.held_until is None or waiting.held_until <= at)
    ][:AT_MOST]
    lots: dict[tuple[str, int], list[Review]] = {}
    for review, proposal in zip(free, proposals(app, batch_id, [free_row.row for free_row in free]), strict=True):
        answers = {column: proposal.follows.get(column, "") for column in proposal.open}
        if all(code in allowed(column) for column, code in answers.items()):
            written = json.dumps(complete(proposal.open, answers), sort_keys=True)
            lots.setdefault((written, proposal.people), []).append(review)
    (written, _), largest = max(lots.items(), key=lambda lot: len(lot[1]), default=(("", 0), []))
    if len(largest) < AT_LEAST:
        return None
    return Alike(batch_id, tuple(largest), json.loads(written))


def look(app: App, lot: Alike) -> list[CaseView]:
    """The sample, open with this officer."""
    return load_cases(app, lot.batch, lot.sample, hold=True)


def decide_together(app: App, batch_id: str, causes: Sequence[str], shown: str, reason: str) -> int:
    """Decides the whole lot as proposed; how many rows. Halt where it changed since it was shown, or was not opened."""
    lot = alike(app, batch_id, causes)
    if lot is None or lot.shown != shown:
        msg = f"{batch_id}: what was shown has changed since; look at the sample again"
        raise Halt(msg, zh=f"{batch_id}：所示内容已有变动，请重新抽看")
    if not all(opened.was_opened_by(app.register.actor, app.now()) for opened in lot.sample):
        msg = f"{batch_id}: the sample is not open with you; look at it, then decide"
        raise Halt(msg, zh="抽看的行不在您手中，请重新抽看后再登记")
    note = f"同类 {len(lot.reviews)} 行，抽看 {SAMPLE_ROWS} 行后一并核实"
    decide(app, batch_id, [Decision(review.row, review.version, lot.answers, reason, note) for review in lot.reviews])
    return len(lot.reviews)
