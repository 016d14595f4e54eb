"""Workers on several machines: each step of a batch on another one, which share the archive, the snapshots and the
register; whatever else a step writes is its own machine's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from exchange.app import App
from exchange.base.files import make_folder
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province.claims import make_claims
from exchange.intake.collect import poll
from exchange.pipeline import deliver, process, receive
from exchange.register import State
from exchange.steps.disclosure import as_disclosed

ITEMS = ("id_number", "name", "sex", "criminal_record")
SHARED = ("archive", "snapshots")


@pytest.fixture
def machine(app: App, tmp_path: Path) -> Callable[[str], App]:
    """The office as a machine sees it: a home of its own, in which only what is shared is the shared one."""

    def make(name: str) -> App:
        home = tmp_path / name
        home.mkdir()
        for folder in SHARED:
            (home / folder).symlink_to(make_folder(app.settings.home / folder), target_is_directory=True)
        return App(app.settings.model_copy(update={"home": home}), app.register)

    return make


def test_each_step_on_another_machine(
    machine: Callable[[str], App],
    court: DemoPartner,
    ask: Callable[..., Request],
    people: pl.DataFrame,
    offenders: pl.Series,
) -> None:
    claims = make_claims(people, offenders, ITEMS, 50, seed=8, approved=True)
    request = ask(to_csv(claims.rows), 50, items=ITEMS)
    court.drop(court.make_set(request))
    assert request.batch in poll(machine("collector")).waiting
    assert receive(machine("first"), request.batch)
    process(machine("second"), request.batch)
    deliver(third := machine("third"), request.batch)
    assert third.register.batch(request.batch).state in (State.DELIVERED, State.CLOSED)
    answers = court.result(request.batch).manifest["answers"]
    for column, tally in answers.items():
        assert tally == dict(as_disclosed(claims.expected)[column].value_counts().iter_rows()), column


def test_a_try_that_was_given_up_for_dead_does_not_disturb_the_next(
    machine: Callable[[str], App],
    court: DemoPartner,
    ask: Callable[..., Request],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first machine's fetched file lies ready; before it goes on, the second has done the whole step."""
    request = ask()
    court.drop(court.make_set(request))
    poll(app := machine("one"))
    keep_file, overtaken = app.archive.keep_file, False

    def late(fetched: Path, digest: str) -> None:
        nonlocal overtaken
        if not overtaken:
            overtaken = True
            assert receive(app, request.batch)
        keep_file(fetched, digest)

    monkeypatch.setattr(app.archive, "keep_file", late)
    assert receive(app, request.batch)
    assert overtaken
    assert [step.to_state for step in app.register.transitions(request.batch)] == ["claimed", "accepted"]
