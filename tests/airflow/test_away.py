"""A partner whose server is away keeps its own sets waiting, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import pytest

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner, month
from exchange.demo.servers.airflow import Airflow
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import PARTNERS, World
from exchange.intake.lanes import Lane
from exchange.register import State

SECONDS = 600
SETS = 17
"""More than Airflow takes for enough (``max_active_runs_per_dag``)."""

COURT = ("case_handling", "刑事诉讼法第二百八十六条")
SOCIAL = ("pension", "社会保险法第七十四条")


@pytest.fixture
def app(airflow_world: World) -> Iterator[App]:
    with App.open("test", airflow_world.config) as opened:
        yield opened


def drop(partner: DemoPartner, number: int, basis: tuple[str, str]) -> str:
    batch, data = f"{partner.id}.away-{number}", b"row_ref,id_number,name,sex\nR1,,,\n"
    period = month(office_day(datetime.now(UTC)))
    partner.drop(partner.make_set(Request(batch, "monthly", period, *basis, ("id_number", "name", "sex"), 1, data)))
    return batch


def closed(app: App, batch: str) -> bool:
    found = app.register.find_batch(batch)
    return found is not None and found.state is State.CLOSED


@contextmanager
def away(world: World, partner: DemoPartner) -> Iterator[None]:
    partner.server.stop()
    try:
        yield
    finally:
        world.start_servers()


@contextmanager
def paused(airflow: Airflow) -> Iterator[None]:
    """Runs of ``batch`` wait meanwhile."""
    with airflow.api("op") as operator:
        operator.call("PATCH", "dags/batch", {"is_paused": True})
        try:
            yield
        finally:
            operator.call("PATCH", "dags/batch", {"is_paused": False})


def states(airflow: Airflow, batches: list[str]) -> list[str]:
    """Of those of these batches' runs that there are."""
    with airflow.api() as api:
        return [run["state"] for run in api.runs(Lane.BATCH) if run["dag_run_id"] in batches]


def test_more_sets_than_airflow_has_runs_by_itself_hold_up_no_other_partner(
    airflow: Airflow, airflow_world: World, app: App
) -> None:
    court, social = (demo_partner(airflow_world, PARTNERS[number]) for number in (0, 2))
    with ExitStack() as server:
        with paused(airflow):
            batches = [drop(court, number, COURT) for number in range(SETS)]
            assert wait_for(lambda: len(states(airflow, batches)) == SETS, SECONDS)
            server.enter_context(away(airflow_world, court))
        assert wait_for(lambda: states(airflow, batches) == ["running"] * SETS, SECONDS), "the last one is not begun"
        other = drop(social, 1, SOCIAL)
        assert wait_for(lambda: closed(app, other), SECONDS)
        assert {app.register.batch(batch).state for batch in batches} == {State.CLAIMED}
    with airflow.api("op") as operator:
        for batch in batches:  # nobody waits for the pauses between their tries
            operator.clear(Lane.BATCH, batch, only_failed=False)
    assert wait_for(lambda: all(closed(app, batch) for batch in batches), SECONDS)
