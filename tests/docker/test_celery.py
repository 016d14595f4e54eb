"""Tasks on Celery workers in containers, as the head of docker/compose.celery.yaml has it; by
``make containers-celery-test``. One worker, killed while it has work: the batch is answered all the same.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest

from exchange.demo.partner import DemoPartner
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import PARTNERS
from tests.docker.containers import BUILD, SECONDS, Containers, ask, came, needs_engine, patient

ASKED = "CONTAINERS_CELERY"
pytestmark = [needs_engine, patient, pytest.mark.skipif(ASKED not in os.environ, reason=f"{ASKED} is not set")]
REDIS = 999
"""The account of Redis in its image."""


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    folder = tmp_path_factory.mktemp("containers") / "exchange"
    place = Containers(folder, files=("compose.yaml", "compose.celery.yaml"), profiles=("celery",))
    try:
        Containers(folder).install()
        password = secrets.token_hex(24)
        conf = folder / "secrets" / "redis.conf"
        conf.write_text(
            f'requirepass {password}\nsave ""\nappendonly no\nmaxmemory-policy noeviction\n', encoding="ascii"
        )
        conf.chmod(0o400)
        os.chown(conf, REDIS, REDIS)
        settings = (folder / "secrets" / "airflow.env").read_text("utf-8")
        place.write("secrets/airflow.env", f"{settings}AIRFLOW__CELERY__BROKER_URL=redis://:{password}@redis:6379/0\n")
        place.compose("up", "--detach")
        yield place
    finally:
        place.compose("down", "--volumes", "--timeout", "20", code=None)


@pytest.fixture(scope="module")
def court(spread: Containers) -> DemoPartner:
    return spread.add(PARTNERS[0])


def test_a_worker_does_the_tasks(spread: Containers, court: DemoPartner) -> None:
    spread.tool("sh", "-c", BUILD)
    spread.without_standing_approval(court)
    request = ask(court, "by-a-worker", ("id_number", "name", "criminal_record"))
    court.drop(court.make_set(request))
    assert came(court, f"{request.batch}.result.json"), spread.compose("logs", "worker", code=None)[-5000:]
    spread.approve(f"{request.batch}.release-1")
    assert came(court, f"{request.batch}.result-2.json"), spread.compose("logs", "worker", code=None)[-5000:]
    assert "execute_workload" in spread.compose("logs", "worker", code=None)


def test_no_secret_stands_in_what_the_engine_tells_of_a_container(spread: Containers) -> None:
    values, shown = spread.secret_values(), spread.shown()
    assert len(values) == 9, "Redis' password among them"
    assert [value for value in values if value in shown] == []


def test_a_worker_that_is_killed_and_comes_back_goes_on(spread: Containers, court: DemoPartner) -> None:
    request = ask(court, "over-a-dead-worker")
    spread.compose("kill", "worker")
    court.drop(court.make_set(request))
    spread.compose("start", "worker")
    assert wait_for(lambda: spread.is_well("worker"), SECONDS)
    assert came(court, f"{request.batch}.result.json"), spread.compose("logs", "worker", code=None)[-5000:]
