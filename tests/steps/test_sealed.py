"""A batch with sealed people and the same batch with those people clean: the same bytes wherever anybody can look,
times and random encryption aside.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.tables import SOURCES
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.province.offences import make_offences
from exchange.demo.world import SEED, World
from exchange.intake.collect import poll
from exchange.register import Decision, ReviewFilter
from exchange.review.case import load_cases
from exchange.review.decisions import complete
from exchange.review.worklist import write_list
from tests.steps.twins import HASH, Twin, register_as_it_stands, sealed_of, twin, without_sealed

RECORDS = ("id_number", "name", "criminal_record")
FOUNDING = ("quarterly", "2026-Q4", "founding_kindergartens", "学前教育法第四十四条")
HIRING = ("quarterly", "2026-Q4", "hiring_teachers", "未成年人保护法第六十二条")


@pytest.fixture(scope="module")
def juveniles(people: pl.DataFrame) -> pl.DataFrame:
    """Whom the exports with sealed records hold; some have other records, some a superseded number."""
    born = pl.col("birth_date").str.to_date().is_between(date(1950, 1, 1), date(2004, 1, 1))
    others = make_offences(SEED, 0, people)["id_number"]
    grown = people.filter(born, ~pl.col("oddity").is_in(["shared", "doubled"]))
    with_other_records = grown.filter(pl.col("id_number").is_in(others.implode())).head(10)
    return pl.concat([grown.head(80), grown.filter(pl.col("oddity") == "superseded"), with_other_records])


@pytest.fixture(scope="module")
def asked(people: pl.DataFrame, juveniles: pl.DataFrame) -> tuple[bytes, int]:
    others = make_offences(SEED, 0, people)["id_number"]
    everybody = pl.concat(
        [
            juveniles,
            people.filter(pl.col("id_number").is_in(others.implode())),
            people.filter(pl.col("oddity") != ""),
        ]
    ).unique("id_number", keep="first", maintain_order=True)
    rows = everybody.select("id_number", "name").with_row_index("row_ref")
    return rows.write_csv().encode(), rows.height


@pytest.fixture(scope="module")
def twins(
    world: World, people: pl.DataFrame, juveniles: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Twin, Twin]]:
    clean = without_sealed(people)
    sealed = pl.concat([clean, sealed_of(juveniles)])
    with App.open("test", world.config) as app:
        at = app.now()
    place = tmp_path_factory.mktemp("twins")
    with (
        twin(world, "with_sealed", place / "sealed", sealed, at) as first,
        twin(world, "without_sealed", place / "clean", clean, at) as second,
    ):
        yield first, second


def test_the_snapshots_are_the_same(twins: tuple[Twin, Twin]) -> None:
    for source in SOURCES:
        first, second = (each.app.snapshots.current(source) for each in twins)
        assert first is not None
        assert second is not None
        assert first.name == second.name, source
        for path in first.folder.iterdir():
            assert path.read_bytes() == (second.folder / path.name).read_bytes(), (source, path.name)


@pytest.mark.parametrize("about", [HIRING, FOUNDING], ids=["judgments", "drug"])
def test_whoever_looks_sees_the_same(
    twins: tuple[Twin, Twin],
    education: DemoPartner,
    asked: tuple[bytes, int],
    caplog: pytest.LogCaptureFixture,
    about: tuple[str, str, str, str],
) -> None:
    data, rows = asked
    files = education.make_set(Request(f"{education.id}.{about[2]}", *about, RECORDS, rows, data))
    first, second = (observed(each, education, files, caplog) for each in twins)
    assert first.keys() == second.keys()
    for what, seen in first.items():
        assert seen == second[what], what
    told = first["the first result's manifest"]["answers"]["criminal_record"]
    assert set(told) == {"awaiting_approval", "under_review"}, "the batch holds what it should"


def observed(
    each: Twin, partner: DemoPartner, files: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> dict[str, Any]:
    """Everything that the partner, the officers, the leader and whoever reads logs and register see of the batch."""
    app = each.app
    batch = next(name for name in files if name.endswith(".request.json")).removesuffix(".request.json")
    caplog.clear()
    caplog.set_level("DEBUG")
    partner.drop(files)
    poll(app)
    assert pipeline.run(app, batch)
    receipt = partner.verified(f"{batch}.receipt.json")
    del receipt["register"]
    seen: dict[str, Any] = {"the receipt": receipt}
    seen |= _result(partner, batch, 1, "the first result")
    reviews = app.register.reviews.find(ReviewFilter(batch=batch))
    sights = load_cases(app, batch, reviews)
    seen["the review queue"] = reviews
    seen["the work list"] = write_list(sights, b"key")
    for review, sight in zip(reviews, sights, strict=True):
        said = complete(sight.open, {column: _decided(column) for column in sight.open})
        app.register.reviews.decide(batch, [Decision(review.row, review.version, said, "archive")])
    (release,) = [each for each in pipeline.propose_all(app).releases if each.batch == batch]
    seen["what the leader approves"] = (release.rows, release.counts, release.needs_approval)
    each.leader.releases.approve(batch, release.number, release.answers_sha256 or "")
    pipeline.issue(app, release.id)
    seen |= _result(partner, batch, 2, "the second result")
    seen["the files"] = {path.name: path.stat().st_size for path in _folder(partner).iterdir()}
    seen["the register"] = register_as_it_stands(app.register)
    said_in_logs = [line for line in caplog.messages if batch in line]
    assert len(said_in_logs) >= 4
    seen["the logs"] = [HASH.sub("#", line) for line in said_in_logs]
    for path in _folder(partner).iterdir():
        path.unlink()
    return seen


def _decided(column: str) -> str:
    return "record_found" if column == "criminal_record" else "consistent"


def _folder(partner: DemoPartner) -> Path:
    return partner.server.home / "from-office"


def _result(partner: DemoPartner, batch: str, number: int, what: str) -> dict[str, Any]:
    """The plain file, and the manifest but for what is drawn anew: the envelope's hash, the ledger's head."""
    result = partner.result(batch, number)
    manifest = json.loads(json.dumps(result.manifest))
    del manifest["encrypted"]["sha256"], manifest["register"]
    return {what: result.data, f"{what}'s manifest": manifest}
