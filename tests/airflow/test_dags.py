"""The DAG files by themselves: they load, and are wired as the operator's page says."""

from __future__ import annotations

import pytest

from exchange.places import DAGS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::airflow.exceptions.RemovedInAirflow4Warning")


def test_all_dags_load(airflow_home: None) -> None:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(DAGS), include_examples=False)
    assert bag.import_errors == {}
    assert set(bag.dags) == {"batch", "collect", "snapshots"}
    for dag in bag.dags.values():
        assert dag.doc_md
        assert not dag.catchup


def test_a_batchs_tasks_are_its_side_effects_in_order(airflow_home: None) -> None:
    from airflow.dag_processing.dagbag import DagBag

    dag = DagBag(str(DAGS), include_examples=False).dags["batch"]
    assert {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks} == {
        "receive": ["process"],
        "process": ["deliver"],
        "deliver": [],
    }
    assert all(task.retries > 0 for task in dag.tasks)
