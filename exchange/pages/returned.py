"""What a leader returned (退回): why, the officer's rows of it, and that it is proposed again (重新送审).

Rules
- A returned release is shown to the officers whose it is (``register/returned.py``); to others it is not there.
- What an officer decided before stands beside each row; to keep it is a decision, too, with the row looked at again.
- Rows that are still open stay behind when it is proposed again, as rows of a batch do that was never returned.
"""

from __future__ import annotations

from typing import Final

from fastapi import HTTPException
from fastapi.responses import Response

from exchange.base.errors import Halt, without_values
from exchange.pages import words
from exchange.pages.asked import PageRequest
from exchange.pages.troubles import agreements, named
from exchange.register import Review, ReviewState
from exchange.register.releases import parse_id
from exchange.register.returned import Returned, returned_release
from exchange.review.decisions import check_note
from exchange.review.labels import why
from exchange.review.people import may_review, offices_of
from exchange.supervision import labels

LISTED: Final = 200


def returned(asked: PageRequest) -> Response:
    """One of them: the leader's reason, what would have left, and the rows that are this officer's."""
    app, case = asked.app, _mine(asked, asked.request.path_params["release_id"])
    release, batch = case.release, case.batch
    partner, purpose = named(agreements(app), batch)
    reviews = app.register.reviews.among(batch.id, release.rows)
    mine = [review for review in reviews if may_review(app.settings, app.register.actor, review.division)]
    mine.sort(key=lambda review: (review.state is not ReviewState.OPEN, review.row))
    return asked.page(
        "returned.html",
        release=release,
        batch=batch,
        partner=partner,
        purpose=purpose,
        due=words.due_words(batch),
        by=words.who(app.settings, release.judged_by),
        at=words.moment(release.judged_at),
        open=case.open,
        counts=[
            (labels.item(item), labels.answer(code), rows)
            for item, tally in release.counts.items()
            for code, rows in tally.items()
        ],
        lines=[(review, why(review), words.REVIEWS[review.state], _before(review)) for review in mine[:LISTED]],
        more=max(0, len(mine) - LISTED),
    )


def _before(review: Review) -> str:
    """What was decided last, in words."""
    answers = [f"{labels.item(item).zh} {labels.answer(code).zh}" for item, code in review.answers.items()]
    return "；".join(answers)


def propose_again(asked: PageRequest) -> Response:
    """The rows may leave again; within a minute they are before the leader, as far as they are decided."""
    case, note = _mine(asked, asked.form.get("release", "")), asked.form.get("note", "").strip()
    with without_values():
        check_note(note, needed=True)
    asked.app.register.releases.reopen(case.batch.id, case.release.number, note)
    return asked.see("/review?proposed=1")


def _mine(asked: PageRequest, release_id: str) -> Returned:
    """The returned release of this name, where it is this officer's."""
    app = asked.app
    try:
        batch_id, number = parse_id(release_id)
    except Halt:
        raise HTTPException(404) from None
    releases = returned_release(app.register.engine, offices_of(app.settings, app.register.actor), batch_id, number)
    if releases is None:
        raise HTTPException(404)
    return releases


PAGES: Final = {"returned": returned, "propose_again": propose_again}
