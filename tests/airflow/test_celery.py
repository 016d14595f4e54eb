"""Two Celery workers, each with the lookout of its own share of the partners: what one of them has is the other's
within half a minute, whether it was stopped or killed.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Final

import pytest

from exchange.base.duty import Duties
from exchange.demo.partner import Request
from exchange.demo.play import demo_partner
from exchange.demo.servers.airflow import Airflow
from exchange.demo.servers.celery import Celery
from exchange.demo.servers.processes import is_running, wait_for
from exchange.demo.servers.redis import find_redis
from exchange.demo.world import PARTNERS, World
from exchange.intake.shares import Share
from exchange.intake.shifts import Shift
from exchange.register import State, open_register
from tests.campaign.trees import signalled, tree
from tests.conftest import ITEMS

from .servers import started, uncollected, world_apart

pytestmark = pytest.mark.skipif(find_redis() is None, reason="redis-server is not installed; make test installs it")

SECONDS = 600
SOON_SECONDS = 60.0
"""What a worker that is stopped takes at most to end, and a set until the other one has claimed it."""

MINE: Final = Share(0, 2).number_of(PARTNERS[0].id)
"""The court's share, from 0."""

_BASIS: Final = ("case_handling", "刑事诉讼法第二百八十六条")


class TwoLookouts(Airflow):
    """Whose processes know that two lookouts share the partners."""

    def environment(self) -> dict[str, str]:
        return super().environment() | {"EXCHANGE_LOOKOUTS": "2"}


@pytest.fixture(scope="module")
def celery_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_apart(tmp_path_factory, "celery-world") as place:
        yield place


@pytest.fixture(scope="module")
def workers(celery_world: World) -> Iterator[Airflow]:
    """Airflow with two workers, healthy; it leaves nothing behind."""
    postgres = celery_world.postgres
    database = postgres.url("airflow")
    running = TwoLookouts(
        celery_world.root / "airflow",
        database,
        postgres.password_file,
        celery_world.config,
        celery=Celery(celery_world.redis, database, concurrency=4, heartbeat_seconds=20),
    )
    with started(running):
        yield running


def stop(pid: int) -> None:
    """As systemd and containers do: the signal is for it alone, and it waits for its tasks."""
    os.kill(pid, signal.SIGTERM)


def kill(pid: int) -> None:
    """As where a machine goes dark: with all that runs on it."""
    signalled(tree(pid), signal.SIGKILL)


@pytest.mark.parametrize("do", [stop, kill])
def test_what_a_worker_watched_is_the_others(workers: Airflow, celery_world: World, do: Callable[[int], None]) -> None:
    duties, court = Duties.of_home(celery_world.root / "office" / "home"), demo_partner(celery_world, PARTNERS[0])
    began, name = datetime.now(UTC), f"worker-{MINE + 1}"
    request = Request(
        f"{court.id}.{do.__name__}", "ad_hoc", "2026-11-23", *_BASIS, ITEMS, 1, b"row_ref,id_number,name,sex\nR1,,,\n"
    )

    def on_duty(number: int) -> bool:
        sign = duties.last(Share(number, 2).sign)  # of one that was stopped before it stays
        shift = Shift.of_sign(sign)
        return sign is not None and sign.at > began and shift is not None and shift.left > 2 * SOON_SECONDS

    with uncollected(workers):
        with workers.api() as api:
            api.trigger("lookout", f"before-{do.__name__}")
        assert wait_for(lambda: on_duty(0) and on_duty(1), SECONDS), "no lookout is at work on a Celery worker"
        do(int((workers.folder / f"{name}.pid").read_text().split()[0]))
        try:
            court.drop(court.make_set(request))
            result = court.server.home / "from-office" / f"{request.batch}.result.json"
            assert wait_for(result.exists, SOON_SECONDS), "nobody took it over"
            assert wait_for(lambda: not is_running(workers.folder, name), SOON_SECONDS), "it waits for the lookout"
        finally:
            workers.start()
    with closing(
        open_register(celery_world.postgres.url("exchange"), "test", celery_world.postgres.password_file)
    ) as it:
        assert [line.to_state for line in it.transitions(request.batch)].count(State.DELIVERED) == 1
