"""Resident workers, forked and killed for real: what they were given is answered once, by them or by its run."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.duty import LOOKOUT as LOOKOUT_DUTY
from exchange.base.duty import Duties
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.intake.owed import SILENCE, OwedRuns
from exchange.intake.scan import FolderScan
from exchange.register import State
from exchange.settings import ENVIRONMENT_VARIABLE

Ask = Callable[..., Request]


class Lookout:
    """``looks``: whether it starts what is owed; ``silence``: after which it takes over what another one left;
    ``in_pool``: whether a Celery worker runs it.
    """

    def __init__(
        self, door: Path, workers: int, *, looks: bool = True, silence: float = 60.0, in_pool: bool = False
    ) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(str(door))
        self.said = self.connection.makefile(encoding="utf-8")
        self._tell(json.dumps({"workers": workers, "looks": looks, "silence": silence, "in_pool": in_pool}))
        self.pid, *self.workers = [int(pid) for pid in self.said.readline().split()[1:]]

    def _tell(self, line: str) -> None:
        self.connection.sendall(f"{line}\n".encode())

    def give(self, *batches: str) -> None:
        for batch in batches:
            self._tell(batch)

    def starts(self) -> str:
        """The batch whose run it starts next."""
        word, batch = self.said.readline().split()
        assert word == "run"
        return batch

    def end(self) -> list[str]:
        """Whose runs it has started since."""
        self.connection.shutdown(socket.SHUT_WR)
        *started, over = self.said.read().splitlines()
        assert over == "over"
        self._close()
        return [line.removeprefix("run ") for line in started]

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._close()

    def _close(self) -> None:
        assert wait_for(lambda: not is_there(self.pid), 60)
        self.said.close()
        self.connection.close()


@pytest.fixture(scope="module")
def door(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where lookouts are to be had: ``forked_lookouts.py``."""
    path = tmp_path_factory.mktemp("door") / "door"
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("forked_lookouts.py")), str(path)]
    with subprocess.Popen(command, env=os.environ | {ENVIRONMENT_VARIABLE: str(world.config)}) as forking:
        assert wait_for(path.exists, 120)
        yield path
        forking.kill()


@pytest.fixture
def claimed(app: App, court: DemoPartner, ask: Ask) -> Callable[[int], list[str]]:
    def make(number: int) -> list[str]:
        asked = [ask(cycle="ad_hoc", period="2026-11-23") for _ in range(number)]
        for request in asked:
            court.drop(court.make_set(request))
        waiting = poll(app).waiting
        assert all(request.batch in waiting for request in asked)
        return [request.batch for request in asked]

    return make


def is_closed(app: App, batch: str) -> bool:
    return app.register.batch(batch).state is State.CLOSED


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.fixture
def owed(app: App) -> OwedRuns:
    runs = OwedRuns.of_home(app.settings.home)
    for batch in runs.all():
        runs.paid(batch)
    return runs


@pytest.mark.parametrize("in_pool", [False, True])
def test_it_is_answered_and_then_its_run_finds_nothing_to_do(
    door: Path, app: App, court: DemoPartner, claimed: Callable[[int], list[str]], owed: OwedRuns, *, in_pool: bool
) -> None:
    lookout, batches = Lookout(door, 1, in_pool=in_pool), claimed(3)
    lookout.give(*batches)
    started = [lookout.starts() for _ in batches]
    assert started == batches
    assert all(is_closed(app, batch) for batch in batches), "each run comes after the answer"
    assert lookout.end() == []
    assert owed.all() == []
    for batch in batches:
        lines = len(app.register.transitions(batch))
        assert pipeline.run(app, batch)
        assert len(app.register.transitions(batch)) == lines
        assert court.result(batch).manifest["batch"] == batch


def test_runs_that_find_nothing_to_do_wait_until_a_burst_is_answered(
    door: Path, app: App, claimed: Callable[[int], list[str]], owed: OwedRuns
) -> None:
    lookout, batches = Lookout(door, 1), claimed(4)
    (worker,) = lookout.workers
    os.kill(worker, signal.SIGSTOP)  # until all lie before it: however slow the machine is
    lookout.give(*batches)
    assert wait_for(lambda: len(owed.all()) == len(batches), 120)
    os.kill(worker, signal.SIGCONT)
    assert lookout.starts() in batches
    assert all(is_closed(app, batch) for batch in batches)
    lookout.end()


def test_what_a_worker_does_not_answer_has_its_run_at_once(
    door: Path, app: App, claimed: Callable[[int], list[str]], owed: OwedRuns
) -> None:
    lookout, (first, second) = Lookout(door, 1), claimed(2)
    lookout.give("court-changchun.never-claimed")
    assert lookout.starts() == "court-changchun.never-claimed"
    lookout.give(first)
    assert lookout.starts() == first
    assert is_closed(app, first)
    os.kill(lookout.workers[0], signal.SIGKILL)
    lookout.give(second)
    assert lookout.starts() == second, "nobody but its run"
    assert lookout.end() == []
    assert owed.all() == []
    assert not is_closed(app, second)
    assert pipeline.run(app, second)


def test_at_its_end_a_lookout_starts_the_runs_of_what_a_worker_failed_at(
    door: Path, app: App, claimed: Callable[[int], list[str]], owed: OwedRuns
) -> None:
    lookout, (batch,) = Lookout(door, 1, looks=False), claimed(1)
    lookout.give("court-changchun.never-claimed", batch)
    assert wait_for(lambda: is_closed(app, batch), 120), "the other one was tried before"
    assert lookout.end() == ["court-changchun.never-claimed"]
    assert owed.all() == [batch], "its run can wait: the next lookout starts it"
    assert owed.answered() == [batch]


def test_what_a_lookout_did_not_come_to_before_its_end_is_answered_by_the_next_one(
    door: Path, app: App, claimed: Callable[[int], list[str]], owed: OwedRuns
) -> None:
    lookout, batches = Lookout(door, 1), claimed(3)
    os.kill(lookout.workers[0], signal.SIGSTOP)
    lookout.give(*batches)
    assert wait_for(lambda: len(owed.all()) == len(batches), 120)
    assert lookout.end() == [], "a run of its own for each would take several times what the answers take"
    assert sorted(owed.unanswered(older_than=SILENCE)) == sorted(batches), "to be taken over at once"
    following = Lookout(door, 1)
    started = [following.starts() for _ in batches]
    assert sorted(started) == sorted(batches)
    assert all(is_closed(app, batch) for batch in batches)
    assert following.end() == []
    assert owed.all() == []


def test_a_worker_killed_with_sets_before_it_leaves_them_to_their_runs(
    door: Path, app: App, claimed: Callable[[int], list[str]], owed: OwedRuns
) -> None:
    lookout, batches = Lookout(door, 1), claimed(6)
    (worker,) = lookout.workers
    os.kill(worker, signal.SIGSTOP)
    lookout.give(*batches)
    assert wait_for(lambda: len(owed.all()) == len(batches), 60)
    os.kill(worker, signal.SIGKILL)
    assert sorted(lookout.starts() for _ in batches) == sorted(batches)
    assert lookout.end() == []
    assert owed.all() == []


@pytest.mark.parametrize("answered", [True, False])
def test_what_a_lookout_that_was_killed_owed_the_next_one_has_answered_and_started(
    door: Path, app: App, claimed: Callable[[int], list[str]], owed: OwedRuns, *, answered: bool
) -> None:
    first, (batch,) = Lookout(door, 1, looks=False), claimed(1)
    if not answered:
        os.kill(first.workers[0], signal.SIGSTOP)
    first.give(batch)
    assert wait_for(lambda: is_closed(app, batch) if answered else owed.all() == [batch], 120)
    first.kill()
    if not answered:
        os.kill(first.workers[0], signal.SIGKILL)
    assert owed.all() == [batch]
    following = Lookout(door, 1, silence=0.0)
    assert following.starts() == batch
    assert is_closed(app, batch)
    assert following.end() == []
    assert owed.all() == []


def test_a_run_that_cannot_be_started_stays_owed(
    door: Path, app: App, court: DemoPartner, ask: Ask, owed: OwedRuns
) -> None:
    request = ask(cycle="ad_hoc", period="2026-11-23", batch=f"{court.id}.unstarted")
    court.drop(court.make_set(request))
    poll(app)
    lookout = Lookout(door, 1)
    lookout.give(request.batch)
    assert {lookout.starts() for _ in range(3)} == {request.batch}, "again and again"
    assert is_closed(app, request.batch)
    lookout.end()
    assert owed.all() == [request.batch]


@pytest.mark.parametrize("on_duty", [True, False])
def test_the_sweep_starts_what_is_owed_only_where_no_lookout_is_on_duty(
    app: App, claimed: Callable[[int], list[str]], owed: OwedRuns, *, on_duty: bool
) -> None:
    mine, others = claimed(2)
    owed.owe(mine)
    Duties.of_home(app.settings.home).done(LOOKOUT_DUTY)
    if not on_duty:
        app.now = lambda: datetime.now(UTC) + timedelta(minutes=2)
    started: list[str] = []

    def start(batch: str, _: object) -> bool:
        started.append(batch)
        return True

    waiting = poll(app, start).waiting
    assert (others in waiting) != on_duty
    assert (mine in waiting) != on_duty
    assert started == ([] if on_duty else [mine])
    assert set(owed.all()) == ({mine, others} if on_duty else set())
    assert owed.unanswered(older_than=timedelta(minutes=1)) == ([others] if on_duty else []), (
        "for a lookout to take at once"
    )


def test_without_a_lookout_a_sweep_starts_no_more_runs_that_can_wait_than_a_lookout_would(
    app: App, owed: OwedRuns
) -> None:
    """A lookout that was away for a minute would else leave thousands of them to Airflow at once."""
    answered, failed = ([f"{self}.{number}" for number in range(60)] for self in ("answered", "failed"))
    for batch in (*answered, *failed):
        owed.owe(batch)
    for batch in answered:
        owed.mark_answered(batch)
    started: list[str] = []

    def start(batch: str, _: object) -> bool:
        started.append(batch)
        return True

    poll(app, start)
    assert set(failed) <= set(started), "what nobody answered"
    assert len(set(started) - set(failed)) == 20
    assert set(owed.all()) == set(answered) - set(started)


@pytest.mark.parametrize("seen", [False, True])
def test_what_a_sweep_claims_while_a_lookout_is_on_duty_is_answered_by_it(
    door: Path, app: App, court: DemoPartner, ask: Ask, owed: OwedRuns, *, seen: bool
) -> None:
    """Once, also where the lookout has seen it, too."""
    lookout, request = Lookout(door, 1), ask(cycle="ad_hoc", period="2026-11-23")
    Duties.of_home(app.settings.home).done(LOOKOUT_DUTY)
    court.drop(court.make_set(request))
    assert request.batch not in poll(app, lambda *_: pytest.fail("it gets no run of its own")).waiting
    if seen:
        lookout.give(request.batch)
    assert lookout.starts() == request.batch
    assert is_closed(app, request.batch)
    assert lookout.end() == []
    assert owed.all() == []


def test_what_waits_is_not_read_again_by_each_sweep(
    app: App, court: DemoPartner, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask(cycle="ad_hoc", period="2026-11-23")
    court.drop(court.make_set(request))
    poll(app)
    monkeypatch.setattr(FolderScan, "claim_if_complete", lambda *_: pytest.fail("it is read again"))
    assert request.batch in poll(app).waiting


def test_without_workers_every_run_starts_at_once(door: Path, app: App, owed: OwedRuns) -> None:
    lookout, batches = Lookout(door, 0), [f"court-changchun.none-{number}" for number in range(3)]
    lookout.give(*batches)
    assert [lookout.starts() for _ in batches] == batches
    assert lookout.end() == []
    assert owed.all() == []


def test_workers_do_not_outlive_a_lookout_that_is_killed(door: Path, app: App) -> None:
    lookout = Lookout(door, 2)
    lookout.kill()
    assert wait_for(lambda: not any(is_there(worker) for worker in lookout.workers), 60)


def test_a_burst_of_one_partner_holds_up_no_other(
    door: Path, app: App, claimed: Callable[[int], list[str]], health: DemoPartner, owed: OwedRuns
) -> None:
    burst = claimed(8)
    mothers = b"row_ref,mother_id_number,birth_date\nR1,11010519491231002X,2026-01-05\n"
    basis = "母婴保健法第二十三条"
    alone = Request(
        f"{health.id}.alone", "ad_hoc", "2026-11-23", "birth_certificate", basis, ["unregistered"], 1, mothers
    )
    health.drop(health.make_set(alone))
    poll(app)
    lookout = Lookout(door, 1, looks=False)
    (worker,) = lookout.workers
    os.kill(worker, signal.SIGSTOP)  # until all lie before it: however slow the machine is
    lookout.give(*burst, alone.batch)
    assert wait_for(lambda: len(owed.all()) == len(burst) + 1, 120)
    os.kill(worker, signal.SIGCONT)
    assert wait_for(lambda: all(is_closed(app, batch) for batch in (*burst, alone.batch)), 300)
    lookout.end()
    ended = sorted((app.register.steps(batch)[-1].at, batch) for batch in (*burst, alone.batch))
    place = [batch for _, batch in ended].index(alone.batch)
    assert place <= 1, "not behind all that came before it"
