"""Keeps one annual batch in process for the length of a block: the next is dropped when the one before is sealed, so
that it is collected while that one is delivered.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpx

from benchmarks.adhoc.client import connected
from benchmarks.adhoc.sets import Desk, Prepared
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.servers.airflow import Airflow
from exchange.demo.servers.processes import wait_for
from exchange.register import State

_START_SECONDS = 240.0
_BATCH_SECONDS = 600.0
_ANSWERED = (State.DELIVERED, State.CLOSED)  # the former where rows wait for an officer
_DONE = (State.PREPARED, *_ANSWERED)


@dataclass
class Annual:
    """The annual batches that were dropped, oldest first."""

    app: App
    dropped: list[str] = field(default_factory=list)

    def state(self, batch: str) -> str | None:
        found = self.app.register.find_batch(batch)
        return found.state if found else None

    def spans(self) -> list[tuple[float, float]]:
        """From claim to delivery of each that got there, in seconds of the wall clock."""
        steps = [
            {step.to_state: step.at.timestamp() for step in self.app.register.transitions(each)}
            for each in self.dropped
        ]
        return [(each["claimed"], each.get("delivered", float("inf"))) for each in steps if each]


@contextmanager
def kept_in_process(desk: Desk, airflow: Airflow, app: App, rows: int) -> Iterator[Annual]:
    """One annual batch of so many rows is being processed from the block's first moment to its last."""
    found, over = Annual(app), threading.Event()
    sets = desk.annual(rows)
    first = next(sets)
    _drop(desk, airflow, first, found)
    if not wait_for(lambda: found.state(first.batch) == State.ACCEPTED, _START_SECONDS):
        msg = "the first annual batch was not accepted in time"
        raise Halt(msg)

    def keep_up() -> None:
        while not over.is_set():
            following = next(sets)
            wait_for(lambda: over.is_set() or found.state(found.dropped[-1]) in _DONE, _BATCH_SECONDS)
            if not over.is_set():
                _drop(desk, airflow, following, found)

    thread = threading.Thread(target=keep_up, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
        wait_for(lambda: all(found.state(batch) in _ANSWERED for batch in found.dropped), _BATCH_SECONDS)


def _drop(desk: Desk, airflow: Airflow, prepared: Prepared, found: Annual) -> None:
    with connected(desk.education) as client:
        client.put(prepared.files)
    found.dropped.append(prepared.batch)
    with airflow.api() as api, suppress(httpx.HTTPStatusError):
        api.trigger("collect", f"bench-{prepared.batch}")  # by itself it looks each minute


def share_covered(spans: Sequence[tuple[float, float]], begin: float, end: float) -> float:
    """The share of the time between two moments that lies in one of these spans."""
    covered, reached = 0.0, begin
    for start, stop in sorted(spans):
        covered += max(0.0, min(stop, end) - max(start, reached))
        reached = max(reached, min(stop, end))
    return covered / (end - begin)
