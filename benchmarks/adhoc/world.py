"""A demo world for the benchmark; the education department gets its results as CSV, and sends as often as it likes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.adhoc.partners import more_partners, stop_servers
from benchmarks.pipeline.office import let_all_leave
from exchange.base.files import write_atomically
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner
from exchange.demo.servers.airflow import DAG_IDS, Airflow
from exchange.demo.servers.airflow_api import AirflowApi
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import PARTNERS, World, agreement_toml


@contextmanager
def running(folder: Path, partners: int) -> Iterator[tuple[World, Airflow, list[DemoPartner]]]:
    """The world with Airflow and so many partners more, healthy and with the lookout on duty; stopped at the end and
    kept for the next time.
    """
    world = World(folder.resolve())
    airflow = world.airflow()
    try:
        world.build(lambda what: print(f"… {what}", flush=True))
        let_education_send_csv(world)
        let_all_leave(world.config)
        let_work(world, os.environ.get("RESIDENTS"))
        others = more_partners(world, partners)
        print("… Airflow", flush=True)
        since = datetime.now(UTC)
        airflow.start()
        with airflow.api() as api:
            for dag_id in DAG_IDS:
                api.wait_for_dag(dag_id, 60)
            wait_for(lambda: _on_duty(api, since), 420)  # by itself it comes within five minutes of a start
        yield world, airflow, others
    finally:
        airflow.stop()
        stop_servers(world, partners)
        world.stop_servers()


def let_work(world: World, residents: str | None) -> None:
    """So many resident workers, where a number is said; else as many as an office has by itself."""
    lines = world.config.read_text("utf-8").splitlines()
    lines = [line for line in lines if not line.startswith("resident_workers =")]
    if residents is not None:
        lines.insert(lines.index("[policy]") + 1, f"resident_workers = {residents}")
    write_atomically(world.config, "\n".join(lines).encode() + b"\n")


def let_education_send_csv(world: World) -> None:
    """Results as CSV, and sets as often as it likes."""
    profile = replace(PARTNERS[1], form="csv", expected="")
    content = agreement_toml(profile, world.sftp(profile.id), office_day(datetime.now(UTC)))
    write_atomically(world.root / "office" / "agreements" / f"{profile.id}.toml", content.encode())


def _on_duty(api: AirflowApi, since: datetime) -> bool:
    """Whether a lookout runs that began after this moment."""
    tasks = [task for run in api.runs("lookout")[:3] for task in api.task_instances("lookout", run["dag_run_id"])]
    running = [task["start_date"] for task in tasks if task["state"] == "running"]
    return any(datetime.fromisoformat(start) >= since for start in running)
