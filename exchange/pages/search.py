"""The register's search (登记查询) by batch, partner, period, letter, state.

Rule: the search terms are sent by POST, so that no address, log or browser history holds them.
"""

from __future__ import annotations

from typing import Final

from fastapi.responses import Response

from exchange.pages import words
from exchange.pages.asked import PageRequest
from exchange.pages.troubles import agreements, named
from exchange.register import BatchFilter, State
from exchange.supervision import labels

FOUND: Final = 200
_LONGEST: Final = 100
_FIELDS: Final = ("batch", "partner", "period", "letter", "state")


def search(asked: PageRequest) -> Response:
    """The form, and under it the batches that match, newest first."""
    given = {name: asked.form.get(name, "").strip()[:_LONGEST] for name in _FIELDS}
    wanted = {name: text for name, text in given.items() if text}
    state = wanted.pop("state", None)
    known = agreements(asked.app)
    batches = []
    if wanted or state in list(State):
        chosen = BatchFilter(**wanted, state=State(state) if state in list(State) else None, limit=FOUND)
        batches = asked.app.register.batches(chosen)
    return asked.page(
        "search.html",
        given=given,
        asked=bool(asked.form),
        partners={code: names[0] for code, names in known.items()},
        states=words.STATES,
        lines=[
            (
                batch,
                *named(known, batch),
                f"{labels.cycle(batch.cycle).zh} {batch.period or ''}" if batch.cycle else "",
                words.STATES[batch.state],
                words.moment(batch.received_at),
                words.due_words(batch),
            )
            for batch in batches
        ],
        most=FOUND,
    )


PAGES: Final = {"search": search, "search_register": search}
