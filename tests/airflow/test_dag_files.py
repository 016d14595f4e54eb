"""The DAG files by themselves: they can be read without a server and without an installation."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from exchange.base.errors import Retryable
from exchange.base.paths import DAGS
from exchange.demo.servers.airflow import DAG_IDS
from exchange.intake.shares import Share
from exchange.intake.shifts import RUN_SECONDS, shift_seconds


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).with_name("bag.py"))]
    own = {"AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow"))}
    ended = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False, timeout=900)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
    return found


def test_all_are_read(bag: dict[str, Any]) -> None:
    assert bag["errors"] == {}
    assert sorted(bag["dags"]) == sorted(DAG_IDS)


def test_reading_them_imports_no_library_and_nothing_that_computes(bag: dict[str, Any]) -> None:
    """Who reads them for ever runs none of their tasks: what a task needs, it imports (45 MiB less)."""
    assert bag["imported"] == ["household"]


def test_each_dag_and_task_is_called_in_chinese_and_is_the_offices(bag: dict[str, Any]) -> None:
    chinese = re.compile(r"[一-鿿].*[a-z]")
    for dag_id, read in bag["read"].items():
        assert chinese.match(read["name"]), dag_id
        assert chinese.search(read["what"]), dag_id
        assert any(chinese.match(tag) for tag in read["tags"]), dag_id
    for task_id, read in bag["tasks"].items():
        assert chinese.match(read["name"]), task_id
        assert read["owner"] == "户政 household", task_id
        assert read["policy"] == "ExceptionRetryPolicy", "what waits for a person is not tried again"


def test_nothing_is_for_a_triggerer_which_no_office_runs(bag: dict[str, Any]) -> None:
    """What defers would wait for ever. If a task must: start ``airflow triggerer`` again wherever the scheduler is
    started (``COMPONENTS`` of the demo, compose, kubernetes, systemd, operations), and only then add its operator here.
    """
    standard = "airflow.providers.standard"
    assert {read["operator"] for read in bag["tasks"].values()} <= {
        f"{standard}.decorators.python._PythonDecoratedOperator",
        f"{standard}.decorators.short_circuit._ShortCircuitDecoratedOperator",
    }
    assert bag["defer"] == []


def test_the_populations_snapshot_has_all_its_tries_before_the_others_begin(bag: dict[str, Any]) -> None:
    """Their builds wait for a person where no population is there, which a second try would bring."""
    upstream = bag["dags"]["snapshots"]
    assert (upstream["build_population"], upstream["build"]) == ([], ["build_population"])


def test_runs_that_wait_for_one_partners_server_hold_up_no_others(bag: dict[str, Any]) -> None:
    """By their number, and by what their tasks weigh: such a run is active for as long as it is tried again."""
    of_batches = ("batch", "immediate", "large", "release")
    assert min(bag["most_runs"][dag_id] for dag_id in of_batches) >= 1000
    weights = {task_id: read["weight"] for task_id, read in bag["tasks"].items() if task_id.split(".")[0] in of_batches}
    assert set(weights.values()) == {"absolute"}, weights


@pytest.mark.parametrize("number", [1, 2, 5])
def test_lookouts_have_time_for_their_shift_and_one_that_is_gone_holds_up_no_later_run(
    bag: dict[str, Any], number: int
) -> None:
    given, share = bag["lookouts"][f"{number}"], Share(0, number)
    shifts = [(late, shift_seconds(share, late)) for late in range(RUN_SECONDS)]
    assert max(late + seconds for late, seconds in shifts) < given["run"]
    assert max(seconds for _, seconds in shifts) < given["task"]
    if number > 1:
        assert sorted(given["queues"].values()) == [f"lookout-{n + 1}" for n in range(number)]
        assert given["run"] <= given["runs"] * RUN_SECONDS, "a task that nobody takes keeps its run open for so long"


def test_what_ends_a_try_is_tried_again_or_waits_for_a_person() -> None:
    sys.path.insert(0, str(DAGS))
    from household.tasks import OFFICE_ARGS, Ended, Stopped

    evaluate = OFFICE_ARGS["retry_policy"].evaluate
    assert {kind.__name__: evaluate(kind("x"), 1, 8).action.value for kind in (Ended, Stopped, ValueError)} == {
        "Ended": "default",
        "Stopped": "fail",
        "ValueError": "default",
    }


ENDS = {
    "its first try": (1, 3, 3, "will be tried again"),
    "its last but one": (3, 3, 3, "will be tried again"),
    "its last": (4, 3, 3, "a person must look"),
    "cleared after its last": (5, 8, 3, "will be tried again"),
    "of a DAG that runs again anyway": (1, 0, 0, "the next run does it"),
    "of such a DAG, cleared": (2, 1, 0, "the next run does it"),
}


@pytest.mark.parametrize(("tried", "most", "retries", "said"), ENDS.values(), ids=ENDS.keys())
def test_who_goes_on_is_told_as_it_is(
    caplog: pytest.LogCaptureFixture, tried: int, most: int, retries: int, said: str
) -> None:
    """Nobody waits for a try that does not come: the last one says that a person is to clear the task."""
    sys.path.insert(0, str(DAGS))
    from household import tasks

    instance: Any = SimpleNamespace(try_number=tried, max_tries=most, task=SimpleNamespace(retries=retries))
    assert isinstance(tasks._ended(Retryable("the server is away"), instance), tasks.Ended)
    chinese, english = (record.getMessage() for record in caplog.records)
    assert said in english
    assert "the server is away" in english
    waits = said == "a person must look"
    assert (waits, waits) == ("须人工处理" in chinese, "Clear" in chinese)
    assert ("会自动重试" in chinese) == (said == "will be tried again")


def test_who_only_tells_of_troubles_is_not_to_be_cleared(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What such a task says, comes from the task before it: cleared by itself it failed again, with the words of then,
    however well all was put in order.
    """
    monkeypatch.syspath_prepend(DAGS)
    from household import tasks

    said = f"{tasks.a_person_must_look(['bank: its server'])}\n{caplog.text}"
    assert "bank: its server" in said
    assert "清除（Clear）此任务" not in said
    assert "clear this task" not in said
    assert "the next run" in said


def test_the_parts_of_the_watch_do_not_hold_each_other_up(bag: dict[str, Any]) -> None:
    assert bag["dags"]["deadline_watch"] == {
        "count_again": [],
        "deadlines": ["count_again"],
        "cycles": [],
        "tell": ["cycles", "deadlines"],
        "troubles": ["count_again", "cycles", "deadlines"],
    }
