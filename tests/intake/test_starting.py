"""Runs that are started beside the lookout: whatever Airflow does, it goes on, and nothing owed is forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.errors import Retryable
from exchange.demo.servers.processes import wait_for
from exchange.intake import resident, starting
from exchange.intake.lanes import Lane
from exchange.intake.owed import OwedRuns
from exchange.intake.resident import ResidentWorkers
from exchange.intake.starting import RunStarter

BATCHES = ("a.1", "a.2", "b.1", "b.2")


@given(
    st.fixed_dictionaries({batch: st.lists(st.sampled_from(["not now", "error"]), max_size=3) for batch in BATCHES}),
    st.sets(st.sampled_from(BATCHES)),
)
def test_each_set_gets_its_run_however_often_airflow_fails(failing: dict[str, list[str]], answered: set[str]) -> None:
    """``failing``: what the first tries of each end with."""
    asked = Counter[str]()

    def start_run(lane: Lane, batch: str) -> bool:
        assert lane is Lane.IMMEDIATE
        asked[batch] += 1
        ends = failing[batch][asked[batch] - 1 : asked[batch]]
        if ends == ["error"]:
            raise Retryable("the register cannot be reached")
        return not ends

    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(resident, "_RUN_SECONDS", 0.0)
        owed = OwedRuns(Path(folder))
        starter = RunStarter(start_run, owed)
        workers = ResidentWorkers([], owed, starter.start)
        for batch in BATCHES:
            owed.hand_over(batch)
            if batch in answered:
                owed.mark_answered(batch)
        assert wait_for(lambda: (workers.look(), not owed.all())[1], 60)  # type: ignore[func-returns-value]
        starter.close()
        workers.look()
    assert asked == {batch: len(tries) + 1 for batch, tries in failing.items()}


@pytest.fixture
def hanging() -> Iterator[Event]:
    """Airflow says nothing until this is set."""
    goes_on = Event()
    yield goes_on
    goes_on.set()


@pytest.mark.parametrize("sets", [1, 3 * starting._AT_ONCE])
def test_where_no_worker_takes_them_all_sets_of_a_burst_get_their_runs(tmp_path: Path, sets: int) -> None:
    started = list[str]()

    def start_run(_: Lane, batch: str) -> bool:
        started.append(batch)
        return True

    workers = ResidentWorkers([], OwedRuns(tmp_path), RunStarter(start_run, OwedRuns(tmp_path)).start)
    for number in range(sets):
        workers.pass_on(f"a.{number}")
    assert wait_for(lambda: (workers.look(), len(started) == sets)[1], 60)  # type: ignore[func-returns-value]
    workers.look()
    workers.over()
    assert len(set(started)) == len(started)


def test_while_airflow_says_nothing_the_lookout_goes_on_and_all_stays_owed(hanging: Event, tmp_path: Path) -> None:
    started, owed = list[tuple[Lane, str]](), OwedRuns(tmp_path)

    def start_run(lane: Lane, batch: str) -> bool:
        hanging.wait(60)
        started.append((lane, batch))
        return True

    starter = RunStarter(start_run, owed)
    workers = ResidentWorkers([], owed, starter.start)
    for batch in BATCHES:
        owed.hand_over(batch)
    for _ in range(3):
        workers.look()
    starter.start("large.1", Lane.BATCH)
    workers.over()
    starter.close(seconds=0.0)
    assert started == []
    assert set(owed.all()) == set(BATCHES)
    hanging.set()
    assert wait_for(lambda: len(started) == len(BATCHES) + 1 and not owed.all(), 60)
    assert sorted(started) == sorted([*((Lane.IMMEDIATE, batch) for batch in BATCHES), (Lane.BATCH, "large.1")])
