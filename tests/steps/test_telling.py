"""Who was told about a person: found under every number the person bore, shown to two together, and on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.files import WRITING
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import Role
from exchange.register.guard import Evidence
from exchange.register.told import Told
from exchange.register.troubles import GONE, RegisterAway
from exchange.snapshots.versions import Snapshots
from exchange.steps import guarding, telling


def test_who_was_told_is_found_under_each_number_by_two_together_and_on_record(
    app: App, world: World, court: DemoPartner, ask: Callable[..., Request], people: pl.DataFrame
) -> None:
    person = people.filter(pl.col("oddity") == "superseded").row(0, named=True)
    rows = [f"R1,{person['former_id_number']},{person['name']},1", f"R2,{person['id_number']},{person['name']},1"]
    request = ask("\n".join(["row_ref,id_number,name,sex", *rows, ""]).encode(), 2)
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)

    for number in (person["id_number"], person["former_id_number"]):
        question = telling.ask(app, number, "本人申请", "申〔2026〕1号")
        with pytest.raises(Halt, match="another person"):
            telling.confirm(app, question)
        with App.open("other", world.config) as other:
            found = {each.batch.id: each for each in telling.confirm(other, question).disclosures}
            with pytest.raises(Halt, match="already"):
                telling.confirm(other, question)
        left = found[request.batch].left
        assert left is not None
        assert {row: codes["identity"] for row, codes in left.items()} == {1: "consistent", 2: "consistent"}
        facts = app.register.steps(request.batch)[-1].facts
        assert f"told.{question}" in facts
        assert "test other" in facts
        assert person["id_number"] not in facts

    assert app.register.told_uses.withhold(request.batch, "办案需要", app.now())
    question = telling.ask(app, person["id_number"], "本人申请", "申〔2026〕1号")
    with App.open("other", world.config) as other:
        hidden = telling.confirm(other, question)
    assert request.batch not in {each.batch.id for each in hidden.disclosures}
    assert hidden.withheld == 1
    app.register.told_uses.disclose(request.batch)
    with pytest.raises(Halt, match="no identity number"):
        telling.ask(app, "7", "本人申请", "申〔2026〕1号")
    with pytest.raises(Halt, match="no such question"):
        telling.confirm(app, 10**9)
    assert app.register.verify()[0] > 0


def test_where_the_snapshot_that_answered_is_gone_who_was_told_is_named_all_the_same(
    app: App, world: World, court: DemoPartner, ask: Callable[..., Request], clean: pl.DataFrame, tmp_path: Path
) -> None:
    """A week's nights later it has been pruned. The question is shown once, and not lost by that."""
    person = clean.row(-2, named=True)
    request = ask(f"row_ref,id_number,name,sex\nR1,{person['id_number']},{person['name']},1\n".encode(), 1)
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    question = telling.ask(app, person["id_number"], "本人申请", "申〔2026〕3号")
    with App.open("other", world.config) as other:
        other.snapshots = Snapshots(tmp_path)
        found = {each.batch.id: each for each in telling.confirm(other, question).disclosures}
    assert found[request.batch].left is None
    assert list(found[request.batch].rows) == [1]


def test_a_year_later_the_index_is_brought_to_a_new_key_and_finds_the_same(
    app: App,
    world: World,
    court: DemoPartner,
    ask: Callable[..., Request],
    people: pl.DataFrame,
    later: Callable[[timedelta], App],
) -> None:
    person = people.filter(pl.col("oddity") == "").row(-1, named=True)  # nobody whom another test asks about
    request = ask(f"row_ref,id_number,name,sex\nR1,{person['id_number']},{person['name']},1\n".encode(), 1)
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    generation = app.told_keys.generation
    assert telling.rekey(app) == (generation, 0), "the key is younger than a year"
    done = telling.rekey(later(timedelta(days=telling.DAYS_OF_A_KEY + 1)))
    assert done[0] == generation + 1
    assert done[1] > 0
    with App.open("test", world.config) as anew, App.open("other", world.config) as other:
        assert telling.rekey(anew) == (generation + 1, 0)
        question = telling.ask(anew, person["id_number"], "本人申请", "申〔2026〕2号")
        assert request.batch in {each.batch.id for each in telling.confirm(other, question).disclosures}


def test_of_two_runs_one_makes_the_new_key(app: App, world: World, later: Callable[[timedelta], App]) -> None:
    """A key that took the place of another one would lose all that was hashed with it."""
    generation = app.told_keys.generation
    ahead = later(timedelta(days=(generation + 1) * (telling.DAYS_OF_A_KEY + 1)))
    half = app.settings.keys.told_keys.with_name(f"{WRITING}of-a-killed-one")
    half.write_bytes(app.settings.keys.told_keys.read_bytes())

    def one_run(_: int) -> tuple[int, int]:
        with App.open("test", world.config) as opened:
            return telling.rekey(App(opened.settings, opened.register, ahead.now))

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(one_run, range(4)))
    assert {each[0] for each in done} == {generation + 1}
    app.register.told.check(app.told_keys)
    assert not half.exists(), "nobody would have taken the keys away that are in it"


def test_who_works_on_through_the_years_change_finds_and_is_found(
    app: App,
    court: DemoPartner,
    ask: Callable[..., Request],
    world: World,
    people: pl.DataFrame,
    later: Callable[[timedelta], App],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One process from before to after; and one whose batch is under way while the key changes."""
    person = people.filter(pl.col("oddity") == "").row(-2, named=True)
    requests = []
    for names in ("甲乙丙", "丁戊", "己"):
        wrong = "".join(f"R{name},{person['id_number']},张{name}\n" for name in names)
        requests.append(ask(f"row_ref,id_number,name\n{wrong}".encode(), len(names), items=("id_number", "name")))
    first, under_way, after = requests
    trips: list[list[str]] = []
    evidence = guarding.Watch.evidence

    def kept(watch: guarding.Watch, told: Told) -> Evidence:
        found = evidence(watch, told)
        trips.append([str(trip) for trip in found.trips if trip.rule == "number"])  # not what other tests' partners did
        return found

    monkeypatch.setattr(guarding.Watch, "evidence", kept)
    ahead = later(timedelta(days=(app.told_keys.generation + 1) * (telling.DAYS_OF_A_KEY + 1)))

    def sent(request: Request) -> str:
        court.drop(court.make_set(request))
        poll(app)
        assert pipeline.run(app, request.batch)
        return request.batch

    sent(first)
    seen, generation = guarding.seen, app.told_keys.generation
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(guarding, "seen", lambda *given: (telling.rekey(ahead), seen(*given))[1])
        sent(under_way)
    assert app.told_keys.generation == generation + 1
    sent(after)
    assert trips == [[], ["number 5 >= 5"], ["number 6 >= 5"]], "names that were tried before the change are counted"
    question = telling.ask(app, person["id_number"], "本人申请", "申〔2026〕3号")
    with App.open("other", world.config) as other:
        found = {each.batch.id for each in telling.confirm(other, question).disclosures}
    assert {first.batch, under_way.batch, after.batch} <= found


@contextmanager
def altered(app: App, world: World, batch: str) -> Iterator[None]:
    """The batch's line, meanwhile, past the ledger."""
    with world.postgres.connected("postgres", "exchange") as connection:
        handler, change = app.register.batch(batch).handler, b"UPDATE batch SET handler = %s WHERE id = %s"
        connection.execute(change, ["x", batch])
        yield
        connection.execute(change, [handler, batch])


@contextmanager
def gone(app: App, world: World, batch: str) -> Iterator[None]:
    """The batch's original, meanwhile, from the archive."""
    kept = app.archive.path(app.register.attested(batch).file(Role.DATA).sha256)
    aside = kept.rename(kept.with_name("aside"))
    yield
    aside.rename(kept)


@contextmanager
def away(_app: App, _world: World, batch: str) -> Iterator[None]:
    """The register, when it is this batch's turn."""
    disclosure = telling._disclosure

    def asked(app: App, batch_id: str, rows: list[int]) -> telling.Disclosure:
        if batch_id == batch:
            raise RegisterAway(GONE)
        return disclosure(app, batch_id, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(telling, "_disclosure", asked)
        yield


@pytest.mark.parametrize("harm", [altered, gone, away])
def test_one_batch_that_cannot_be_answered_from_is_named_beside_the_others(
    app: App,
    world: World,
    court: DemoPartner,
    ask: Callable[..., Request],
    clean: pl.DataFrame,
    harm: Callable[[App, World, str], AbstractContextManager[None]],
) -> None:
    """Before, nobody was told of anything; where a file or the database was gone, the question was spent as well."""
    person = clean.row(-3, named=True)
    wrong, sound = (
        ask(f"row_ref,id_number,name,sex\n{name},{person['id_number']},{person['name']},1\n".encode(), 1)
        for name in ("wrong", "sound")
    )
    for request in (wrong, sound):
        court.drop(court.make_set(request))
    poll(app)
    assert all(pipeline.run(app, request.batch) for request in (wrong, sound))
    question = telling.ask(app, person["id_number"], "本人申请", "申〔2026〕5号")
    with harm(app, world, wrong.batch), App.open("other", world.config) as other:
        told = telling.confirm(other, question)
    assert sound.batch in {each.batch.id for each in told.disclosures}
    assert ([*told.unsound], told.withheld) == ([wrong.batch], 0)
    assert app.register.verify()[0] > 0
