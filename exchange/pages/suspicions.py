"""First results that the guard against fishing holds (防探测), before a leader: what tripped, whose, and the word.

Rules
- Figures alone: how many, and from where on it trips; nobody who was asked about is here, nor any of their hashes.
- Released, it is delivered while the leader waits; refused, the partner is told. Where the partner's server is in the
  way, the decision stands and is listed until it is told: the same word again finishes it.
- A reason is written with either word, into the register alone.
"""

from __future__ import annotations

from typing import Final

from fastapi import HTTPException
from fastapi.responses import Response

from exchange.app import App
from exchange.pages import words
from exchange.pages.asked import PageRequest
from exchange.pages.leaders_word import batch_and_why
from exchange.pages.troubles import Agreements, named
from exchange.register.guard import RELEASED, GuardHold
from exchange.steps.guarding import refuse_held, release_held
from exchange.supervision.labels import trip


def held(app: App, known: Agreements) -> list[dict[str, object]]:
    """What is not finished: held and not decided, the oldest first; then decided and not told to the partner."""
    guard = app.register.guard
    return [_line(app, known, hold) for hold in (*guard.holds(), *guard.unfinished())]


def _line(app: App, known: Agreements, hold: GuardHold) -> dict[str, object]:
    batch = app.register.batch(hold.batch)
    partner, purpose = named(known, batch)
    return {
        "batch": batch,
        "partner": partner,
        "purpose": purpose,
        "due": words.due_words(batch),
        "since": words.moment(hold.held_at),
        "tripped": [trip(limit) for limit in hold.tripped],
        "decision": hold.decision,
        "released": hold.decision == RELEASED,
        "reason": hold.reason or "",
    }


def decide_hold(asked: PageRequest) -> Response:
    """Lets a held result go, or refuses the batch; with why."""
    app, word = asked.app, asked.form.get("word")
    batch_id, why = batch_and_why(asked)
    if word == "release":
        release_held(app, batch_id, why)
        return asked.see("/approval?done=let_go")
    if word == "refuse":
        refuse_held(app, batch_id, why)
        return asked.see("/approval?done=refused")
    raise HTTPException(400)


PAGES: Final = {"decide_hold": decide_hold}
