"""A small client of Airflow's REST API, as a person at the UI would use it: trigger, look, clear,
and the office's own pages behind the same log-in.

Rules: one logged-in user per client; an answer other than success raises ``httpx.HTTPStatusError``; waiting has a
deadline. Dictionaries are Airflow's own JSON, see its API reference.
"""

from __future__ import annotations

import re
from typing import Any, Final, Self

import httpx

from exchange.base.errors import Halt
from exchange.demo.servers.processes import wait_for

_SECONDS: Final = 120.0
_PAGE: Final = 100
_POLL_SECONDS: Final = 0.5  # a question costs the API server some 40 ms of processor time
FINISHED: Final = frozenset({"success", "failed"})


class AirflowApi:
    """Airflow's API version 2, for one user."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    @classmethod
    def log_in(cls, base_url: str, user: str, password: str) -> Self:
        """A client that carries this user's token."""
        client = httpx.Client(base_url=base_url, timeout=_SECONDS, trust_env=False)  # loopback: no proxy
        answer = client.post("/auth/token", json={"username": user, "password": password})
        if not answer.is_success:
            client.close()
        answer.raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return cls(client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **query: str | int) -> dict[str, Any]:
        """One call below ``/api/v2/``; the JSON that came back."""
        answer = self._client.request(method, f"/api/v2/{path}", json=body, params=query)
        answer.raise_for_status()
        parsed: dict[str, Any] = answer.json() if answer.content else {}
        return parsed

    def dag_ids(self) -> list[str]:
        """The ids of all DAGs that Airflow has read."""
        return [dag["dag_id"] for dag in self.call("GET", "dags", limit=_PAGE)["dags"]]

    def import_errors(self) -> list[str]:
        """What kept DAG files from being read; file name and stack trace."""
        errors = self.call("GET", "importErrors", limit=_PAGE)["import_errors"]
        return [f"{error['filename']}: {error['stack_trace']}" for error in errors]

    def trigger(self, dag_id: str, run_id: str, conf: dict[str, Any] | None = None) -> dict[str, Any]:
        """Starts a run; a run id that exists is answered 409."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf or {}}
        return self.call("POST", f"dags/{dag_id}/dagRuns", body)

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """One run as the API tells it; httpx.HTTPStatusError where there is none."""
        return self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}")

    def runs(self, dag_id: str, *, skip: int = 0) -> list[dict[str, Any]]:
        """The latest runs first, a hundred at most, after so many."""
        answer = self.call("GET", f"dags/{dag_id}/dagRuns", limit=_PAGE, offset=skip, order_by="-run_after")
        runs: list[dict[str, Any]] = answer["dag_runs"]
        return runs

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run, a hundred at most, as the API tells them."""
        answer = self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=_PAGE)
        instances: list[dict[str, Any]] = answer["task_instances"]
        return instances

    def clear(self, dag_id: str, run_id: str, *, only_failed: bool = True, note: str | None = None) -> None:
        """What the operator's *Clear* does: the run's failed tasks, or all, are run again."""
        body = {"dry_run": False, "only_failed": only_failed} | ({"note": note} if note else {})
        self.call("POST", f"dags/{dag_id}/dagRuns/{run_id}/clear", body)

    def page(self, path: str) -> tuple[int, str]:
        """One of the office's own pages, as this user sees it: status and HTML."""
        answer = self._client.get(f"/exchange{path}")
        return answer.status_code, answer.text

    def press(self, path: str, action: str, **given: str) -> tuple[int, str]:
        """Sends the form of the page ``path`` that leads to ``action``, with what is given in place of its hidden
        fields; Halt where the page has none. Status and HTML of what came back.
        """
        _, text = self.page(path)
        forms = [form for form in re.findall(r"<form.*?</form>", text, re.DOTALL) if f'/exchange{action}"' in form]
        if not forms:
            msg = f"{path} has no form for {action}"
            raise Halt(msg)
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(.*?)">', forms[0]))
        answer = self._client.post(f"/exchange{action}", data=fields | given)
        return answer.status_code, answer.text

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1) -> list[Any]:
        """The task log's lines as the UI shows them."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        lines: list[Any] = self.call("GET", path)["content"]
        return lines

    def wait_for_dag(self, dag_id: str, seconds: float = _SECONDS) -> None:
        """Waits until the DAG processor has read this DAG; Halt with the files it could not read."""
        if not wait_for(lambda: dag_id in self.dag_ids(), seconds, _POLL_SECONDS):
            msg = f"Airflow does not know the DAG {dag_id} after {seconds:.0f} s: {self.import_errors()}"
            raise Halt(msg)

    def wait_for_run(self, dag_id: str, run_id: str, seconds: float = _SECONDS) -> str:
        """The state that the run ended in, ``success`` or ``failed``; Halt when it has not ended in time."""
        if not wait_for(lambda: self.run(dag_id, run_id)["state"] in FINISHED, seconds, _POLL_SECONDS):
            msg = f"the run {run_id} of {dag_id} did not end in {seconds:.0f} s"
            raise Halt(msg)
        state: str = self.run(dag_id, run_id)["state"]
        return state
