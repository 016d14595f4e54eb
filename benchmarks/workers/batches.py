"""Many batches on workers: how long they take, and whether each of them was answered once when a worker is killed."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Failed
from benchmarks.workers.load import family, processor_seconds, spent
from benchmarks.workers.office import Measured, pid_in
from exchange.app import App
from exchange.demo.servers.airflow import Airflow
from exchange.demo.servers.airflow_api import AirflowApi
from exchange.intake.collect import poll
from exchange.register import State

_ENDED: Final = (State.DELIVERED, State.CLOSED)
_POLL_SECONDS: Final = 0.25
_PATIENCE_SECONDS: Final = 1800.0
_STEPS: Final = ["claimed", "accepted", "sealed", "delivered"]
"""Of every batch; closed at once where no row waits for an officer."""


@dataclass(frozen=True)
class Done:
    """``seconds``: from the first run's start to the last result in the partner's folder; ``processors``: seconds by
    part of the world; ``again``: tasks that were tried more than once; ``tasks``: seconds of each, by name; ``plain``:
    SHA-256 of the opened result, the same for all.
    """

    batches: int
    rows: int
    seconds: float
    processors: dict[str, float]
    again: list[str]
    tasks: dict[str, list[float]]
    plain: str

    @property
    def rows_per_second(self) -> float:
        return self.batches * self.rows / self.seconds


def run_batches(
    measured: Measured,
    airflow: Airflow,
    api: AirflowApi,
    names: Sequence[str],
    *,
    dag: str = "batch",
    meanwhile: Callable[[int], None] = lambda _: None,
) -> Done:
    """Drops the sets, claims them, starts a run of each, waits for the last. ``meanwhile`` is called again and again
    with the number of batches that have been sealed (Airflow runs all first steps first, then all second ones).
    """
    claims = measured.claims
    batches = [measured.drop(name, claims) for name in names]
    parts = measured.parts(airflow)
    with measured.open() as app:
        poll(app)
        before, began = processor_seconds(parts), time.monotonic()
        for batch in batches:
            api.trigger(dag, batch)
        while (answered := _at_least(app, batches, _ENDED)) < len(batches):
            meanwhile(_at_least(app, batches, (State.PREPARED, *_ENDED)))
            if time.monotonic() > began + _PATIENCE_SECONDS:
                msg = f"{answered} of {len(batches)} batches were answered in {_PATIENCE_SECONDS:.0f} s"
                raise Failed(msg)
            time.sleep(_POLL_SECONDS)
        seconds = time.monotonic() - began
        took = spent(before, processor_seconds(parts))
        for batch in batches:
            api.wait_for_run(dag, batch, 120)
        plain = {_checked(measured, app, batch) for batch in batches}
    if len(plain) != 1:
        msg = "the same claims were answered differently"
        raise Failed(msg)
    tasks = [(batch, task) for batch in batches for task in api.task_instances(dag, batch)]
    return Done(len(batches), claims.height, seconds, took, _tried_again(tasks), _durations(tasks), plain.pop())


def _at_least(app: App, batches: Sequence[str], states: Sequence[State]) -> int:
    return sum(app.register.batch(batch).state in states for batch in batches)


def _checked(measured: Measured, app: App, batch: str) -> str:
    """The opened result's SHA-256, once the register has each step once and every row was counted; Failed otherwise."""
    steps = Counter(step.to_state for step in app.register.transitions(batch))
    result = measured.partner.result(batch)
    rows = result.manifest["rows_out"]
    lines = len(result.data.splitlines()) - 1
    if steps - Counter(["closed"]) != Counter(_STEPS) or not rows == lines == measured.rows:
        msg = f"{batch}: {dict(steps)}, {rows} rows by the manifest, {lines} in the file"
        raise Failed(msg)
    plain: str = result.manifest["plain"]["sha256"]
    return plain


def _tried_again(tasks: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    """``batch: task, tries`` of what took more than one try."""
    return [
        f"{batch.partition('.')[2]}: {task['task_id']}, {task['try_number']} tries"
        for batch, task in tasks
        if task["try_number"] > 1
    ]


def _durations(tasks: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, list[float]]:
    """Seconds of each task of this name, as Airflow counts them."""
    found: dict[str, list[float]] = {}
    for _, task in tasks:
        found.setdefault(task["task_id"], []).append(task["duration"] or 0.0)
    return found


class Killer:
    """Kills a worker with all that it started, once: at ``process``, when a quarter of the batches is sealed."""

    def __init__(self, airflow: Airflow, api: AirflowApi, worker: str, batches: int) -> None:
        self._pid, self._api = pid_in(airflow.folder / f"{worker}.pid"), api
        self._after = batches // 4
        self.killed_after: int | None = None
        self.killed = 0

    def __call__(self, sealed: int) -> None:
        if self.killed_after is not None or sealed < self._after:
            return
        found = family(self._pid)
        if not self._at_process(found):
            return
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.killed_after, self.killed = sealed, len(found)

    def _at_process(self, pids: Sequence[int]) -> bool:
        """Airflow gives a task's process its id as a title."""
        titles = b" ".join(map(_title, pids))
        running = self._api.call("GET", "dags/batch/dagRuns/~/taskInstances", state="running")["task_instances"]
        return any(task["task_id"] == "process" and task["id"].encode() in titles for task in running)


def _title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
