"""Where the time of a set went, by the register's ledger, Airflow's task and its log.

poll      from the manifest's name on the server to the claim
queue     to the start of the task's process by Airflow
start     to the first line of our own in it
process   to the sealed result: fetch, verify, receipt, match, mask, seal
deliver   to the moment in which the partner has read the result's manifest
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from exchange.app import App
from exchange.demo.servers.airflow_api import AirflowApi
from exchange.intake.lanes import Lane

STAGES = ("poll", "queue", "start", "process", "deliver")


def stages_of(app: App, api: AirflowApi, batch: str, dropped: float, answered: float) -> dict[str, float]:
    """Stage → seconds."""
    steps = {step.to_state: step.at.timestamp() for step in app.register.transitions(batch)}
    (task,) = api.task_instances(Lane.IMMEDIATE, batch)
    moments = [
        dropped,
        steps["claimed"],
        _seconds(task["start_date"]),
        _began(api.log(Lane.IMMEDIATE, batch, task["task_id"], task["try_number"])),
        steps["sealed"],
        answered,
    ]
    return {stage: later - earlier for stage, earlier, later in zip(STAGES, moments[:-1], moments[1:], strict=True)}


def _began(log: list[Any]) -> float:
    (line,) = [line for line in log if isinstance(line, dict) and str(line.get("event", "")).endswith(": begins")]
    return _seconds(line["timestamp"])


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
