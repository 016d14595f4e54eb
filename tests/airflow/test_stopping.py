"""A scheduler that fails, or is stopped, waits for no lookout, which is at work for half an hour."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from exchange.base.duty import Duties
from exchange.demo.servers.airflow import Airflow
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import World
from exchange.intake.shares import WHOLE
from exchange.intake.shifts import Shift

SECONDS = 600
FAILED = "Exception when executing SchedulerJob"
SOON_SECONDS = 120
"""What a lookout that is on duty has left at least, and what stopping takes at most."""


def restart_the_database(airflow: Airflow, world: World) -> None:
    """As for an update of it: away until the scheduler sees that, back before its tasks do."""
    log = airflow.folder / "scheduler.log"
    failures = log.read_text("utf-8").count(FAILED)
    world.postgres.stop()
    try:
        assert wait_for(lambda: log.read_text("utf-8").count(FAILED) > failures, SOON_SECONDS)
    finally:
        world.postgres.start()


def stop_the_scheduler(airflow: Airflow, world: World) -> None:
    """As systemd and containers do: the signal is for it alone, not for its tasks."""
    os.kill(int((airflow.folder / "scheduler.pid").read_text().split()[0]), signal.SIGTERM)


@pytest.mark.parametrize("do", [restart_the_database, stop_the_scheduler])
def test_it_ends_while_a_lookout_is_on_duty(
    airflow: Airflow, airflow_world: World, do: Callable[[Airflow, World], None]
) -> None:
    duties, began = Duties.of_home(airflow_world.root / "office" / "home"), datetime.now(UTC)

    def on_duty() -> bool:
        sign = duties.last(WHOLE.sign)  # of one that was stopped before it stays
        shift = Shift.of_sign(sign)
        return sign is not None and sign.at > began and shift is not None and shift.left > SOON_SECONDS + 60

    try:
        with airflow.api() as api:
            api.trigger("lookout", f"until-{do.__name__}")
        assert wait_for(on_duty, SECONDS)
        do(airflow, airflow_world)
        assert wait_for(lambda: "scheduler" in airflow.missing(), SOON_SECONDS), "it waits for the lookout"
    finally:
        airflow.start()
    with airflow.api() as api:
        api.trigger("releases", f"after-{do.__name__}")
        assert api.wait_for_run("releases", f"after-{do.__name__}", SECONDS) == "success"
