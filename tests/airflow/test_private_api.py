"""What the DAGs use of Airflow that it does not promise to keep; when a version takes it away, this says what to do."""

from __future__ import annotations

import ast
from importlib import import_module

import pytest

from exchange.base.paths import DAGS

PRIVATE = "airflow.sdk.execution_time"

USED = {
    ("tasks.py", "airflow.sdk.execution_time", "task_runner"): "see start_run",
    ("tasks.py", "airflow.sdk.execution_time.comms", "DagRunResult"): "see take_up_run",
    ("tasks.py", "airflow.sdk.execution_time.comms", "ErrorResponse"): "see start_run",
    ("tasks.py", "airflow.sdk.execution_time.comms", "GetDagRun"): "see take_up_run",
    ("tasks.py", "airflow.sdk.execution_time.comms", "TriggerDagRun"): "see start_run",
}
"""File, module and name → what to do when it is gone. ``start_run``: look at what TriggerDagRunOperator of
apache-airflow-providers-standard sends now, and send the same; until then start nothing there, and ``collect`` starts
the runs within the minute. ``take_up_run``: without it what stands still after a restore has no run until somebody
types ``exchange batch run``.
"""


def imported() -> set[tuple[str, str, str]]:
    """What the DAG files import from Airflow's private modules."""
    return {
        (path.name, node.module, name.name)
        for path in DAGS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PRIVATE)
        for name in node.names
    }


def test_no_more_of_it_is_used() -> None:
    assert imported() == set(USED)


@pytest.mark.parametrize(("used", "then"), USED.items(), ids=lambda each: each[2] if isinstance(each, tuple) else "")
def test_it_is_still_there(used: tuple[str, str, str], then: str) -> None:
    _, module, name = used
    try:
        found = hasattr(import_module(module), name)
    except ModuleNotFoundError:
        found = False
    assert found, f"{module}.{name} is gone: {then}"
