"""One resident worker by itself: whom it takes in turn, what it has room for, what it leaves to runs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.app import App
from exchange.base.errors import Retryable
from exchange.base.paths import ROOT
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import World
from exchange.intake import answering, resident
from exchange.intake.answering import _Turns
from exchange.intake.owed import OwedRuns
from exchange.intake.resident import MAX_OF_ONE, MAX_WAITING, ResidentWorker, ResidentWorkers
from exchange.validate.effort import Effort

PERSON = "220102" + "198507149216"


def noting(started: list[str]) -> Callable[[str], bool]:
    """Starts runs, and notes which."""

    def start(batch: str) -> bool:
        started.append(batch)
        return True

    return start


@given(st.lists(st.sampled_from(["a.{}", "b.{}", "c.{}"]), max_size=20))
def test_partners_take_turns_and_each_ones_order_stays(given_to: list[str]) -> None:
    turns, batches = _Turns(), [form.format(number) for number, form in enumerate(given_to)]
    for batch in batches:
        turns.add(batch)
    taken = [turns.next() for _ in batches]
    assert not turns
    for partner in "abc":
        mine = [batch for batch in batches if batch.startswith(partner)]
        assert [batch for batch in taken if batch.startswith(partner)] == mine
        for at, batch in enumerate(mine):
            assert taken.index(batch) < 3 * (at + 1), "of the others not more than one for each of its own"


@pytest.fixture
def idle_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ResidentWorker]]:
    """Two processes that take sets and say nothing."""

    def idle(*_: object) -> None:
        time.sleep(600)

    monkeypatch.setattr(resident, "serve", idle)
    workers = [ResidentWorker(lambda: pytest.fail("it is not opened")) for _ in range(2)]
    yield workers
    for worker in workers:
        worker._process.kill()
        worker.ended()
        worker.close()


@pytest.fixture
def idle_worker(idle_workers: list[ResidentWorker]) -> ResidentWorker:
    return idle_workers[0]


def test_a_worker_has_room_for_others_whatever_one_partner_gives(idle_worker: ResidentWorker) -> None:
    for number in range(MAX_OF_ONE):
        assert idle_worker.waiting("a") == number
        idle_worker.give(f"a.{number}")
    assert idle_worker.waiting("a") is None
    assert idle_worker.waiting("b") == MAX_OF_ONE


@pytest.mark.parametrize("partners", [1, 2, 20])
def test_partners_are_shared_out_and_each_stays_with_its_worker(
    idle_workers: list[ResidentWorker], tmp_path: Path, partners: int
) -> None:
    """Who is connected to a partner's server need not connect again, and nobody is hardly busier for it."""
    workers = ResidentWorkers(idle_workers, OwedRuns(tmp_path), lambda _: pytest.fail("no run is started"))
    for number in range(5):
        for partner in range(partners):
            workers.pass_on(f"p{partner}.{number}")
        first, second = (len(each.has) for each in idle_workers)
        assert abs(first - second) <= resident._HARDLY_MORE + 1
    of_first, of_second = ({batch.split(".")[0] for batch in each.has} for each in idle_workers)
    assert partners == 1 or not of_first & of_second


@pytest.mark.parametrize(
    ("answered", "unanswered", "partners"), [(0, 0, 1), (1400, 0, 20), (0, 700, 20), (0, 300, 1), (300, 300, 7)]
)
def test_whatever_a_lookout_finds_owed_no_more_runs_start_than_can_be_borne(
    idle_worker: ResidentWorker, tmp_path: Path, answered: int, unanswered: int, partners: int
) -> None:
    """Thousands that start at once hold up all that comes in."""
    begin, started, owed = time.monotonic(), list[str](), OwedRuns(tmp_path)
    batches = [f"partner-{number % partners}.{number}" for number in range(answered + unanswered)]
    for batch in batches:
        owed.hand_over(batch)
    for batch in batches[:answered]:
        owed.mark_answered(batch)
    workers, new = ResidentWorkers([idle_worker], owed, noting(started)), list[str]()
    for _ in range(5):
        workers.look()
        workers._next_taking_over = 0.0
        new.append(f"partner-new.{len(new)}")
        workers.pass_on(new[-1])
    assert min(unanswered, MAX_OF_ONE) <= len(idle_worker.has) <= MAX_WAITING
    assert set(started) <= set(batches[:answered]), "what is not answered waits for a worker that has room"
    assert len(started) <= 1 + (time.monotonic() - begin) / resident._RUN_SECONDS
    assert sorted(owed.all()) == sorted({*batches, *new} - set(started)), "nothing is forgotten"


def outcomes_of(world: World, batches: list[str]) -> dict[str, bool]:
    """What one worker says of each batch that it is given."""
    worker, outcomes = ResidentWorker(lambda: App.open("lookout", world.config)), dict[str, bool]()
    try:
        for batch in batches:
            worker.give(batch)
        assert wait_for(lambda: outcomes.update(worker.outcomes()) or len(outcomes) == len(batches), 120)
    finally:
        worker.end()
        worker.ended()
        worker.close()
    return outcomes


@pytest.mark.parametrize(("left_for", "dead"), [(60.0, 1), (0.0, 3)])
def test_a_partner_that_keeps_a_worker_in_vain_keeps_it_once_and_not_for_long(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_for: float, dead: int
) -> None:
    """And once more when a while is over."""
    tried = tmp_path / "tried"

    def answered(app: App, batch: str) -> bool:
        policy = app.settings.policy
        assert max(policy.whole_look_seconds, policy.whole_transfer_seconds) <= answering._SERVER_SECONDS
        with tried.open("a") as file:
            file.write(f"{batch}\n")
        if batch.startswith("dead."):
            time.sleep(0.2)
        return batch.startswith("alive.")

    monkeypatch.setattr(answering, "_answered", answered)
    monkeypatch.setattr(answering, "_IN_VAIN_SECONDS", 0.1)
    monkeypatch.setattr(answering, "_LEFT_SECONDS", left_for)
    batches = ["dead.1", "dead.2", "failing.1", "failing.2", "alive.1", "dead.3"]
    outcomes = outcomes_of(world, batches)
    assert outcomes == {batch: batch == "alive.1" for batch in batches}
    tries = [f"dead.{number}" for number in range(1, dead + 1)]
    assert sorted(tried.read_text().split()) == ["alive.1", *tries, "failing.1", "failing.2"]


def test_a_file_that_takes_long_to_be_read_keeps_a_worker_no_longer_than_a_dead_server(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However large it is, and however much of the processor its reading is allowed."""

    def answered(_: App, batch: str) -> bool:
        try:
            Effort(1 << 30).spend(answering._IN_VAIN_SECONDS * (1.01 if batch.startswith("slow.") else 0.99))
        except Retryable:
            return False
        return True

    monkeypatch.setattr(answering, "_answered", answered)
    outcomes = outcomes_of(world, ["slow.1", "alive.1"])
    assert outcomes == {"slow.1": False, "alive.1": True}


@pytest.mark.parametrize("register_is_away", [True, False])
def test_a_register_that_is_away_is_waited_for_and_is_no_partners_doing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, register_is_away: bool
) -> None:
    """Each set that a worker fails at has a run at once, and a partner that kept it in vain has only runs."""
    tried, away, back = tmp_path / "tried", tmp_path / "away", tmp_path / "back"
    away.touch()

    def answered(_: App, batch: str) -> bool:
        with tried.open("a") as file:
            file.write(f"{batch}\n")
        time.sleep(0.2)
        return not away.exists()

    def check_written(_: object) -> None:
        if register_is_away and not back.exists():
            back.touch()
            away.unlink()
            raise Retryable("it cannot be reached")

    monkeypatch.setattr(answering, "_answered", answered)
    monkeypatch.setattr(answering, "check_written", check_written)
    monkeypatch.setattr(answering, "_IN_VAIN_SECONDS", 0.1)
    batches = [f"{partner}.{number}" for number in range(3) for partner in ("court", "school")]
    outcomes = outcomes_of(world, batches)
    failed, asked = sorted(batch for batch in batches if not outcomes[batch]), tried.read_text().split()
    if register_is_away:
        assert (failed, sorted(asked)) == (["court.0"], sorted(batches)), "one fails, all others are answered"
    else:
        assert (failed, asked) == (sorted(batches), ["court.0", "school.0"])


def test_a_worker_that_says_nothing_leaves_what_it_has_to_runs_until_it_is_heard_of_again(
    idle_worker: ResidentWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = list[str]()
    workers = ResidentWorkers([idle_worker], OwedRuns(tmp_path), noting(started))
    workers.pass_on("a.1")
    workers.look()
    assert not started
    monkeypatch.setattr(resident, "_STUCK_SECONDS", 0.0)
    workers.look()
    workers.pass_on("a.2")
    assert started == ["a.1", "a.2"]
    monkeypatch.undo()
    idle_worker._pipe, theirs = Pipe()
    theirs.send(("a.1", True))
    workers.pass_on("a.3")
    assert started == ["a.1", "a.2"]
    assert set(idle_worker.has) == {"a.3"}


SHARES_NO_LOCK = """
import gc
from multiprocessing.synchronize import SemLock
from exchange.intake.resident import ResidentWorker

def nobody():
    raise OSError

worker = ResidentWorker(nobody)
assert not [each for each in gc.get_objects() if isinstance(each, SemLock)]
worker.end()
worker.ended()
"""


def test_a_worker_that_fails_outright_tells_kind_and_place_alone(capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever ends a process that multiprocessing started, is printed with its words and those that it came upon."""

    def broken() -> App:
        try:
            raise ValueError(PERSON)
        except ValueError as error:
            raise KeyError(PERSON) from error

    worker = ResidentWorker(broken)
    assert wait_for(lambda: not worker._process.is_alive(), 60)
    said = "".join(capfd.readouterr())
    assert "unexpected KeyError" in said
    assert PERSON not in said


def test_a_worker_shares_no_lock_that_it_could_be_killed_with() -> None:
    """Whoever started it would wait for that lock for ever, and so would it."""
    command = [sys.executable, "-W", "ignore", "-c", SHARES_NO_LOCK]
    assert subprocess.run(command, check=False, timeout=600, cwd=ROOT).returncode == 0
