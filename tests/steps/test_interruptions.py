"""Killed, cut off, out of disk, out of database: the same step again gives the same result, delivered once."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Retryable
from exchange.cli.outcome import TRY_AGAIN
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province.claims import Claims, make_claims
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import State

Ask = Callable[..., Request]
ITEMS = ("id_number", "name", "sex", "criminal_record")
STEPS = ["claimed", "accepted", "sealed", "delivered", "closed"]


@pytest.fixture
def claims(people: pl.DataFrame, offenders: pl.Series) -> Claims:
    return make_claims(people, offenders, ITEMS, 50, seed=5, approved=True)


@pytest.fixture
def claimed(app: App, court: DemoPartner, ask: Ask, claims: Claims) -> Callable[[], str]:
    """Drops a set and lets it be claimed; its batch id."""

    def make() -> str:
        request = ask(to_csv(claims.rows), 50, items=ITEMS)
        court.drop(court.make_set(request))
        assert request.batch in poll(app).waiting
        return request.batch

    return make


def run_killed(world: World, batches: list[str]) -> tuple[int, list[int]]:
    """As ``killed.py`` says: the side effects of a whole run, and how each run ended."""
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("killed.py")), *batches]
    own = {"EXCHANGE_CONFIG": str(world.config), "OPENBLAS_NUM_THREADS": "1"}
    ended = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False, timeout=900)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    return told["effects"], told["ends"]


def check_whole(app: App, court: DemoPartner, claims: Claims, batch: str) -> None:
    """Closed, with the right answers, everything there once and nothing half-written."""
    assert app.register.batch(batch).state is State.CLOSED
    assert [step.to_state for step in app.register.transitions(batch)] == STEPS
    answers = court.result(batch).manifest["answers"]
    for column, tally in answers.items():
        assert tally == dict(claims.expected[column].value_counts().iter_rows()), column
    names = sorted(path.name for path in (court.server.home / "from-office").iterdir() if batch in path.name)
    endings = ("receipt.json", "receipt.json.p7s", "result.csv.p7m", "result.json", "result.json.p7s")
    assert names == [f"{batch}.{ending}" for ending in endings]
    assert not any(batch in path.name for path in (court.server.home / "to-office").iterdir())


def test_killed_at_any_side_effect_and_run_again(
    world: World, app: App, court: DemoPartner, claims: Claims, claimed: Callable[[], str]
) -> None:
    batches = [claimed() for _ in range(12)]
    effects, ends = run_killed(world, batches)
    assert effects > 20
    assert ends == [0, 0, *[-9] * 10]
    for batch in batches[2:]:
        pipeline.run(app, batch)
        check_whole(app, court, claims, batch)
    app.register.verify()


@pytest.mark.parametrize("done", [0, 1, 2])
def test_the_partners_server_is_gone_before_a_step(
    world: World, app: App, court: DemoPartner, claims: Claims, claimed: Callable[[], str], done: int
) -> None:
    batch = claimed()
    steps = [pipeline.receive, pipeline.process, pipeline.deliver]
    for step in steps[:done]:
        step(app, batch)
    court.server.stop()
    try:
        if steps[done] is pipeline.process:
            pipeline.process(app, batch)  # needs no server of anybody
        else:
            with pytest.raises(Retryable, match="SFTP server"):
                steps[done](app, batch)
    finally:
        world.start_servers()
    pipeline.run(app, batch)
    check_whole(app, court, claims, batch)


@pytest.mark.parametrize("done", [0, 1, 2])
def test_the_database_is_gone_for_a_while(
    world: World, app: App, court: DemoPartner, claims: Claims, claimed: Callable[[], str], done: int
) -> None:
    batch = claimed()
    steps = [pipeline.receive, pipeline.process, pipeline.deliver]
    for step in steps[:done]:
        step(app, batch)
    world.postgres.stop()
    try:
        with pytest.raises(Retryable, match="database"):
            steps[done](app, batch)
        assert any("database" in trouble for trouble in troubles(app))
    finally:
        world.postgres.start()
    pipeline.run(app, batch)
    check_whole(app, court, claims, batch)


def troubles(app: App) -> list[str]:
    """What the collector says of a database that is gone: Retryable, like every step."""
    try:
        return poll(app).troubles
    except Retryable as error:
        return [str(error)]


def test_the_disk_is_full(
    world: World, app: App, court: DemoPartner, claims: Claims, claimed: Callable[[], str]
) -> None:
    batch = claimed()
    command = [str(Path(sys.executable).with_name("exchange")), "batch", "run", batch]
    ended = subprocess.run(
        command,
        env=os.environ | {"EXCHANGE_CONFIG": str(world.config)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )
    assert ended.returncode == TRY_AGAIN, ended.stderr
    assert "disk is full" in ended.stderr
    pipeline.run(app, batch)
    check_whole(app, court, claims, batch)
