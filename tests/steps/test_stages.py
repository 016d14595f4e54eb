"""Test and live: a test batch is answered from the invented province and nothing else, a live one never from it; and
whoever tries to get the one by way of the other gets nothing.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from typer.testing import CliRunner

from exchange import pipeline
from exchange.agreements.agreement import Agreement
from exchange.app import App
from exchange.base.errors import Halt
from exchange.cli.main import commands
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.province.published import install, make
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import Role, State
from exchange.register.board import open_lines
from exchange.register.counts import counts
from exchange.register.statistics import lines
from exchange.snapshots.versions import Snapshots
from exchange.steps.second_look import open_second_look
from exchange.watch.cycles import watch_cycles
from exchange.watch.deadlines import watch_deadlines
from exchange.watch.lacking import unfinished_now
from tests.steps.stages import at_stage

Ask = Callable[..., Request]
FRESH = "exchange.steps.receive.fresh_sources"
"""What says which versions answer a set that is accepted."""
NOBODY = b"row_ref,id_number,name\nR1,,\n"
ITEMS = ("id_number", "name", "sex", "birth_date", "ethnicity", "registered_address")


def sent(app: App, partner: DemoPartner, request: Request) -> str:
    """Dropped and claimed; its id."""
    partner.drop(partner.make_set(request))
    assert request.batch in poll(app).waiting
    return request.batch


def rows(partner: DemoPartner, batch: str) -> list[dict[str, str]]:
    text = partner.result(batch).data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def one_of(person: dict[str, Any]) -> bytes:
    """A set about this one."""
    return f"row_ref,id_number,name,sex\nR1,{person['id_number']},{person['name']},{person['sex']}\n".encode()


@pytest.fixture(scope="module")
def real(people: pl.DataFrame) -> dict[str, Any]:
    """Somebody of the real register, whom the invented province does not know."""
    return people.filter(pl.col("oddity") == "").row(0, named=True)


@pytest.fixture(scope="module")
def invented(province: Path, people: pl.DataFrame) -> dict[str, Any]:
    """Somebody of the invented province, whom the real register does not know."""
    exported = pl.read_csv(next((province / "exports" / "population").glob("*/part-000.csv")), infer_schema=False)
    others = exported.filter(~pl.col("id_number").is_in(people["id_number"].implode()))
    asked = pl.read_csv(province / "answers" / "register.csv", infer_schema=False)["id_number"]
    found = others.filter(pl.col("id_number").is_in(asked.implode()), pl.col("sex") != "")
    return found.row(0, named=True)


def test_a_test_set_has_the_published_right_answers_marked_in_every_file(
    app: App, court: DemoPartner, ask: Ask, province: Path, installed: Snapshots
) -> None:
    data = (province / "answers" / "register.csv").read_bytes()
    with at_stage(app, court, "test"):
        batch = sent(app, court, ask(data, 200, items=ITEMS))
        assert pipeline.run(app, batch)
    result = court.result(batch)
    assert court.verified(f"{batch}.receipt.json")["stage"] == result.manifest["stage"] == "test"
    answered = rows(court, batch)
    assert all(row["note"].split(";")[0] == "test_data" for row in answered)
    expected = pl.read_csv(province / "answers" / "register.expected.csv", infer_schema=False).to_dicts()
    columns = [name for name in expected[0] if name not in ("row_ref", "note")]
    got = [[row.get(f"{name}_answer", row.get(name)) for name in columns] for row in answered]
    assert got == [[row[name] for name in columns] for row in expected]


def test_the_real_register_is_not_asked_and_the_invented_one_by_nobody_else(
    app: App, court: DemoPartner, ask: Ask, installed: Snapshots, real: dict[str, Any], invented: dict[str, Any]
) -> None:
    found = {}
    for stage in ("test", ""):
        for who, person in (("real", real), ("invented", invented)):
            with at_stage(app, court, stage):
                batch = sent(app, court, ask(one_of(person)))
                pipeline.run(app, batch)
            found[stage, who] = rows(court, batch)[0]
    assert {key: _known(row) for key, row in found.items()} == {
        ("test", "real"): False,
        ("test", "invented"): True,
        ("", "real"): True,
        ("", "invented"): False,
    }


def _known(row: dict[str, str]) -> bool:
    return "consistent" in row.values()


def test_it_is_counted_nowhere(
    app: App, court: DemoPartner, ask: Ask, installed: Snapshots, later: Callable[[timedelta], App]
) -> None:
    register, start = app.register, app.now()

    def counted() -> tuple[object, ...]:
        now = app.now() + timedelta(days=400)
        office = later(timedelta(days=400))
        alerts = [each.subject for each in watch_deadlines(office)]
        of_span = lines(register, start - timedelta(days=1), now)
        frames = [frame.height for frame in vars(of_span).values()]
        return (
            counts(register.engine).batches,
            counts(register.engine).reviews,
            [line.batch.id for line in open_lines(register.engine)],
            frames,
            [each for each in alerts if each in batches],
            register.missing.came(court.id),
            [left.stem for left in unfinished_now(app)],
            register.releases.share_told(court.id, ["criminal_record"], "no_record", start - timedelta(days=1)),
            register.guard.usual("nobody", now + timedelta(days=31)).peers,
        )

    batches: list[str] = []
    before = counted()
    with at_stage(app, court, "test"):
        refused, accepted = ask(purpose="other"), ask(NOBODY, items=("id_number", "name", "criminal_record"))
        for request in (refused, accepted):
            batches.append(sent(app, court, request))
            assert pipeline.run(app, request.batch) is (request is accepted)
        monthly = ask(cycle="monthly", period="2026-11")
        batches.append(sent(app, court, monthly))
        pipeline.receive(app, monthly.batch)
        watch_cycles(app)
        register.unfinished.see(court.id, "half", "0" * 64, "data_missing", start)
        assert counted() == before
    register.unfinished.finished(court.id, [])
    assert register.batch(refused.batch).is_test


def test_a_manifest_cannot_ask_for_another_stage(
    app: App, court: DemoPartner, ask: Ask, installed: Snapshots, real: dict[str, Any]
) -> None:
    with at_stage(app, court, "test"):
        request = ask(one_of(real))
        files = court.make_set(request)
        manifest = json.loads(files[f"{request.batch}.request.json"])
        changed = json.dumps(manifest | {"stage": "live"}).encode()
        court.drop(files | court.signed(request.batch, changed))
        waited = set(app.register.waiting())
        poll(app)
        (claimed,) = set(app.register.waiting()) - waited
        assert not pipeline.run(app, claimed)
    assert app.register.batch(claimed).refusal_code == "manifest_format"


@pytest.mark.parametrize(("first", "then"), [("", "test"), ("test", "")])
def test_an_objection_does_not_reach_over(
    app: App, court: DemoPartner, ask: Ask, installed: Snapshots, real: dict[str, Any], first: str, then: str
) -> None:
    with at_stage(app, court, first):
        answered = sent(app, court, ask(one_of(real)))
        pipeline.run(app, answered)
    with at_stage(app, court, then):
        objection = ask(b"row_ref\nR1\n", 1, cycle="objection", items=("sex",), objects_to=answered)
        sent(app, court, objection)
        assert not pipeline.run(app, objection.batch)
    assert app.register.batch(objection.batch).refusal_code == "objection_batch"


@pytest.mark.parametrize(("first", "then"), [("", "test"), ("test", "")])
def test_a_batch_keeps_its_stage_whatever_the_agreement_becomes(
    app: App, court: DemoPartner, ask: Ask, installed: Snapshots, real: dict[str, Any], first: str, then: str
) -> None:
    with at_stage(app, court, first):
        batch = sent(app, court, ask(one_of(real)))
        assert pipeline.receive(app, batch)
    with at_stage(app, court, then):
        pipeline.process(app, batch)
        pipeline.deliver(app, batch)
        (court.server.home / "from-office" / f"{batch}.result.json").unlink()
        assert pipeline.redeliver(app, batch) == [1]
        row, opened = rows(court, batch)[0], open_second_look(app, batch, 1, "来信〔虚构〕18号")
    assert _known(row) is (first == "")
    assert ("test_data" in row["note"]) is (first == "test")
    assert court.result(batch).manifest.get("stage") == (first or None)
    assert app.register.batch(opened).is_test is (first == "test")


def test_the_stage_under_which_it_is_judged_counts_not_that_of_its_claim(
    app: App, court: DemoPartner, ask: Ask, installed: Snapshots, real: dict[str, Any]
) -> None:
    batch = sent(app, court, ask(one_of(real)))
    with at_stage(app, court, "test"):
        pipeline.run(app, batch)
    assert app.register.batch(batch).is_test
    assert not _known(rows(court, batch)[0])


def test_the_same_bytes_again_after_going_live_get_the_same_receipt(
    app: App, court: DemoPartner, ask: Ask, installed: Snapshots, later: Callable[[timedelta], App]
) -> None:
    request = ask()
    files = court.make_set(request)
    with at_stage(app, court, "test"):
        court.drop(files)
        poll(app)
        pipeline.run(app, request.batch)
    before = court.fetch(f"{request.batch}.receipt.json").read_bytes()
    court.drop(files)
    poll(later(timedelta(minutes=5)))
    assert court.fetch(f"{request.batch}.receipt.json").read_bytes() == before
    assert app.register.batch(request.batch).is_test


def test_a_pinned_version_of_the_other_register_answers_nothing(
    app: App,
    court: DemoPartner,
    ask: Ask,
    installed: Snapshots,
    real: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By whatever way a real version came to be pinned, or to lie where the invented ones do."""
    current = app.snapshots.current("population")
    assert current is not None
    with at_stage(app, court, "test"):
        batch = sent(app, court, ask(one_of(real)))
        monkeypatch.setattr(FRESH, lambda *_: {"population": (current.name, current.as_of)})
        pipeline.receive(app, batch)
        with pytest.raises(Halt, match="not on disk"):
            pipeline.process(app, batch)
        planted = installed.folder / "population" / current.name
        shutil.copytree(current.folder, planted)
        try:
            with pytest.raises(Halt, match="is real and would answer as invented"):
                pipeline.process(app, batch)
        finally:
            shutil.rmtree(planted)
    assert app.register.batch(batch).state is State.ACCEPTED


def test_an_invented_version_among_the_real_ones_answers_nothing(
    app: App,
    court: DemoPartner,
    ask: Ask,
    installed: Snapshots,
    invented: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = installed.current("population")
    assert there is not None
    batch = sent(app, court, ask(one_of(invented)))
    monkeypatch.setattr(FRESH, lambda *_: {"population": (there.name, there.as_of)})
    pipeline.receive(app, batch)
    planted = app.settings.snapshots / "population" / there.name
    shutil.copytree(there.folder, planted)
    try:
        with pytest.raises(Halt, match="is invented and would answer as real"):
            pipeline.process(app, batch)
    finally:
        shutil.rmtree(planted)


def test_a_stage_that_was_altered_in_the_database_answers_nothing(
    world: World, app: App, court: DemoPartner, ask: Ask, installed: Snapshots, real: dict[str, Any]
) -> None:
    with at_stage(app, court, "test"):
        batch = sent(app, court, ask(one_of(real)))
        pipeline.receive(app, batch)
    place = {"host": "127.0.0.1", "port": world.postgres.port, "user": "postgres", "dbname": "exchange"}
    passfile = str(world.postgres.password_file)
    with psycopg.connect(**place, passfile=passfile, autocommit=True) as owner:  # type: ignore[arg-type]
        owner.execute("UPDATE batch SET stage = NULL WHERE id = %s", [batch])
        try:
            for _ in range(2):  # by the ledger; and did it not hold, by the agreement that was kept
                with pytest.raises(Halt):
                    pipeline.process(app, batch)
        finally:
            owner.execute("UPDATE batch SET stage = 'test' WHERE id = %s", [batch])
    pipeline.process(app, batch)
    assert app.register.find_file(batch, Role.RESULT) is not None


def test_live_needs_a_certificate_or_a_leaders_exemption(
    app: App, education: DemoPartner, ask: Ask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXCHANGE_CONFIG", str(world.config))
    with at_stage(app, education, "live"):
        said = CliRunner().invoke(commands, ["partner", "check"])
        assert said.exit_code == 70, "the operator is told before the partner's first set stops"
        assert f"{education.id}: stage" in said.output
        batch = sent(app, education, ask(batch=f"{education.id}.live"))
        with pytest.raises(Halt, match="needs a certificate of conformance"):
            pipeline.receive(app, batch)
    with at_stage(app, education, "test"):
        pipeline.receive(app, sent(app, education, ask(batch=f"{education.id}.tested")))
    assert CliRunner().invoke(commands, ["partner", "check"]).exit_code == 70
    with pytest.raises(Halt, match="needs a certificate of conformance"):
        pipeline.receive(app, batch)  # to leave the stage out is no way round, once there were tests
    with at_stage(app, education, "live"):
        app.register.conformance.exempt(education.id, "多年合作部门〔虚构〕", app.now())
        pipeline.receive(app, batch)
        assert CliRunner().invoke(commands, ["partner", "check"]).exit_code == 0
    assert app.register.batch(batch).state is State.REFUSED, "judged, for its purpose is the court's"
    assert not app.register.batch(batch).is_test


def test_an_agreement_that_begins_after_the_lane_came_names_its_stage(app: App, court: DemoPartner) -> None:
    today = app.agreement(court.id)
    said = today.model_dump() | {"in_force_from": "2027-01-01"}
    with pytest.raises(ValueError, match="stage"):
        Agreement.model_validate(said)
    assert Agreement.model_validate(said | {"stage": "test"}).is_test


def test_a_province_that_is_not_as_its_sheet_says_is_not_installed(province: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(province, copy)
    part = next(copy.glob("exports/population/*/part-000.csv"))
    part.write_bytes(part.read_bytes() + b"\n")
    with pytest.raises(Halt, match="part-000"):
        install(copy, Snapshots(tmp_path / "there", invented=True))
    with pytest.raises(Halt, match="no place for invented people"):
        install(province, Snapshots(tmp_path / "real"))


def test_the_same_seed_makes_the_same_province(province: Path, tmp_path: Path) -> None:
    make(tmp_path / "again", people=1500)
    assert (tmp_path / "again" / "datasheet.json").read_bytes() == (province / "datasheet.json").read_bytes()
