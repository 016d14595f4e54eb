"""The last commits are lost, as where a standby takes over a second behind, when files were sent by them: nothing is
made and sent anew behind anybody's back, and once a person has said so each batch goes on to its one answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256

import polars as pl
import psycopg
import pytest

from exchange import pipeline, retention
from exchange.app import App
from exchange.base.errors import ExchangeError, Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import State
from exchange.steps import telling
from exchange.steps.pickup import notice_pickups
from tests.campaign.tables import Connection, kept_rows, put_back

Ask = Callable[..., Request]
Step = Callable[[App, str], object]
STEPS: tuple[Step, ...] = (lambda app, _: poll(app), pipeline.receive, pipeline.process, pipeline.deliver)
LOST = [*itertools.combinations(range(len(STEPS) + 1), 2)]
"""(so many steps are known to the database that took over, so many were done)."""

_backups = itertools.count()


@pytest.fixture
def superuser(world: World) -> Iterator[Connection]:
    with world.postgres.connected("postgres", "exchange") as connection:
        yield connection


def sent(court: DemoPartner, batch: str) -> dict[str, str]:
    found = (court.server.home / "from-office").iterdir()
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in found if batch in path.name}


def with_losses(app: App, superuser: psycopg.Connection[tuple[object, ...]], batch: str, known: int, done: int) -> None:
    """Goes so many steps, and has the database forget all but those that it knows."""
    name = f"known{next(_backups)}"
    for position in range(done + 1):
        if position == known:
            kept_rows(superuser, name)
        if position < done:
            STEPS[position](app, batch)
    put_back(superuser, name)


def gone_on(app: App, batch: str) -> list[str]:
    """What the office says as it goes on by itself."""
    said = [*poll(app).troubles]
    try:
        if app.register.find_batch(batch) is not None:
            pipeline.run(app, batch)
    except ExchangeError as error:
        said.append(f"{error}")
    return said


@pytest.mark.parametrize(("known", "done"), LOST)
def test_what_was_sent_by_lost_commits_is_not_sent_otherwise_until_a_person_has_looked(
    app: App, court: DemoPartner, ask: Ask, superuser: Connection, known: int, done: int
) -> None:
    request = ask()
    files = court.make_set(request)
    court.drop(files)
    with_losses(app, superuser, request.batch, known, done)
    before = sent(court, request.batch)
    said = gone_on(app, request.batch)
    now = sent(court, request.batch)
    assert {name: now[name] for name in before} == before, "other bytes under a name that the partner had"
    batch = app.register.find_batch(request.batch)
    if batch is None or batch.state is not State.CLOSED:
        assert any("the ledger was rolled back" in each or "was rewritten" in each for each in said), said
        with pytest.raises(Halt):
            app.register.check_newest(app.checkpoints)
        app.register.resume(app.checkpoints, "备库接管〔虚构〕")
        if batch is None:  # the partner is asked for what the register knows nothing of
            court.drop(files)
        assert gone_on(app, request.batch) == []
    assert app.register.batch(request.batch).state is State.CLOSED
    assert court.result(request.batch).manifest["answers"]["identity"]
    app.register.verify(app.checkpoints.files())


def test_a_claimed_set_is_not_answered_from_what_another_receipt_names(
    app: App, court: DemoPartner, ask: Ask, superuser: Connection
) -> None:
    """Its data file lies in the archive and not at the partner's: without our receipt about it, it is waited for."""
    request, other = ask(), ask()
    for each in (request, other):
        court.drop(court.make_set(each))
    poll(app)
    kept_rows(superuser, "claimed")
    for each in (request, other):
        pipeline.receive(app, each.batch)
    put_back(superuser, "claimed")
    app.register.resume(app.checkpoints, "备库接管〔虚构〕")
    results = court.server.home / "from-office"
    for ending in ("json", "json.p7s"):
        (results / f"{other.batch}.receipt.{ending}").replace(results / f"{request.batch}.receipt.{ending}")
    for each in (request, other):
        with pytest.raises(ExchangeError, match="not there"):
            pipeline.receive(app, each.batch)
        assert app.register.batch(each.batch).state is State.CLAIMED


def kept_files(app: App) -> set[str]:
    return {path.name for path in app.archive.files()}


def test_nothing_is_destroyed_until_a_person_has_looked(
    app: App, court: DemoPartner, ask: Ask, superuser: Connection, later: Callable[[timedelta], App]
) -> None:
    """It knows no more that a batch is held, nor that there is a batch to which files belong."""
    held, forgotten = ask(), ask()
    court.drop(court.make_set(held))
    poll(app)
    pipeline.run(app, held.batch)
    kept_rows(superuser, name := f"known{next(_backups)}")
    retention.hold(app, held.batch, "诉讼〔虚构〕")
    court.drop(court.make_set(forgotten))
    poll(app)
    pipeline.run(app, forgotten.batch)
    put_back(superuser, name)
    files = kept_files(app)
    for destroys in (retention.run, retention.prune_snapshots):
        with pytest.raises(Halt, match="was rolled back"):
            destroys(later(timedelta(days=4000)))
    with pytest.raises(Halt, match="was rolled back"):
        retention.check(app)  # as the dry run says it
    assert kept_files(app) == files
    assert app.register.retention.intended() == []
    app.register.resume(app.checkpoints, "备库接管〔虚构〕")


LAST_WORDS: dict[str, Callable[[App, DemoPartner, str], object]] = {
    "a hold": lambda app, _, batch: retention.hold(app, batch, "诉讼〔虚构〕"),
    "a withholding": lambda app, _, batch: telling.withhold(app, batch, "办案需要"),
    "an acknowledgement": lambda app, court, batch: acknowledged(app, court, batch),
}
"""What nobody would say again."""


def acknowledged(app: App, court: DemoPartner, batch: str) -> None:
    name = f"{batch}.result.ack"
    court.drop({name: b""})
    with app.folder(app.agreement(court.id)) as folder:
        assert notice_pickups(app, court.id, folder, [name]) == []
        assert not folder.is_there(name, 0, sha256().hexdigest())


@pytest.mark.parametrize("said", LAST_WORDS)
def test_what_nobody_says_again_is_missed_where_its_commit_is_lost(
    app: App, court: DemoPartner, ask: Ask, superuser: Connection, said: str
) -> None:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    pipeline.run(app, request.batch)
    kept_rows(superuser, name := f"known{next(_backups)}")
    LAST_WORDS[said](app, court, request.batch)
    put_back(superuser, name)
    with pytest.raises(Halt, match="was rolled back"):
        app.register.check_newest(app.checkpoints)
    app.register.resume(app.checkpoints, "备库接管〔虚构〕")


def test_nobody_learns_who_was_told_from_a_register_that_lost_commits(
    app: App, world: World, court: DemoPartner, ask: Ask, superuser: Connection, clean: pl.DataFrame
) -> None:
    person = clean.row(-5, named=True)
    request = ask(f"row_ref,id_number,name,sex\nR1,{person['id_number']},{person['name']},1\n".encode())
    question = telling.ask(app, person["id_number"], "本人申请", "申〔2026〕9号")
    kept_rows(superuser, name := f"known{next(_backups)}")
    court.drop(court.make_set(request))
    poll(app)
    pipeline.run(app, request.batch)
    put_back(superuser, name)
    with App.open("other", world.config) as other:
        with pytest.raises(Halt, match="was rolled back"):
            telling.confirm(other, question)
        app.register.resume(app.checkpoints, "备库接管〔虚构〕")
        assert telling.confirm(other, question).disclosures == [], "the question was not used up"
