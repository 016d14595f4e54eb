"""A partner whose server is away keeps its own sets waiting, and nobody else's."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from threading import Thread

import pytest

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner, month
from exchange.demo.servers.airflow import Airflow
from exchange.demo.servers.ports import LOOPBACK
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import PARTNERS, World
from exchange.intake.lanes import Lane
from exchange.register import State

log = logging.getLogger(__name__)

SECONDS = 600
SETS = 17
"""More than Airflow takes for enough (``max_active_runs_per_dag``)."""

FEW_SETS = 8
"""Half a minute each, two at a time, would be two minutes."""

ROOM_SECONDS = 60.0
"""What tries at a server that says nothing may take of another partner's time."""

COURT = ("case_handling", "刑事诉讼法第二百八十六条")
SOCIAL = ("pension", "社会保险法第七十四条")


@pytest.fixture
def app(airflow_world: World) -> Iterator[App]:
    with App.open("test", airflow_world.config) as opened:
        yield opened


def drop(partner: DemoPartner, word: str, basis: tuple[str, str]) -> str:
    batch, data = f"{partner.id}.away-{word}", b"row_ref,id_number,name,sex\nR1,,,\n"
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
def silent(world: World, partner: DemoPartner) -> Iterator[None]:
    """Meanwhile whoever connects is let in and told nothing: each try waits as long as it may."""
    with away(world, partner), socket.create_server((LOOPBACK, partner.server.port)) as door:
        accepts = Thread(target=accepting, args=(door,), daemon=True)
        accepts.start()
        try:
            yield
        finally:
            door.shutdown(socket.SHUT_RDWR)  # closed alone, it would listen as long as somebody accepts
            accepts.join()


def accepting(door: socket.socket) -> None:
    """Keeps what comes, until the door is shut."""
    lines = list[socket.socket]()
    with suppress(OSError):
        while True:
            lines.append(door.accept()[0])
    for line in lines:
        line.close()


@contextmanager
def paused(airflow: Airflow) -> Iterator[None]:
    """Runs of ``batch`` wait meanwhile."""
    with airflow.api("op") as operator:
        operator.call("PATCH", "dags/batch", {"is_paused": True})
        try:
            yield
        finally:
            operator.call("PATCH", "dags/batch", {"is_paused": False})


def waiting_sets(airflow: Airflow, partner: DemoPartner, word: str, number: int) -> list[str]:
    """So many sets of a partner, each with a run that has not begun; within ``paused``."""
    batches = [drop(partner, f"{word}-{each}", COURT) for each in range(number)]
    assert wait_for(lambda: len(states(airflow, batches)) == number, SECONDS)
    return batches


def seconds_at_work(app: App, batch: str) -> float:
    """From its claim until it is closed."""
    assert wait_for(lambda: closed(app, batch), SECONDS)
    at = [line.at for line in app.register.transitions(batch)]
    return (at[-1] - at[0]).total_seconds()


def answered_after_all(airflow: Airflow, app: App, batches: list[str]) -> None:
    """Once the server is back; nobody waits for the pauses between their tries."""
    with airflow.api("op") as operator:
        for batch in batches:
            operator.clear(Lane.BATCH, batch, only_failed=False)
    assert wait_for(lambda: all(closed(app, batch) for batch in batches), SECONDS)


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
            batches = waiting_sets(airflow, court, "stopped", SETS)
            server.enter_context(away(airflow_world, court))
        assert wait_for(lambda: states(airflow, batches) == ["running"] * SETS, SECONDS), "the last one is not begun"
        other = drop(social, "1", SOCIAL)
        assert wait_for(lambda: closed(app, other), SECONDS)
        assert {app.register.batch(batch).state for batch in batches} == {State.CLAIMED}
    answered_after_all(airflow, app, batches)


def test_tries_at_a_server_that_says_nothing_leave_room_for_others(
    airflow: Airflow, airflow_world: World, app: App
) -> None:
    """Each waited half a minute, in one of the pool's two places."""
    court, social = (demo_partner(airflow_world, PARTNERS[number]) for number in (0, 2))
    alone = seconds_at_work(app, drop(social, "alone", SOCIAL))
    with ExitStack() as server:
        with paused(airflow):
            batches = waiting_sets(airflow, court, "silent", FEW_SETS)
            server.enter_context(silent(airflow_world, court))
        assert wait_for(lambda: states(airflow, batches) == ["running"] * FEW_SETS, SECONDS)
        beside = seconds_at_work(app, drop(social, "beside", SOCIAL))
        log.info("alone %.0f s, beside the waiting sets %.0f s", alone, beside)
        assert beside <= alone + ROOM_SECONDS
    answered_after_all(airflow, app, batches)
