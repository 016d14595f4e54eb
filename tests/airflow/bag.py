"""Prints the DAG files as Airflow reads them, without a server: errors, each task's upstream tasks, what people read
of DAGs and tasks, how many runs there may be at a time, what would need a triggerer, what was imported for it, and the
time that lookouts have, by how many there are.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

from airflow.dag_processing.dagbag import DagBag

from exchange.base.paths import DAGS

DEFERS = re.compile(r"\.defer\(|TaskDeferred|AsyncCallback|AssetWatcher|deferrable=True")
"""What hands something to the triggerer, in a DAG file."""


def operator_of(task: Any) -> str:
    """The operator's class; of a mapped task that of its instances."""
    kind = getattr(task, "operator_class", type(task))
    return f"{kind.__module__}.{kind.__name__}"


def packages() -> set[str]:
    """The libraries that are there, and the parts of our own package; not the DAG files."""
    names = [name.split(".") for name in sys.modules if not name.startswith("unusual_prefix")]
    return {".".join(name[: 2 if name[0] == "exchange" else 1]) for name in names} - sys.stdlib_module_names


def lookouts(number: int) -> dict[str, Any]:
    os.environ["EXCHANGE_LOOKOUTS"] = f"{number}"
    dag: Any = DagBag(DAGS / "lookout.py").dags["lookout"]
    queues = {task.task_id: task.queue for task in dag.tasks}
    task_seconds = min(task.execution_timeout.total_seconds() for task in dag.tasks)
    run_seconds = dag.dagrun_timeout.total_seconds()
    return {"queues": queues, "task": task_seconds, "run": run_seconds, "runs": dag.max_active_runs}


if __name__ == "__main__":
    sys.path.insert(0, str(DAGS))
    before = packages()
    bag = DagBag(DAGS)
    imported = packages() - before
    dags = {
        name: {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks} for name, dag in bag.dags.items()
    }
    read = {
        name: {"name": dag.dag_display_name, "what": dag.description, "tags": sorted(dag.tags)}
        for name, dag in bag.dags.items()
    }
    tasks = {
        f"{name}.{task.task_id}": {
            "name": task.task_display_name, "owner": task.owner, "policy": type(task.retry_policy).__name__,
            "operator": operator_of(task), "weight": str(task.weight_rule),
        }
        for name, dag in bag.dags.items()
        for task in dag.tasks
    }  # fmt: skip
    found = {"imported": sorted(imported), "errors": bag.import_errors, "dags": dags, "read": read, "tasks": tasks}
    found["defer"] = [
        f"{path.relative_to(DAGS)}" for path in DAGS.rglob("*.py") if DEFERS.search(path.read_text("utf-8"))
    ]
    found["most_runs"] = {name: dag.max_active_runs for name, dag in bag.dags.items()}
    found["lookouts"] = {f"{number}": lookouts(number) for number in (1, 2, 5)}
    sys.stdout.write("\n" + json.dumps(found) + "\n")
