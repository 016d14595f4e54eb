"""A second look (复核) that an officer opens in the stead of the person asked about, from a batch's row.

Rules
- What is given is the batch, the row and the number of the person's letter: no word about the person, and nothing of
  the row is shown here. Who decides the new row opens it in the review.
- The same row and letter are the same second look: sent twice, it is opened once (``steps/second_look.py``).
- Opening is a POST with a token; the register tells who opened it, by which letter.

Source: Personal Information Protection Law, art. 46, 50.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from fastapi import HTTPException
from fastapi.responses import Response

from exchange.base.errors import without_values
from exchange.calendar.deadlines import EXTENDED_OBJECTION, OBJECTION, WORKING_DAYS
from exchange.pages import words
from exchange.pages.answering import number_of
from exchange.pages.asked import PageRequest
from exchange.pages.troubles import agreements, named
from exchange.register import Batch
from exchange.review.decisions import check_note
from exchange.review.people import offices_of
from exchange.steps.second_look import open_second_look
from exchange.supervision.labels import Words


def objections(asked: PageRequest) -> Response:
    """The form; filled in by whoever led here from a row. After an opening, what was opened and until when."""
    given = asked.request.query_params
    opened = asked.app.register.find_batch(given.get("opened", ""))
    return asked.page(
        "objection.html",
        batch=_known(asked, given.get("batch", "")),
        row=given.get("row", "") if given.get("row", "").isdecimal() else "",
        days=WORKING_DAYS[OBJECTION],
        extended=EXTENDED_OBJECTION,
        opened=None if opened is None or opened.objects_to is None else _facts(asked, opened),
    )


def _known(asked: PageRequest, batch_id: str) -> str:
    """The id of a batch that there is; any other text is not put into the form."""
    batch = asked.app.register.find_batch(batch_id)
    return "" if batch is None else batch.id


def _facts(asked: PageRequest, opened: Batch) -> list[tuple[Words, str]]:
    partner, purpose = named(agreements(asked.app), opened)
    return [
        (Words("复核批次", "second look"), opened.id),
        (Words("所复核的批次", "of batch"), opened.objects_to or ""),
        (Words("部门", "partner"), partner),
        (Words("用途", "purpose"), purpose),
        (Words("来信编号", "letter"), opened.letter or ""),
        (Words("时限", "due"), str(words.due_words(opened))),
    ]


def open_objection(asked: PageRequest) -> Response:
    """Opens it in the officer's name, and leads to what was opened."""
    app, batch_id, row = asked.app, asked.form.get("batch", "").strip(), number_of(asked.form.get("row", ""))
    letter = asked.form.get("letter", "").strip()
    with without_values():
        offices_of(app.settings, app.register.actor)
        check_note(letter)  # that it says something, the manifest asks
    if app.register.find_batch(batch_id) is None:
        raise HTTPException(404)
    opened = open_second_look(app, batch_id, row, letter)
    return asked.see(f"/objection?opened={quote(opened)}")


PAGES: Final = {"objections": objections, "open_objection": open_objection}
