"""The DAG files as Airflow reads them: without errors, wired as the operator's page says."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from exchange.base.paths import POOLS
from exchange.demo.servers.airflow import DAG_IDS, Airflow
from exchange.intake.shares import WHOLE
from exchange.intake.shifts import RUN_SECONDS, SHIFT_SECONDS, shift_seconds

DAGS = sorted(DAG_IDS)


def test_all_dags_are_read(airflow: Airflow) -> None:
    with airflow.api() as api:
        assert api.import_errors() == []
        assert sorted(api.dag_ids()) == DAGS


@pytest.mark.parametrize("dag_id", DAGS)
def test_each_dag_has_its_operators_page(airflow: Airflow, dag_id: str) -> None:
    with airflow.api("viewer") as api:
        page = api.call("GET", f"dags/{dag_id}/details")["doc_md"]
    assert "·" in page  # Chinese with English beside it


def test_lookouts_begin_when_they_expect_each_other_and_have_time_for_their_shift(airflow: Airflow) -> None:
    with airflow.api() as api:
        details = api.call("GET", "dags/lookout/details")
    assert details["timetable_summary"] == f"*/{RUN_SECONDS // 60} * * * *"
    longest = shift_seconds(WHOLE, SHIFT_SECONDS)
    assert pd.Timedelta(details["dag_run_timeout"]).total_seconds() > longest


def test_a_batchs_tasks_are_its_side_effects_in_order(airflow: Airflow) -> None:
    with airflow.api() as api:
        tasks = api.call("GET", "dags/batch/tasks")["tasks"]
    assert {task["task_id"]: task["downstream_task_ids"] for task in tasks} == {
        "receive": ["process"],
        "process": ["deliver"],
        "deliver": [],
    }
    assert all(task["retries"] > 0 for task in tasks)


def test_the_immediate_lane_has_capacity_that_nothing_else_takes(airflow: Airflow) -> None:
    with airflow.api() as api:
        pools = {pool["name"]: pool["slots"] for pool in api.call("GET", "pools")["pools"]}
        tasks = {dag_id: api.call("GET", f"dags/{dag_id}/tasks")["tasks"] for dag_id in DAGS}
    assert pools == {name: pool["slots"] for name, pool in json.loads(POOLS.read_bytes()).items()}
    used = {dag_id: {task["pool"] for task in found} for dag_id, found in tasks.items()}
    assert used["immediate"] == {"immediate"}
    assert used["lookout"] == {"lookout"}
    assert used["batch"] == {"bulk"}
    others = set().union(*[names for dag_id, names in used.items() if dag_id not in ("immediate", "lookout", "batch")])
    assert others <= {"default_pool", "bulk"}
    assert [(task["task_id"], task["retries"] > 0) for task in tasks["immediate"]] == [("answer", True)]
