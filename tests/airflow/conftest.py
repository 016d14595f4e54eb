"""A world of its own with Airflow in it: its collector runs by the clock and must not take other tests' sets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exchange.demo.servers.airflow import COMPONENTS, Airflow
from exchange.demo.servers.ports import port_answers
from exchange.demo.world import World

from .servers import started, world_apart


@pytest.fixture(scope="package")
def airflow_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_apart(tmp_path_factory, "airflow-world") as place:
        settings = place.config.read_text(encoding="utf-8")  # tests ask about the same people again
        settings = settings.replace("[policy]\n", "[policy]\nremember_decisions_days = 0\n")
        place.config.write_text(settings, encoding="utf-8")
        yield place


@pytest.fixture(scope="package")
def airflow(airflow_world: World) -> Iterator[Airflow]:
    """Airflow, healthy, with the project's own DAGs; it leaves nothing behind."""
    postgres = airflow_world.postgres
    running = Airflow(
        airflow_world.root / "airflow", postgres.url("airflow"), postgres.password_file, airflow_world.config
    )
    with started(running):
        yield running
    assert running.missing() == list(COMPONENTS)
    assert not port_answers(running.port)


@pytest.fixture(autouse=True)
def _components_run(request: pytest.FixtureRequest) -> None:
    """Nobody waits for a component that has ended."""
    if "airflow" in request.fixturenames:
        running = request.getfixturevalue("airflow")
        assert running.missing() == [], "ended; see its log"
