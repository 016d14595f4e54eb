"""A partner whose server is away keeps its own sets waiting, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner, month
from exchange.demo.servers.airflow import Airflow
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import PARTNERS, World
from exchange.intake.collect import poll
from exchange.intake.lanes import Lane
from exchange.register import State

from .servers import uncollected

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


def test_more_sets_than_airflow_has_runs_by_itself_hold_up_no_other_partner(
    airflow: Airflow, airflow_world: World, app: App
) -> None:
    court, social = (demo_partner(airflow_world, PARTNERS[number]) for number in (0, 2))

    def waiting(batch: str) -> bool:
        with airflow.api() as api:
            runs = {run["dag_run_id"]: run["state"] for run in api.runs(Lane.BATCH)}
            return runs.get(batch) == "running"

    with uncollected(airflow):
        batches = [drop(court, number, COURT) for number in range(SETS)]
        poll(app)
    with away(airflow_world, court):
        assert wait_for(lambda: all(waiting(batch) for batch in batches), SECONDS), "the last one is not begun"
        other = drop(social, 1, SOCIAL)
        assert wait_for(lambda: closed(app, other), SECONDS)
        assert {app.register.batch(batch).state for batch in batches} == {State.CLAIMED}
    with airflow.api("op") as operator:
        for batch in batches:  # nobody waits for the pauses between their tries
            operator.clear(Lane.BATCH, batch, only_failed=False)
    assert wait_for(lambda: all(closed(app, batch) for batch in batches), SECONDS)
