"""Prints the DAG files as Airflow reads them, without a server: errors, each task's upstream tasks, and what people
read of DAGs and tasks.
"""

from __future__ import annotations

import json
import sys

from airflow.dag_processing.dagbag import DagBag

from exchange.base.paths import DAGS

if __name__ == "__main__":
    sys.path.insert(0, str(DAGS))
    bag = DagBag(DAGS)
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
        }
        for name, dag in bag.dags.items()
        for task in dag.tasks
    }  # fmt: skip
    found = {"errors": bag.import_errors, "dags": dags, "read": read, "tasks": tasks}
    sys.stdout.write("\n" + json.dumps(found) + "\n")
