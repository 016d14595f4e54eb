"""What Airflow keeps of its runs goes after 210 days, and nothing else does (``docker/clean-airflow.sh``)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from exchange.base.paths import ROOT
from exchange.demo.servers.airflow import Airflow

DAYS: Final = 210
SECONDS: Final = 600
AGES: Final = {"old": DAYS + 1, "much-older": DAYS + 400, "younger": DAYS - 1}
"""Run, and for how many days it is over."""
MOMENTS: Final = {"dag_run": "start_date", "task_instance": "start_date", "log": "dttm"}


def clean(airflow: Airflow, logs: Path) -> None:
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = ["sh", str(ROOT / "docker" / "clean-airflow.sh"), str(logs)]
    environment = airflow.environment() | {"PATH": programs}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stderr


def aged(path: Path, days: float) -> Path:
    os.utime(path, (time.time() - days * 86_400,) * 2)
    return path


def logs_of_ages(folder: Path) -> list[Path]:
    """A log of each age, with an empty folder of an hour and one of two days; those that are to stay."""
    written = {}
    for run, days in AGES.items():
        written[run] = folder / f"run_id={run}" / "attempt 1.log"
        written[run].parent.mkdir(parents=True)
        written[run].write_text("-", "utf-8")
        aged(written[run], days)
    for name in ("begun", "empty"):
        (folder / name).mkdir()
    aged(folder / "empty", 2)
    beside = folder.with_name("beside.log")
    beside.write_text("-", "utf-8")
    return [written["younger"], folder / "begun", aged(beside, 2 * DAYS)]


def rows(connection: sa.Connection, table: str) -> dict[str, int]:
    """How many rows there are of each of the runs."""
    query = sa.text(f"select run_id, count(*) from {table} where run_id = any(:runs) group by run_id")  # noqa: S608
    return {row[0]: row[1] for row in connection.execute(query, {"runs": list(AGES)})}


def test_what_is_old_goes_and_nothing_else(airflow: Airflow, tmp_path: Path) -> None:
    with airflow.api() as api:
        for run in AGES:
            api.trigger("deadline_watch", run)
        for run in AGES:
            assert api.wait_for_run("deadline_watch", run, SECONDS) == "success"
    stay = logs_of_ages(tmp_path / "logs of tasks")
    password = airflow.password_file.read_text("utf-8").splitlines()[-1].rpartition(":")[2]
    engine = sa.create_engine(sa.make_url(airflow.database_url).set(password=password))
    with engine.begin() as connection:
        for table, moment in MOMENTS.items():
            earlier = f"update {table} set {moment} = {moment} - make_interval(days => :ago) where run_id = :run"  # noqa: S608
            connection.execute(sa.text(earlier), [{"ago": ago, "run": run} for run, ago in AGES.items()])
        before = {table: rows(connection, table) for table in MOMENTS}
        dags = connection.scalar(sa.text("select count(*) from dag"))
    assert all(counted.keys() == AGES.keys() for counted in before.values())
    clean(airflow, tmp_path / "logs of tasks")
    with engine.connect() as connection:
        for table, counted in before.items():
            assert rows(connection, table) == {"younger": counted["younger"]}, table
        assert connection.scalar(sa.text("select count(*) from dag")) == dags
        left = sa.text("select count(*) from pg_tables where tablename like '\\_airflow\\_deleted\\_%'")
        assert connection.scalar(left) == 0
    engine.dispose()
    assert all(path.exists() for path in stay)
    there = [path for path in tmp_path.rglob("*") if path.is_file() or path.name in ("empty", "begun")]
    assert sorted(there) == sorted(stay)


def test_runs_begin_as_before_behind_it(airflow: Airflow) -> None:
    with airflow.api() as api:
        api.trigger("deadline_watch", "behind")
        assert api.wait_for_run("deadline_watch", "behind", SECONDS) == "success"
