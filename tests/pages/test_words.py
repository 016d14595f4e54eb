"""Messages name people as a reader knows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from exchange import pipeline
from exchange.app import App
from exchange.cli import show
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import OFFICER_ID, SECOND_OFFICER_ID, World
from exchange.intake.collect import poll
from exchange.pages.words import due_words, who, with_names
from exchange.register import Batch, State
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


@pytest.mark.parametrize("state", State)
def test_only_of_an_open_batch_the_clock_is_paused(state: State) -> None:
    """One that was answered without its clock having been resumed waits for nothing: all who write of it say so."""
    day = {"due_on": date(2026, 11, 9), "due_original": date(2026, 11, 9), "due_provisional": False}
    empty = dict.fromkeys(Batch.__dataclass_fields__) | {"items": (), "cycle": "monthly"}
    batch = Batch(**empty | day | {"state": state, "clock_stands": True})  # type: ignore[arg-type]
    said = [str(due_words(batch)), show.due_words(batch), str(show.due_cell(batch))]
    is_done = state is State.CLOSED
    assert [("clock was paused" in each, "clock is paused" in each) for each in said] == [(is_done, not is_done)] * 3
    assert ("办结时停止计时" in said[0], "办结时停止计时" in show.due_cell(batch).words) == (is_done, is_done)


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
