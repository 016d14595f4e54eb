"""The context of every log line of a step (batch, partner, step), and one line at its end with the seconds by stage.

Rules
- The three are context (``structlog.contextvars``), so that lines of other rooms and of libraries carry them, too: in
  Airflow's task logs as fields of each line beside its own, at the command line behind the words.
- A step ends with one line of seconds, in all and by stage (``timing.py``), also where it fails; no values, no names.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from time import perf_counter
from typing import Concatenate, ParamSpec, TypeVar

from structlog.contextvars import bound_contextvars

from exchange.base.timing import measured

log = logging.getLogger(__name__)

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")


def logged(step: Callable[Concatenate[A, str, P], T]) -> Callable[Concatenate[A, str, P], T]:
    """Decorates a step whose second argument is the id of its batch or release: every line that it logs carries it."""

    @wraps(step)
    def with_context(app: A, batch_id: str, /, *args: P.args, **more: P.kwargs) -> T:
        partner = batch_id.partition(".")[0]
        with bound_contextvars(batch=batch_id, partner=partner, step=step.__name__), _timed():
            return step(app, batch_id, *args, **more)

    return with_context


@contextmanager
def _timed() -> Iterator[None]:
    begun = perf_counter()
    with measured() as stages:
        try:
            yield
        finally:
            parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages.seconds.items())
            log.info("took %.1f s%s", perf_counter() - begun, f": {parts}" if parts else "")
