"""More time for an objection (异议延期): an officer asks for it from a row, a leader gives it once, or returns it.

Rules
- The objection is one of which a row is the officer's; until a leader, another person, approves, its due day stays.
- Who decided a row of the objection, or one that it is about, does not give it more time; another leader does
  (``review/second_eyes.py``). A leader may give it unasked.
"""

from __future__ import annotations

from typing import Final

from fastapi import HTTPException
from fastapi.responses import Response

from exchange.app import App
from exchange.base.errors import without_values
from exchange.calendar.deadlines import EXTENDED_OBJECTION, OBJECTION, WORKING_DAYS
from exchange.pages import words
from exchange.pages.answering import number_of
from exchange.pages.asked import PageRequest
from exchange.pages.leaders_word import batch_and_why, posted_batch
from exchange.pages.review import own_row
from exchange.pages.troubles import Agreements, named
from exchange.register.extensions import ExtensionProposal
from exchange.review import second_eyes
from exchange.review.decisions import check_note
from exchange.review.second_eyes import decided_first

DAYS: Final = (WORKING_DAYS[OBJECTION], EXTENDED_OBJECTION)
"""Working days of an objection, and of one that was extended."""


def extendable(app: App, known: Agreements) -> list[dict[str, object]]:
    """The open objections that have their first time: those for which somebody asks, and what is due first, before the
    rest.
    """
    asked = {proposal.batch: proposal for proposal in app.register.extensions.proposals()}
    lines: list[dict[str, object]] = [
        {
            "batch": batch,
            "partner": named(known, batch)[0],
            "purpose": named(known, batch)[1],
            "due": words.due_words(batch),
            "open": batch.rows_open,
            "mine": app.register.actor in app.register.reviews.deciders(batch.id) or decided_first(app, batch.id),
            "asked": _shown_proposal(app, asked.get(batch.id)),
        }
        for batch in app.register.extensions.extendable()
    ]
    return sorted(lines, key=lambda line: line["asked"] is None)


def _shown_proposal(app: App, proposal: ExtensionProposal | None) -> dict[str, object] | None:
    if proposal is None:
        return None
    return {
        "number": proposal.number,
        "reason": proposal.reason,
        "by": words.who(app.settings, proposal.proposed_by),
        "since": words.moment(proposal.proposed_at),
        "mine": proposal.proposed_by == app.register.actor,
    }


def propose_extension(asked: PageRequest) -> Response:
    """An officer asks a leader for the objection's longer time; with why."""
    review, why = own_row(asked), asked.form.get("why", "").strip()
    with without_values():
        check_note(why, needed=True)
    proposed = asked.app.register.extensions.propose(review.batch, asked.app.now(), why)
    return asked.see("/review?more=1" if proposed else "/review?waits=1")


def decide_extension(asked: PageRequest) -> Response:
    """Gives the time that was asked for, or returns it with why."""
    app, number = asked.app, number_of(asked.form.get("number", ""))
    if asked.form.get("word") == "approve":
        second_eyes.approve_extension(app, posted_batch(asked), number)
        return asked.see("/approval?done=extended")
    if asked.form.get("word") != "reject":
        raise HTTPException(400)
    batch_id, why = batch_and_why(asked)
    app.register.extensions.reject(batch_id, app.now(), why, number)
    return asked.see("/approval?done=not_extended")


def extend(asked: PageRequest) -> Response:
    """Gives the objection its longer time, unasked; with why."""
    batch_id, why = batch_and_why(asked)
    second_eyes.extend(asked.app, batch_id, why)
    return asked.see("/approval?done=extended")


PAGES: Final = {
    "propose_extension": propose_extension,
    "decide_extension": decide_extension,
    "extend": extend,
}
