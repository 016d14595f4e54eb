"""The whole way of a batch, with real servers: what comes back is what is right."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.tables import OFFENCE_SOURCES
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province.claims import make_claims
from exchange.intake.collect import poll
from exchange.register import State
from exchange.snapshots.versions import Snapshots
from exchange.steps.disclosure import as_disclosed
from exchange.wire.manifest import ResultManifest

Ask = Callable[..., Request]
ALL_ITEMS = (
    "id_number", "name", "sex", "birth_date", "ethnicity", "registered_address", "former_name", "birthplace",
    "native_place", "kinship", "criminal_record",
)  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize("chinese", [True, False])
def test_result_has_the_right_answers(
    app: App,
    court: DemoPartner,
    ask: Ask,
    people: pl.DataFrame,
    offenders: pl.Series,
    encoding: str,
    encrypted: bool,
    chinese: bool,
) -> None:
    claims = make_claims(people, offenders, ALL_ITEMS, 300, seed=1, approved=True)
    data = to_csv(claims.rows, chinese=chinese).decode().encode(encoding)
    request = ask(data, 300, items=ALL_ITEMS, encrypted=encrypted)
    court.drop(court.make_set(request))

    assert request.batch in poll(app).waiting
    assert pipeline.run(app, request.batch)

    receipt = court.verified(f"{request.batch}.receipt.json")
    assert (receipt["outcome"], receipt["rows"]) == ("accepted", 300)
    result = court.result(request.batch)
    rows = list(csv.DictReader(io.StringIO(result.data.decode("utf-8-sig"))))
    assert [row["row_ref"].removeprefix("'") for row in rows] == claims.rows["row_ref"].to_list()
    expected = as_disclosed(claims.expected)
    for item in ALL_ITEMS[:-1]:
        assert [row[f"{item}_answer"] for row in rows] == expected[item].to_list(), item
    assert [row["criminal_record_answer"] for row in rows] == expected["criminal_record"].to_list()
    for column in ("identity", "note"):
        assert [row[column] for row in rows] == claims.expected[column].to_list(), column
    in_review = claims.expected.select(pl.any_horizontal(pl.all() == "under_review")).to_series()
    batch = app.register.batch(request.batch)
    assert (batch.state, batch.rows_open) == (State.DELIVERED, in_review.sum())


def test_result_manifest_says_what_was_asked_and_when(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask(items=("id_number", "name", "criminal_record"), data=b"row_ref,id_number,name\nR1,,\n")
    court.drop(court.make_set(request))
    poll(app)
    pipeline.run(app, request.batch)
    manifest = ResultManifest.model_validate_json(court.fetch(f"{request.batch}.result.json").read_bytes())
    assert {snapshot.source for snapshot in manifest.snapshots} == {"population", *OFFENCE_SOURCES}
    assert manifest.answers["criminal_record"] == {"not_answered": 1}
    assert (manifest.rows_in, manifest.rows_out) == (1, 1)


def test_only_the_population_is_asked_where_no_record_is(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    pipeline.run(app, request.batch)
    assert set(app.register.snapshots.of(request.batch)) == {"population"}


def test_no_record_waits_for_approval_where_none_is_standing(
    app: App, education: DemoPartner, people: pl.DataFrame, barred: pl.Series
) -> None:
    clean = people.filter((pl.col("oddity") == "") & ~pl.col("id_number").is_in(barred.implode())).head(3)
    items = ("id_number", "criminal_record")
    data = clean.select(pl.lit("R").alias("row_ref"), "id_number", "name").write_csv().encode()
    request = Request(
        f"{education.id}.approval",
        "quarterly",
        "2026-Q4",
        "hiring_teachers",
        "未成年人保护法第六十二条",
        items,
        3,
        data,
    )
    education.drop(education.make_set(request))
    poll(app)
    pipeline.run(app, request.batch)
    answers = education.result(request.batch).manifest["answers"]
    assert answers["criminal_record"] == {"awaiting_approval": 3}


def test_a_stale_source_makes_waiting_never_no_record(
    app: App,
    court: DemoPartner,
    ask: Ask,
    people: pl.DataFrame,
    offenders: pl.Series,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clean = people.filter((pl.col("oddity") == "") & ~pl.col("id_number").is_in(offenders.implode())).head(3)
    data = clean.select(pl.lit("R").alias("row_ref"), "id_number", "name").write_csv().encode()
    request = ask(data, 3, items=("criminal_record",))
    court.drop(court.make_set(request))
    poll(app)
    current = Snapshots.current
    monkeypatch.setattr(
        Snapshots, "current", lambda self, source: None if source == "drug_control" else current(self, source)
    )
    pipeline.run(app, request.batch)
    result = court.result(request.batch).manifest
    assert result["answers"]["criminal_record"] == {"source_not_ready": 3}
    assert "drug_control" not in {snapshot["source"] for snapshot in result["snapshots"]}


def test_a_rerun_of_a_closed_batch_changes_nothing(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    pipeline.run(app, request.batch)
    before = {name: court.fetch(name).read_bytes() for name in court.answers()}
    steps = len(app.register.steps(request.batch))
    pipeline.run(app, request.batch)
    assert {name: court.fetch(name).read_bytes() for name in court.answers()} == before
    assert len(app.register.steps(request.batch)) == steps


def test_the_set_is_cleared_away_and_kept(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    files = court.make_set(request)
    court.drop(files)
    poll(app)
    pipeline.run(app, request.batch)
    assert list((court.server.home / "to-office").iterdir()) == []
    kept = {file.name: file.sha256 for file in app.register.files(request.batch)}
    assert all(app.archive.read(kept[name]) == content for name, content in files.items())
