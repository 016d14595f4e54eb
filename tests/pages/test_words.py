"""Messages name people as a reader knows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import OFFICER_ID, SECOND_OFFICER_ID, World
from exchange.intake.collect import poll
from exchange.pages.words import due_words, who, with_names
from exchange.settings import Settings


def test_of_two_due_days_both_are_said(app: App, court: DemoPartner, ask: Callable[..., Request]) -> None:
    request = ask()
    court.drop(court.make_set(request))
    assert request.batch in poll(app).waiting
    assert pipeline.receive(app, request.batch)
    batch = app.register.batch(request.batch)
    assert batch.due_on is not None
    assert due_words(batch).zh == str(batch.due_on)
    later = batch.due_on + timedelta(days=3)
    assert due_words(replace(batch, due_last=later)).zh == f"{batch.due_on}，末 {later}"


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (f"a.b1 row 3 is open with {OFFICER_ID} until 10:20", OFFICER_ID),
        (f"{SECOND_OFFICER_ID} decided a row of a.b1", SECOND_OFFICER_ID),
        (f"it was {OFFICER_ID}.", OFFICER_ID),
        (f"court.{OFFICER_ID}-3 row 3", None),
        ("nobody", None),
    ],
)
def test_an_id_of_somebody_here_gets_the_name_and_nothing_else_does(
    world: World, message: str, named: str | None
) -> None:
    settings = Settings.load(world.config)
    expected = message if named is None else message.replace(named, who(settings, named), 1)
    assert with_names(settings, message) == expected
    assert (expected != message) == (named is not None)
