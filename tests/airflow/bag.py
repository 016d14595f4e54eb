"""Prints the DAG files as Airflow reads them, without a server: errors, and each task's upstream tasks."""

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
    sys.stdout.write("\n" + json.dumps({"errors": bag.import_errors, "dags": dags}) + "\n")
