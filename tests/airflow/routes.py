"""Every route of Airflow's API that changes something, and what is sent there to have an unapproved release leave.

Rule: a route that a version of Airflow adds stands here, or the test fails: with what is sent, or with why it is not
tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from exchange.register import Release

_DAG: Final = "dags/{dag_id}"
_RUN: Final = f"{_DAG}/dagRuns/{{dag_run_id}}"
_TASK: Final = f"{_RUN}/taskInstances/{{task_id}}"
_CLEAR: Final = {"dry_run": False, "only_failed": False, "reset_dag_runs": True, "run_on_latest_version": True}
_SAID: Final = {"chosen_options": ["批准 Approve"], "params_input": {"approved": True}}


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    body: dict[str, Any] | None = None

    def at(self, **names: str) -> str:
        return re.sub(r"{(\w+)}", lambda found: names[found[1]], self.path)


def _bulk(**entity: object) -> dict[str, Any]:
    return {"actions": [{"action": "create", "entities": [entity], "action_on_existence": "overwrite"}]}


def tried(release: Release, run_id: str) -> Iterator[Route]:
    """In this order: what is made, what is altered, what is taken away."""
    conf = {"approved": True, "state": "approved", "release": release.id}
    span = {"from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-01T00:01:00Z"}
    backfill = {"dag_id": "{dag_id}", "dag_run_conf": conf, "max_active_runs": 1} | span
    updated = {"actions": [{"action": "update", "entities": [{"task_id": "send", "new_state": "success"}]}]}
    pool = {"name": "approved", "slots": 64, "description": release.id, "include_deferred": True}
    connection = {"connection_id": "approved", "conn_type": "http", "host": "localhost", "extra": "{}"}
    variable = {"key": "approved", "value": release.id}
    yield Route("POST", f"{_DAG}/dagRuns", {"dag_run_id": run_id, "logical_date": None, "conf": conf, "note": "批准"})
    yield Route("POST", f"{_TASK}/xcomEntries", {"key": "return_value", "value": _SAID, "map_index": -1})
    yield Route("POST", "pools", pool)
    yield Route("PATCH", "pools", _bulk(**pool))
    yield Route("PATCH", "pools/{pool_name}", pool | {"slots": 1})
    yield Route("POST", "connections", connection)
    yield Route("PATCH", "connections", _bulk(**connection))
    yield Route("PATCH", "connections/{connection_id}", connection)
    yield Route("POST", "connections/test", connection)
    yield Route("POST", "connections/enqueue-test", connection)
    yield Route("POST", "variables", variable)
    yield Route("PATCH", "variables", _bulk(**variable))
    yield Route("PATCH", "variables/{variable_key}", variable)
    yield Route("POST", "assets/events", {"asset_id": 1, "extra": conf})
    yield Route("POST", "assets/{asset_id}/materialize", {"dag_run_id": run_id, "conf": conf})
    yield Route("PUT", "assets/{asset_id}/state-store/{key}", {"value": release.id})
    yield Route("POST", "backfills/dry_run", backfill)
    yield Route("POST", "backfills", backfill)
    for verb in ("pause", "unpause", "cancel"):
        yield Route("PUT", f"backfills/{{backfill_id}}/{verb}")
    yield Route("PATCH", f"{_TASK}/xcomEntries/{{xcom_key}}", {"value": _SAID, "map_index": -1})
    yield Route("PUT", f"{_TASK}/state-store/{{key}}", {"value": release.id})
    yield Route("PATCH", f"{_TASK}/state-store/{{key}}", {"value": release.id})
    yield Route("PATCH", f"{_TASK}/{{map_index}}/hitlDetails", _SAID)
    for state in ("failed", "success"):
        for where in (_TASK, f"{_TASK}/{{map_index}}"):
            yield Route("PATCH", f"{where}/dry_run", {"new_state": state})
            yield Route("PATCH", where, {"new_state": state, "note": "已批准 approved"})
        yield Route("PATCH", _RUN, {"state": state, "note": "已批准 approved"})
    yield Route("PATCH", f"{_RUN}/taskInstances", updated)
    yield Route("PATCH", f"{_DAG}/dagRuns", {"actions": [{"action": "update", "entities": [{"dag_run_id": run_id}]}]})
    for where in ("", "/dry_run"):
        yield Route("PATCH", f"{_RUN}/taskGroupInstances/{{group_id}}{where}", {"new_state": "success"})
    yield Route("POST", f"{_RUN}/clear", _CLEAR)
    yield Route("POST", f"{_DAG}/clearTaskInstances", _CLEAR | {"dag_run_id": run_id, "task_ids": ["send"]})
    yield Route("POST", f"{_DAG}/clearDagRuns", {"dry_run": False, "dag_run_ids": [run_id]})
    yield Route("POST", f"{_DAG}/clearPartitions", {"dry_run": False, "partition_keys": [release.id]})
    yield Route("POST", f"{_RUN.rpartition('/')[0]}/list", {})
    yield Route("POST", f"{_RUN}/taskInstances/list", {})
    yield Route("PATCH", _DAG, {"is_paused": False})
    yield Route("POST", f"{_DAG}/favorite")
    yield Route("POST", f"{_DAG}/unfavorite")
    yield Route("PUT", "parseDagFile/{file_token}")
    for path in (
        "assets/{asset_id}/queuedEvents", f"{_DAG}/assets/queuedEvents", f"{_DAG}/assets/{{asset_id}}/queuedEvents",
        "assets/{asset_id}/state-store/{key}", "assets/{asset_id}/state-store", f"{_TASK}/state-store/{{key}}",
        f"{_TASK}/state-store", f"{_TASK}/xcomEntries/{{xcom_key}}", "pools/{pool_name}",
        "connections/{connection_id}", "variables/{variable_key}", _TASK, _RUN,
    ):  # fmt: skip
        yield Route("DELETE", path)


NOT_TRIED: Final = {
    ("POST", "connections/defaults"): "makes Airflow's examples, which nothing here reads",
    ("DELETE", _DAG): "takes the other tests' runs away; the register tells what has no run, and it gets one",
    ("PATCH", "dags"): "pauses several at once; of one it is tried",
}
"""Route → why."""
