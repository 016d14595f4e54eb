"""The DAG files as Airflow reads them: without errors, wired as the operator's page says."""

from __future__ import annotations

import pytest

from exchange.demo.servers.airflow import Airflow

DAGS = ["batch", "collect", "deadline_watch", "monthly_report", "release", "releases", "retention", "snapshots"]


def test_all_dags_are_read(airflow: Airflow) -> None:
    with airflow.api() as api:
        assert api.import_errors() == []
        assert sorted(api.dag_ids()) == DAGS


@pytest.mark.parametrize("dag_id", DAGS)
def test_each_dag_has_its_operators_page(airflow: Airflow, dag_id: str) -> None:
    with airflow.api("viewer") as api:
        page = api.call("GET", f"dags/{dag_id}/details")["doc_md"]
    assert "·" in page  # Chinese with English beside it


def test_a_batchs_tasks_are_its_side_effects_in_order(airflow: Airflow) -> None:
    with airflow.api() as api:
        tasks = api.call("GET", "dags/batch/tasks")["tasks"]
    assert {task["task_id"]: task["downstream_task_ids"] for task in tasks} == {
        "receive": ["process"],
        "process": ["deliver"],
        "deliver": [],
    }
    assert all(task["retries"] > 0 for task in tasks)
