"""A demo world for the benchmark; the education department gets its results as CSV, and sends as often as it likes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.adhoc.partners import more_partners, stop_servers
from benchmarks.pipeline.office import let_all_leave
from exchange.base.files import write_atomically
from exchange.calendar.working_days import office_day
from exchange.demo.agreement import agreement_toml
from exchange.demo.partner import DemoPartner
from exchange.demo.servers.airflow import DAG_IDS, Airflow
from exchange.demo.servers.airflow_api import AirflowApi
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import PARTNERS, World


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


def with_residents(world: World, airflow: Airflow, number: int) -> None:
    """Waits until a lookout with so many resident workers is on duty, and no other one."""
    lines = world.config.read_text("utf-8").splitlines()
    lines = [line for line in lines if not line.startswith("resident_workers =")]
    lines.insert(lines.index("[policy]") + 1, f"resident_workers = {number}")
    write_atomically(world.config, "\n".join(lines).encode() + b"\n")
    since = datetime.now(UTC)
    with airflow.api() as api:
        wait_for(lambda: _on_duty(api, since) and len(_lookouts(api)) == 1, 900)


def let_education_send_csv(world: World) -> None:
    """Results as CSV, and sets as often as it likes."""
    profile = replace(PARTNERS[1], form="csv", expected="")
    content = agreement_toml(profile, world.sftp(profile.id), office_day(datetime.now(UTC)))
    write_atomically(world.root / "office" / "agreements" / f"{profile.id}.toml", content.encode())


def _on_duty(api: AirflowApi, since: datetime) -> bool:
    """Whether a lookout runs that began after this moment."""
    return any(start >= since for start in _lookouts(api))


def _lookouts(api: AirflowApi) -> list[datetime]:
    """When those that run began."""
    tasks = [task for run in api.runs("lookout")[:3] for task in api.task_instances("lookout", run["dag_run_id"])]
    return [datetime.fromisoformat(task["start_date"]) for task in tasks if task["state"] == "running"]
