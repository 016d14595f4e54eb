"""A lock that somebody else has in Airflow's database ends no component of it: who wanted it comes again."""

from __future__ import annotations

import time

import pytest
from psycopg import sql

from exchange.demo.servers.airflow import COMPONENTS, Airflow
from exchange.demo.world import World

SECONDS = 600
HELD_SECONDS = 5.0
"""Some loops of the scheduler, which looks for runs each half second."""


@pytest.mark.parametrize("table", ["slot_pool", "dag_version"])
def test_a_row_that_airflow_does_not_wait_for_may_be_locked(airflow: Airflow, airflow_world: World, table: str) -> None:
    """It asks for these with NOWAIT. An operator who changes a pool has such a lock; so has a second scheduler."""
    before = [(airflow.folder / f"{name}.pid").read_text() for name in COMPONENTS]
    run_id = f"while-{table}-is-locked"
    with airflow.api() as api:
        with airflow_world.postgres.connected("airflow", "airflow") as other, other.transaction():
            other.execute(sql.SQL("SELECT FROM {} FOR NO KEY UPDATE").format(sql.Identifier(table)))
            api.trigger("releases", run_id)
            time.sleep(HELD_SECONDS)
        assert airflow.missing() == []
        assert api.wait_for_run("releases", run_id, SECONDS) == "success"
    assert [(airflow.folder / f"{name}.pid").read_text() for name in COMPONENTS] == before
