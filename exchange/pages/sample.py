"""A sample of a release's rows before the leader (抽看): a POST, because that the leader looked is registered."""

from __future__ import annotations

from typing import Final

from fastapi import HTTPException
from fastapi.responses import Response

from exchange.base.errors import Halt, without_values
from exchange.pages import words
from exchange.pages.asked import PageRequest
from exchange.pages.compare import compared, records, whose
from exchange.register import ReleaseState
from exchange.register.releases import parse_id
from exchange.review.labels import why
from exchange.review.people import check_leader
from exchange.review.sample import Sampled, sampled
from exchange.supervision import labels


def sample(asked: PageRequest) -> Response:
    """Some rows of a release that waits; of one that does not, none."""
    app = asked.app
    try:
        batch_id, number = parse_id(asked.form.get("release", ""))
        release = app.register.releases.get(batch_id, number)
    except Halt:
        raise HTTPException(404) from None
    check_leader(app.settings, app.register.actor)
    if release.state is not ReleaseState.PROPOSED:
        raise HTTPException(404)
    with without_values():
        rows = [_shown(row) for row in sampled(app, app.attested(batch_id).release(number))]
    return asked.page("sample.html", release=release, rows=rows, moment=words.moment(app.now()))


def _shown(row: Sampled) -> dict[str, object]:
    review = row.case.review
    return {
        "row": review.row,
        "why": why(review),
        "people": whose(row.case),
        "lines": compared(row.case),
        "records": records(row.case),
        "leaves": [(labels.item(column), labels.answer(code)) for column, code in row.leaves.items()],
    }


PAGES: Final = {"sample": sample}
