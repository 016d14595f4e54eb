"""What a partner can know of records before the release: nothing; and whom a spot check draws."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.matching.decide import CAUSES_COLUMN, IDENTITY_COLUMN
from exchange.register import Decision, ReviewFilter
from exchange.review.case import load_cases
from exchange.review.decisions import complete
from exchange.status.facts import status_of
from exchange.steps.disclosure import SPOT, SpotCheck, told, with_spot_checks
from tests.steps.twins import Twin, twin, without_sealed

RECORDS = ("id_number", "name", "criminal_record")
COLUMN = "answer.criminal_record"


@pytest.fixture(scope="module")
def asked(people: pl.DataFrame, barred: pl.Series) -> tuple[bytes, int]:
    """Rows about people with records among others without any, some of them in doubt; and rows that fail."""
    sound, odd = people.filter(pl.col("oddity") == ""), people.filter(pl.col("oddity") != "")
    held = sound.filter(pl.col("id_number").is_in(barred.implode())).head(5)
    asked = [each.select("id_number", "name") for each in (sound.head(40), held, odd.unique("oddity", keep="first"))]
    rows = pl.concat(asked).unique("id_number", keep="first", maintain_order=True)
    another = held.head(1).select("id_number", pl.lit("另一人").alias("name"))
    rows = pl.concat([rows, another, another.with_columns(id_number=pl.lit("1"))]).with_row_index("row_ref")
    return rows.write_csv().encode(), rows.height


@pytest.fixture(scope="module")
def twins(world: World, people: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Twin, Twin]]:
    """An office whose sources hold records, and one whose sources hold none."""
    records = without_sealed(people)
    with App.open("test", world.config) as app:
        at = app.now()
    place = tmp_path_factory.mktemp("twins")
    with (
        twin(world, "with_hits", place / "hits", records, at) as first,
        twin(world, "without_hits", place / "none", records.clear(), at) as second,
    ):
        yield first, second


def test_with_and_without_hits_the_partner_sees_the_same_until_the_release(
    twins: tuple[Twin, Twin], education: DemoPartner, asked: tuple[bytes, int]
) -> None:
    data, rows = asked
    about = ("quarterly", "2026-Q4", "hiring_teachers", "未成年人保护法第六十二条")
    files = education.make_set(Request(f"{education.id}.untold", *about, RECORDS, rows, data))
    first, second = (until_the_release(each, education, files) for each in twins)
    assert first["queue"]
    assert not second["queue"], "the twins differ as they should"
    for what in ("receipt", "data", "manifest", "files", "statuses"):
        assert first[what] == second[what], what
    assert first["companies"] == second["companies"], "which rows leave together"


def until_the_release(each: Twin, partner: DemoPartner, files: dict[str, bytes]) -> dict[str, Any]:
    """What the partner sees, the officer's queue, and in what company the rows are proposed."""
    app = each.app
    batch = next(name for name in files if name.endswith(".request.json")).removesuffix(".request.json")
    partner.drop(files)
    poll(app)
    assert pipeline.run(app, batch)
    result = partner.result(batch)
    manifest = json.loads(json.dumps(result.manifest))
    del manifest["encrypted"]["sha256"]
    receipt = partner.verified(f"{batch}.receipt.json")
    for each_told in (receipt, manifest):
        each_told["register"] = each_told["register"].split("\n")[1]  # the ledger's size; its head has times in it
    folder = partner.server.home / "from-office"
    with_officer = app.register.reviews.find(ReviewFilter(batch=batch))
    assert {cause for review in with_officer for cause in review.causes} >= {"identity"}, "both have people in doubt"
    reviews = [review for review in with_officer if "criminal_record" in review.causes]
    companies, statuses = [], [status_of(app, app.agreement(partner.id))]
    for review, case in zip(reviews, load_cases(app, batch, reviews), strict=True):
        companies += [release.rows for release in pipeline.propose_all(app).releases if release.batch == batch]
        said = complete(case.open, {"criminal_record": "record_found"})
        app.register.reviews.decide(batch, [Decision(review.row, review.version, said, "archive")])
    companies += [release.rows for release in pipeline.propose_all(app).releases if release.batch == batch]
    statuses.append(status_of(app, app.agreement(partner.id)))
    seen = {
        "statuses": statuses,
        "receipt": receipt,
        "data": result.data,
        "manifest": manifest,
        "files": {path.name: path.stat().st_size for path in folder.iterdir()},
        "queue": reviews,
        "companies": companies,
    }
    for path in folder.iterdir():
        Path(path).unlink()
    return seen


def answers(codes: list[str], causes: list[str]) -> pl.DataFrame:
    count = len(codes)
    return pl.DataFrame(
        {IDENTITY_COLUMN: ["consistent"] * count, COLUMN: codes, CAUSES_COLUMN: causes},
        schema=dict.fromkeys([IDENTITY_COLUMN, COLUMN, CAUSES_COLUMN], pl.String),
    )


rows_of = st.lists(
    st.sampled_from(
        [
            ("no_record", ""),
            ("no_record", "kinship"),
            ("under_review", "criminal_record"),
            ("under_review", "kinship;criminal_record"),
            ("source_not_ready", ""),
        ]
    ),
    max_size=60,
)


@given(rows_of, st.floats(0, 1), st.binary(min_size=1, max_size=8))
def test_as_many_clean_rows_wait_as_there_are_hits(rows: list[tuple[str, str]], share: float, key: bytes) -> None:
    frame = answers([code for code, _ in rows], [cause for _, cause in rows])
    numbers = range(11, 11 + len(rows))
    drawn = SpotCheck(key, share).drawn(frame, numbers)
    count = Counter(code for code, _ in rows)
    assert len(drawn) >= min(count["under_review"], count["no_record"])
    assert {rows[row - 11][0] for row in drawn} <= {"no_record"}
    assert drawn == SpotCheck(key, share).drawn(frame, numbers), "the same rows at each try"
    held = with_spot_checks(frame, numbers, drawn)
    waiting = {row for row, code in zip(numbers, told(held)[COLUMN], strict=True) if code == "awaiting_approval"}
    assert waiting == {*drawn, *(row for row, (code, _) in zip(numbers, rows, strict=True) if code == "under_review")}
    assert set(told(held)[COLUMN]) <= {"no_record", "awaiting_approval", "source_not_ready"}
    assert held[CAUSES_COLUMN].str.contains(SPOT).sum() == len(drawn)
    assert with_spot_checks(held, numbers, drawn).equals(held), "nothing is drawn twice"


def test_rows_with_other_work_for_an_officer_are_drawn_too() -> None:
    """Else whoever of them waits would be a hit, for certain."""
    frame = answers(["no_record"] * 40, ["kinship"] * 40)
    drawn = SpotCheck(b"key", 1.0).drawn(frame, range(1, 41))
    assert drawn == list(range(1, 41))
    held = with_spot_checks(frame, range(1, 41), drawn)
    assert set(told(held)[COLUMN]) == {"awaiting_approval"}
    assert set(held[CAUSES_COLUMN]) == {f"kinship;{SPOT}"}


def test_one_in_so_many_is_drawn() -> None:
    frame = answers(["no_record"] * 20_000, [""] * 20_000)
    drawn = SpotCheck(b"key", 0.05).drawn(frame, range(1, 20_001))
    assert 850 < len(drawn) < 1150
    assert SpotCheck(b"another", 0.05).drawn(frame, range(1, 20_001)) != drawn


@pytest.mark.parametrize(
    ("identity", "code", "seen"),
    [
        ("consistent", "under_review", "awaiting_approval"),
        ("consistent", "awaiting_approval", "awaiting_approval"),
        ("consistent", "no_record", "no_record"),
        ("consistent", "record_found", "record_found"),
        ("consistent", "source_not_ready", "source_not_ready"),
        ("under_review", "under_review", "under_review"),  # the person is in doubt: no source was asked
        ("name_disagrees", "not_answered", "not_answered"),
    ],
)
def test_what_is_told(identity: str, code: str, seen: str) -> None:
    frame = pl.DataFrame({IDENTITY_COLUMN: [identity], COLUMN: [code], "answer.sex": ["under_review"]})
    assert told(frame).row(0) == (identity, seen, "under_review")
