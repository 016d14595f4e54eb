"""The world that is measured: the demo's servers, a province, a partner with many equal batches, Airflow with workers.

Rule: the same claims in every batch (encrypted anew each time), so that every opened result must have the same bytes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import polars as pl

from benchmarks.workers.load import Parts
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import REGISTER_ITEMS, demo_partner, to_csv
from exchange.demo.province.claims import make_claims
from exchange.demo.province.people import make_people
from exchange.demo.servers.airflow import DAG_IDS, Airflow
from exchange.demo.servers.airflow_api import AirflowApi
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import PARTNERS, SEED, World

HEARTBEAT_SECONDS: Final = 20
"""After how long a task without a sign of life counts as dead: short, so that the benchmark ends soon. See
``docs/operations.md`` for what an office sets."""

_START_SECONDS: Final = 600.0
_MEASURED: Final = {"batch", "large"}
_PROFILE: Final = PARTNERS[0]
_NOBODY: Final = pl.Series([], dtype=pl.String)


@dataclass(frozen=True)
class Measured:
    """``people``: of the province; ``rows``: of each batch."""

    root: Path
    people: int
    rows: int

    @property
    def world(self) -> World:
        return World(self.root)

    @property
    def partner(self) -> DemoPartner:
        return demo_partner(self.world, _PROFILE)

    @cached_property
    def claims(self) -> pl.DataFrame:
        """The rows that every batch asks about."""
        people = pl.concat(make_people(SEED, self.people))
        return make_claims(people, _NOBODY, REGISTER_ITEMS, self.rows, SEED).rows

    def open(self) -> App:
        return App.open("benchmark", self.world.config)

    def drop(self, name: str, claims: pl.DataFrame) -> str:
        """Drops a set; its batch id."""
        basis = "刑事诉讼法第二百八十六条"
        batch, day = f"{self.partner.id}.{name}", time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600))
        data = to_csv(claims)
        request = Request(batch, "ad_hoc", day, "case_handling", basis, REGISTER_ITEMS, claims.height, data)
        self.partner.drop(self.partner.make_set(request))
        return batch

    @contextmanager
    def airflow(self, workers: int) -> Iterator[tuple[Airflow, AirflowApi]]:
        """Airflow with so many workers, warm, running nothing but what is asked of it here."""
        airflow = self.world.airflow(workers)
        if airflow.celery is not None:
            airflow = replace(
                airflow, celery=replace(airflow.celery, concurrency=1, heartbeat_seconds=HEARTBEAT_SECONDS)
            )
        for name in workers_of(airflow):
            (airflow.folder / f"{name}.log").unlink(missing_ok=True)  # of an earlier start; see _is_ready
        try:
            airflow.start(_START_SECONDS)
            with airflow.api() as api:
                for dag_id in DAG_IDS:
                    api.wait_for_dag(dag_id, _START_SECONDS)
                for dag_id in set(DAG_IDS) - _MEASURED:
                    _silence(api, dag_id)
                time.sleep(HEARTBEAT_SECONDS)  # by then the lookout has heard that its run was ended
                wait_for(lambda: _is_idle(api), _START_SECONDS)
                wait_for(lambda: all(_is_ready(airflow, name) for name in workers_of(airflow)), _START_SECONDS)
                yield airflow, api
        finally:
            airflow.stop()

    def parts(self, airflow: Airflow) -> Parts:
        """The processes of each part of the world."""
        groups = {"workers": workers_of(airflow), "scheduler": ["scheduler"], "API server": ["api-server"]}
        groups["DAG processor"] = ["dag-processor"]
        pids = {name: [pid_in(airflow.folder / f"{each}.pid") for each in names] for name, names in groups.items()}
        world = self.world
        pids["PostgreSQL"] = [pid_in(world.postgres.folder / "server" / "data" / "postmaster.pid")]
        pids["SFTP server"] = [pid_in(self.partner.server.folder / "sftp.pid")]
        return pids | {"Redis": [pid_in(world.redis.folder / "redis.pid")]}


def workers_of(airflow: Airflow) -> list[str]:
    return airflow.celery.names() if airflow.celery else []


def pid_in(path: Path) -> int:
    return int(path.read_text(encoding="ascii").split()[0])


def _silence(api: AirflowApi, dag_id: str) -> None:
    """No new runs, and an end to those that the first start began."""
    api.call("PATCH", f"dags/{dag_id}", {"is_paused": True})
    for run in api.runs(dag_id):
        if run["state"] in ("queued", "running"):
            api.call("PATCH", f"dags/{dag_id}/dagRuns/{run['dag_run_id']}", {"state": "failed"})


def _is_idle(api: AirflowApi) -> bool:
    path = "dags/~/dagRuns/~/taskInstances"
    return not any(api.call("GET", path, state=state)["total_entries"] for state in ("queued", "running"))


def _is_ready(airflow: Airflow, worker: str) -> bool:
    """Celery says so in the worker's log; asking it costs a process of Airflow."""
    return f"{worker} ready." in (airflow.folder / f"{worker}.log").read_text(encoding="utf-8", errors="replace")
