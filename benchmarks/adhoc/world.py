"""A demo world for the benchmark; the education department gets its results as CSV, and sends as often as it likes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.pipeline.office import let_all_leave
from exchange.base.files import write_atomically
from exchange.calendar.working_days import office_day
from exchange.demo.servers.airflow import DAG_IDS, Airflow
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import PARTNERS, World, agreement_toml


@contextmanager
def running(folder: Path) -> Iterator[tuple[World, Airflow]]:
    """The world with Airflow, healthy and with the lookout on duty; stopped at the end and kept for the next time."""
    world = World(folder.resolve())
    airflow = world.airflow()
    try:
        world.build(lambda what: print(f"… {what}", flush=True))
        let_education_send_csv(world)
        let_all_leave(world.config)
        print("… Airflow", flush=True)
        airflow.start()
        with airflow.api() as api:
            for dag_id in DAG_IDS:
                api.wait_for_dag(dag_id, 60)
            run_id = f"bench-{datetime.now(UTC):%m%d%H%M%S}"
            api.trigger("lookout", run_id)  # by itself it comes within five minutes of a start
            wait_for(lambda: [task["state"] for task in api.task_instances("lookout", run_id)] == ["running"], 60)
        yield world, airflow
    finally:
        airflow.stop()
        world.stop_servers()


def let_education_send_csv(world: World) -> None:
    """Results as CSV, and sets as often as it likes."""
    profile = replace(PARTNERS[1], form="csv", expected="")
    content = agreement_toml(profile, world.sftp(profile.id), office_day(datetime.now(UTC)))
    write_atomically(world.root / "office" / "agreements" / f"{profile.id}.toml", content.encode())
