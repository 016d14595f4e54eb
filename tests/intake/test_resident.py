"""Resident workers, forked and killed for real: what they were given is answered once, by them or by its run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import World
from exchange.intake import resident
from exchange.intake.collect import poll
from exchange.intake.resident import MAX_OF_ONE, ResidentWorker, _Turns
from exchange.register import State
from exchange.settings import ENVIRONMENT_VARIABLE

Ask = Callable[..., Request]

LOOKOUT = """
import sys
from exchange.app import App
from exchange.intake.resident import resident_workers

def runs(batch):
    def start(later):
        print(batch, later.total_seconds(), flush=True)
        return not batch.endswith(".unstarted")
    return start

with resident_workers(lambda: App.open("lookout"), int(sys.argv[1])) as workers:
    print("pids", *(each._process.pid for each in workers._workers), flush=True)
    for line in sys.stdin:
        workers.pass_on(line.strip(), runs(line.strip()))
"""
"""The lookout's part, in a process of its own that has no threads: it reads ids, and prints which run starts how many
seconds later.
"""


class Lookout:
    def __init__(self, world: World, workers: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", LOOKOUT, str(workers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {ENVIRONMENT_VARIABLE: str(world.config)},
        )
        self.workers = [int(pid) for pid in self._said().split()[1:]]

    def _said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode()

    def give(self, batch: str) -> timedelta:
        """How much later the batch's run is started."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{batch}\n".encode())
        self.process.stdin.flush()
        name, seconds = self._said().split()
        assert name == batch
        return timedelta(seconds=float(seconds))

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(60) == 0
        self._close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


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


def test_it_is_answered_at_once_and_its_run_finds_nothing_to_do(
    world: World, app: App, court: DemoPartner, claimed: Callable[[int], list[str]]
) -> None:
    lookout, batches = Lookout(world, 1), claimed(3)
    later = [lookout.give(batch) for batch in batches]
    assert later == sorted(later)
    assert later[0] == timedelta()
    wait_for(lambda: all(is_closed(app, batch) for batch in batches), 120)
    lookout.end()
    for batch in batches:
        lines = len(app.register.transitions(batch))
        assert pipeline.run(app, batch)
        assert len(app.register.transitions(batch)) == lines
        assert court.result(batch).manifest["batch"] == batch


def test_a_worker_that_fails_or_was_killed_leaves_the_set_to_its_run(
    world: World, app: App, claimed: Callable[[int], list[str]]
) -> None:
    lookout, (first, second) = Lookout(world, 1), claimed(2)
    assert lookout.give("court-changchun.never-claimed") == timedelta()
    lookout.give(first)
    wait_for(lambda: is_closed(app, first), 120)
    (worker,) = lookout.workers
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not is_there(worker) or "Z" in Path(f"/proc/{worker}/stat").read_text().split(")")[1], 30)
    assert lookout.give(second) == timedelta(), "nobody but its run"
    lookout.end()
    assert not is_closed(app, second)
    assert pipeline.run(app, second)


def test_without_a_run_a_set_is_given_to_nobody(world: World, app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask(cycle="ad_hoc", period="2026-11-23", batch=f"{court.id}.unstarted")
    court.drop(court.make_set(request))
    poll(app)
    lookout = Lookout(world, 1)
    lookout.give(request.batch)
    lookout.end()
    assert app.register.batch(request.batch).state is State.CLAIMED
    assert pipeline.run(app, request.batch)


def test_without_workers_every_run_starts_at_once(world: World, app: App) -> None:
    lookout = Lookout(world, 0)
    assert [lookout.give(f"court-changchun.none-{number}") for number in range(3)] == [timedelta()] * 3
    lookout.end()


def test_workers_do_not_outlive_a_lookout_that_is_killed(world: World, app: App) -> None:
    lookout = Lookout(world, 2)
    lookout.kill()
    wait_for(lambda: not any(is_there(worker) for worker in lookout.workers), 60)


def test_a_burst_of_one_partner_holds_up_no_other(
    world: World, app: App, claimed: Callable[[int], list[str]], health: DemoPartner
) -> None:
    burst = claimed(8)
    mothers = b"row_ref,mother_id_number,birth_date\nR1,11010519491231002X,2026-01-05\n"
    basis = "母婴保健法第二十三条"
    alone = Request(
        f"{health.id}.alone", "ad_hoc", "2026-11-23", "birth_certificate", basis, ["unregistered"], 1, mothers
    )
    health.drop(health.make_set(alone))
    poll(app)
    lookout = Lookout(world, 1)
    for batch in (*burst, alone.batch):
        lookout.give(batch)
    wait_for(lambda: all(is_closed(app, batch) for batch in (*burst, alone.batch)), 120)
    lookout.end()
    ended = sorted((app.register.steps(batch)[-1].at, batch) for batch in (*burst, alone.batch))
    place = [batch for _, batch in ended].index(alone.batch)
    assert place <= len(burst) / 2, "not behind all that came before it"


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


def test_a_worker_has_room_for_others_whatever_one_partner_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    def idle(*_: object) -> None:
        time.sleep(60)

    monkeypatch.setattr(resident, "_serve", idle)
    worker = ResidentWorker(lambda: pytest.fail("it is not opened"))
    try:
        for number in range(MAX_OF_ONE):
            assert worker.waiting("a") == number
            worker.give(f"a.{number}")
        assert worker.waiting("a") is None
        assert worker.waiting("b") == MAX_OF_ONE
    finally:
        worker._process.kill()
        worker.ended()
