"""What a small set costs is for the most part what is asked of the register: how much, held to a bound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sqlalchemy import event

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll

MOST_QUESTIONS = 45
"""Of which some fifteen lock a batch, hold it against the ledger, and write its lines; four more only send."""
MOST_TRANSACTIONS = 6
"""Of which three write lines of the ledger and two hold the name of what is sent."""


def test_a_set_of_one_row_asks_no_more_of_the_register_than_it_did(
    app: App, court: DemoPartner, ask: Callable[..., Request]
) -> None:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    asked = Counter[str]()
    event.listen(app.register.engine, "before_cursor_execute", lambda *_: asked.update(["question"]))
    event.listen(app.register.engine, "commit", lambda *_: asked.update(["transaction"]))
    assert pipeline.run(app, request.batch)
    assert asked["question"] <= MOST_QUESTIONS
    assert asked["transaction"] <= MOST_TRANSACTIONS
