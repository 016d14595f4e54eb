"""Every line of a step carries batch, partner and step, none behind it does; its last line says how long it took."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from exchange import pipeline
from exchange.base.step_log import logged
from exchange.base.timing import measured, stage
from exchange.cli.log_lines import ContextFormatter

library = logging.getLogger("some.library")
NO_STEPS = {"check_known", "check_known_release", "propose_all", "run", "unsent"}


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(ContextFormatter("%(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(re.sub(r"[0-9.]+(?= s)|(?<=fetch )[0-9.]+", "…", self.format(record)))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(level)


@logged
def work(app: list[str], batch_id: str, *, fails: bool = False) -> int:
    with stage("fetch"):
        library.info("of a library")
    if fails:
        raise ValueError("in the way")
    app.append(batch_id)
    return 7


CONTEXT = "[batch=bank.b1 partner=bank step=work]"


def test_lines_of_every_room_carry_the_context_and_the_last_says_the_seconds(lines: list[str]) -> None:
    done: list[str] = []
    assert work(done, "bank.b1") == 7
    assert done == ["bank.b1"]
    library.info("behind it")
    assert lines == [f"of a library  {CONTEXT}", f"took … s: fetch …  {CONTEXT}", "behind it"]


def test_a_step_that_fails_says_so_too_and_leaves_nothing_behind(lines: list[str]) -> None:
    with pytest.raises(ValueError, match="in the way"):
        work([], "bank.b1", fails=True)
    library.info("behind it")
    assert lines[1:] == [f"took … s: fetch …  {CONTEXT}", "behind it"]


def test_who_measures_from_outside_sees_the_stages_of_steps() -> None:
    with measured() as found:
        work([], "bank.b1")
    assert list(found.seconds) == ["fetch"]


def test_airflow_puts_the_context_into_its_task_logs() -> None:
    """Lines of ``logging`` go through the processors of Airflow's task log, one of which is structlog's context."""
    from airflow.sdk._shared.logging.structlog import structlog_processors
    from structlog.contextvars import merge_contextvars

    assert merge_contextvars in structlog_processors(json_output=True)[0]


def test_every_step_of_a_batch_is_logged() -> None:
    steps = [getattr(pipeline, name) for name in pipeline.__all__ if name not in NO_STEPS]
    assert len(steps) == 8
    assert all(hasattr(step, "__wrapped__") for step in steps)
