"""What stands still: named each ten minutes, so that a run is started where there is none; as after a restore."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from exchange import pipeline
from exchange.app import App
from exchange.base.duty import LOOKOUT, RUNS, Duties
from exchange.cli.main import commands
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import UNMOVED, poll
from exchange.intake.lanes import Lane
from exchange.intake.owed import OwedRuns
from exchange.operation import office
from exchange.operation.finding import Condition
from exchange.register.unmoved import unmoved
from exchange.settings import ENVIRONMENT_VARIABLE

Ask = Callable[..., Request]
Later = Callable[[timedelta], App]
LONG = UNMOVED + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _not_asked_yet(app: App) -> Iterator[None]:
    asked = Duties.of_home(app.settings.home).folder / RUNS
    asked.unlink(missing_ok=True)
    yield
    asked.unlink(missing_ok=True)


def claimed(app: App, court: DemoPartner, request: Request) -> str:
    court.drop(court.make_set(request))
    poll(app)
    (Duties.of_home(app.settings.home).folder / RUNS).unlink(missing_ok=True)
    return request.batch


def refused(app: App, batch: str) -> None:
    app.register.refuse(batch, "data_hash", row=None, column="data.sha256")


def refused_and_told(app: App, batch: str) -> None:
    refused(app, batch)
    pipeline.receive(app, batch)


def prepared(app: App, batch: str) -> None:
    pipeline.receive(app, batch)
    pipeline.process(app, batch)


WAYS: dict[str, tuple[Callable[[App, str], object], bool]] = {
    "claimed": (lambda _app, _batch: None, True),
    "accepted": (pipeline.receive, True),
    "prepared": (prepared, True),
    "closed": (pipeline.run, False),
    "refused and not told": (refused, True),
    "refused": (refused_and_told, False),
}
"""How far a batch came → whether something of it is owed."""


@pytest.mark.parametrize("way", WAYS)
def test_what_is_owed_is_named_once_it_has_stood_for_long(
    app: App, later: Later, court: DemoPartner, ask: Ask, way: str
) -> None:
    go, owed = WAYS[way]
    batch = claimed(app, court, ask())
    go(app, batch)
    assert batch not in unmoved(app.register.engine, app.now(), UNMOVED), "it has only just moved"
    assert (poll(later(LONG)).unmoved.get(batch) is Lane.IMMEDIATE) == owed
    pipeline.run(app, batch)
    assert batch not in unmoved(app.register.engine, app.now(), timedelta()), "and it ends, from wherever it was"


def test_what_was_written_by_a_clock_that_ran_ahead_has_not_moved(
    app: App, later: Later, court: DemoPartner, ask: Ask
) -> None:
    """Until that day came nobody would have taken up a run that was lost, nor heard of it."""
    batch = claimed(app, court, ask())
    back = later(timedelta(days=-1))
    assert poll(back).unmoved.get(batch) is Lane.IMMEDIATE
    assert next(office.batches(back)).condition is Condition.WARNING
    pipeline.run(app, batch)


@pytest.mark.parametrize("way", WAYS)
def test_by_hand_it_is_listed_too(
    app: App, world: World, court: DemoPartner, ask: Ask, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Without Airflow nobody else would take up what was cut off."""
    go, owed = WAYS[way]
    batch = claimed(app, court, ask(cycle="monthly", period="2026-11"))
    go(app, batch)
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(world.config))
    monkeypatch.setattr("exchange.intake.collect.UNMOVED", timedelta())
    listed = CliRunner().invoke(commands, ["batch", "collect"])
    assert (batch in listed.stdout.splitlines()) == owed, listed.output
    pipeline.run(app, batch)


@pytest.mark.parametrize("way", WAYS)
def test_health_warns_once_it_has_stood_for_an_hour(
    app: App, later: Later, court: DemoPartner, ask: Ask, way: str
) -> None:
    """As where somebody paused the DAG of its lane, and all the runs wait that are started."""
    go, owed = WAYS[way]
    hour = timedelta(minutes=app.settings.health.unmoved_minutes)
    others = len(unmoved(app.register.engine, app.now(), timedelta()))  # of other tests
    batch = claimed(app, court, ask())
    go(app, batch)
    (found,) = office.batches(later(hour + timedelta(minutes=1)))
    assert found.condition is (Condition.WARNING if others + owed else Condition.OK)
    assert found.en.startswith(f"{others + owed} not moved for" if others + owed else "no batch stands still")
    assert batch not in unmoved(app.register.engine, app.now(), hour), "it has only just moved"
    pipeline.run(app, batch)


def test_it_is_asked_each_ten_minutes(app: App, later: Later, court: DemoPartner, ask: Ask) -> None:
    batch = claimed(app, court, ask(cycle="monthly", period="2026-11"))
    pipeline.receive(app, batch)
    assert poll(app).unmoved.get(batch) is None
    assert poll(later(UNMOVED / 2)).unmoved.get(batch) is None, "others were asked about just now"
    assert poll(later(LONG)).unmoved[batch] is Lane.BATCH


def test_what_a_lookout_owes_is_left_to_it(app: App, later: Later, court: DemoPartner, ask: Ask) -> None:
    batch = claimed(app, court, ask())
    pipeline.receive(app, batch)
    OwedRuns.of_home(app.settings.home).owe(batch)
    duties, ahead = Duties.of_home(app.settings.home), later(LONG)
    duties.done(LOOKOUT)
    os.utime(duties.folder / LOOKOUT, (ahead.now().timestamp(),) * 2)
    assert batch not in poll(ahead).unmoved
    assert batch in poll(later(LONG + timedelta(minutes=2))).unmoved, "it has said nothing since"
    pipeline.run(app, batch)
