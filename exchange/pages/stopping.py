"""An officer asks for the clock of a batch to be paused (报请停止计时), from a row that must be looked into by hand.

Rule: the batch is one of which a row is this officer's; the clock runs until a leader, another person, approves
(``register/clock.py``).
"""

from __future__ import annotations

from typing import Final

from fastapi.responses import Response

from exchange.base.errors import Halt, without_values
from exchange.base.tables import STOPS
from exchange.pages.asked import PageRequest
from exchange.pages.review import own_row
from exchange.review.decisions import check_note


def propose_stop(asked: PageRequest) -> Response:
    """Proposes to pause the clock of a row's batch; Halt where the reason is none, or a note is needed."""
    review, reason = own_row(asked), asked.form.get("reason", "")
    note = asked.form.get("note", "").strip() or None
    if reason not in STOPS:
        msg = f"no such reason; one of {', '.join(STOPS)}"
        raise Halt(msg, zh="请从列出的原因中选一项")
    with without_values():
        check_note(note, needed=reason == "other")
    proposed = asked.app.register.clock.propose(review.batch, asked.app.now(), reason, note)
    return asked.see("/review?asked=1" if proposed else "/review?waits=1")


PAGES: Final = {"propose_stop": propose_stop}
