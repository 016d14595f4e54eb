"""More time for an objection (异议延期), which a leader gives once.

Rule: who decided a row of the objection, or one that it is about, does not give it more time; another leader does
(``review/second_eyes.py``).
"""

from __future__ import annotations

from typing import Final

from fastapi.responses import Response

from exchange.app import App
from exchange.calendar.limits import EXTENDED_OBJECTION, OBJECTION, WORKING_DAYS
from exchange.pages import words
from exchange.pages.asked import Asked
from exchange.pages.leaders_word import batch_and_why
from exchange.pages.troubles import Agreements, named
from exchange.review import second_eyes
from exchange.review.second_eyes import decided_first

DAYS: Final = (WORKING_DAYS[OBJECTION], EXTENDED_OBJECTION)
"""Working days of an objection, and of one that was extended."""


def extendable(app: App, known: Agreements) -> list[dict[str, object]]:
    """The open objections that have their first time, what is due first before the rest."""
    return [
        {
            "batch": batch,
            "partner": named(known, batch)[0],
            "purpose": named(known, batch)[1],
            "due": words.due_words(batch),
            "open": batch.rows_open,
            "mine": app.register.actor in app.register.reviews.deciders(batch.id) or decided_first(app, batch.id),
        }
        for batch in app.register.clock.extendable()
    ]


def extend(asked: Asked) -> Response:
    """Gives the objection its longer time; with why."""
    batch_id, why = batch_and_why(asked)
    second_eyes.extend(asked.app, batch_id, why)
    return asked.see("/approval?done=extended")


PAGES: Final = {"extend": extend}
