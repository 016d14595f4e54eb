"""Rows alike (同类一并核实): a sample of them, and one decision for all.

Rule: a POST each, because that the sample was looked at is registered; what may be decided so: ``review/alike.py``.
"""

from __future__ import annotations

from typing import Final

from fastapi import HTTPException
from fastapi.responses import Response

from exchange.base.errors import without_values
from exchange.base.tables import REASONS
from exchange.pages import words
from exchange.pages.asked import PageRequest
from exchange.pages.compare import compared, records, whose
from exchange.pages.review import causes_in_words, chosen
from exchange.pages.troubles import agreements, named
from exchange.review.alike import alike, decide_together, look
from exchange.review.decisions import check_reason
from exchange.review.people import may_review
from exchange.supervision import labels


def see_alike(asked: PageRequest) -> Response:
    """The sample of the largest lot of a heap, and what would be decided for all of it."""
    app, (batch_id, causes) = asked.app, _heap(asked)
    with without_values():
        lot = alike(app, batch_id, causes)
        if lot is None:
            return asked.see("/review?few=1")
        rows = [(case.review.row, whose(case), compared(case), records(case)) for case in look(app, lot)]
    batch = app.register.batch(batch_id)
    partner, purpose = named(agreements(app), batch)
    return asked.page(
        "alike.html",
        lot=lot,
        batch=batch,
        partner=partner,
        purpose=purpose,
        due=words.due_words(batch),
        causes=causes,
        why=causes_in_words(causes),
        answers=[(labels.item(column), labels.answer(code)) for column, code in lot.answers.items()],
        rows=rows,
        reasons=REASONS,
        moment=words.moment(app.now()),
    )


def decide_alike(asked: PageRequest) -> Response:
    """All of the lot that was shown, or none."""
    app, (batch_id, causes) = asked.app, _heap(asked)
    reason = asked.form.get("reason", "")
    with without_values():
        check_reason(reason, "同类")
        decide_together(app, batch_id, causes, asked.form.get("shown", ""), reason)
    return asked.see("/review?alike=1")


def _heap(asked: PageRequest) -> tuple[str, tuple[str, ...]]:
    """The heap that was posted; 404 where it has no row of this officer's."""
    app, given = asked.app, chosen(asked.form)
    batch_id = given.batch or ""
    settings, person = app.settings, app.register.actor
    divisions = app.register.reviews.divisions_of(batch_id)
    if not any(may_review(settings, person, division) for division in divisions):
        raise HTTPException(404)
    return batch_id, given.causes


PAGES: Final = {"see_alike": see_alike, "decide_alike": decide_alike}
