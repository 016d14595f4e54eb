"""What a partner can know of records before the release: nothing; and whom a spot check draws."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import pipeline
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.matching.decide import CAUSES_COLUMN, IDENTITY_COLUMN, PERSON
from exchange.matching.lookup import SortedTable
from exchange.register import Decision, ReviewFilter
from exchange.review.case import load_cases
from exchange.review.decisions import complete
from exchange.status.facts import status_of
from exchange.steps.disclosure import DRAWN_FOR_DAYS, SPOT, SpotCheck, as_disclosed, with_spot_checks
from tests.steps.twins import Twin, with_and_without, without_sealed

RECORDS = ("id_number", "name", "criminal_record")
COLUMN = "answer.criminal_record"
SECONDS = re.compile(r"took .*")


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
    with with_and_without(world, "told", tmp_path_factory.mktemp("twins"), without_sealed(people)) as both:
        yield both


def test_with_and_without_hits_the_partner_and_the_logs_are_told_the_same_until_the_release(
    twins: tuple[Twin, Twin], education: DemoPartner, asked: tuple[bytes, int], caplog: pytest.LogCaptureFixture
) -> None:
    data, rows = asked
    about = ("quarterly", "2026-Q4", "hiring_teachers", "未成年人保护法第六十二条")
    files = education.make_set(Request(f"{education.id}.untold", *about, RECORDS, rows, data))
    caplog.set_level("DEBUG")
    first, second = (until_the_release(each, education, files, caplog) for each in twins)
    assert first["queue"]
    assert not second["queue"], "the twins differ as they should"
    for what in ("receipt", "data", "manifest", "files", "statuses", "logs"):
        assert first[what] == second[what], what
    assert first["companies"] == second["companies"], "which rows leave together"


def until_the_release(
    each: Twin, partner: DemoPartner, files: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> dict[str, Any]:
    """What the partner sees, the logs, the officer's queue, and in what company the rows are proposed."""
    app = each.app
    caplog.clear()
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
        "logs": [SECONDS.sub("", line) for line in caplog.messages if batch in line],
    }
    for path in folder.iterdir():
        Path(path).unlink()
    return seen


DAY = date(2026, 11, 2)
PEOPLE = SortedTable(pa.table({"key": np.arange(22010119900101000, 22010119900121000)}))


def answers(people: Sequence[int], codes: Sequence[str], causes: Sequence[str]) -> pl.DataFrame:
    frame = {
        PERSON: pl.Series(people, dtype=pl.Int64),
        IDENTITY_COLUMN: ["consistent"] * len(people),
        COLUMN: pl.Series(codes, dtype=pl.String),
        CAUSES_COLUMN: pl.Series(causes, dtype=pl.String),
    }
    return pl.DataFrame(frame)


def check(share: float, day: date = DAY, key: bytes = b"key", about: str = "court case_handling") -> SpotCheck:
    return SpotCheck(key, about, day, share)


def waiting(share: float, batch: list[tuple[int, bool]], clean: str, day: date = DAY) -> list[int]:
    """The rows of a batch, persons with whether there is a record, that are with an officer."""
    codes = ["under_review" if hit else clean for _, hit in batch]
    frame = answers([person for person, _ in batch], codes, ["criminal_record" if hit else "" for _, hit in batch])
    rows = range(1, len(batch) + 1)
    drawn = check(share, day).drawn(frame, rows, PEOPLE)
    held = with_spot_checks(frame, rows, drawn)
    assert with_spot_checks(held, rows, drawn).equals(held), "nothing is drawn twice"
    return [row for row, causes in zip(rows, held[CAUSES_COLUMN], strict=True) if causes]


SHARE = 0.25
IS_DRAWN = [person for person in range(200) if check(SHARE).chance(22010119900101000 + person) < SHARE]
batches_of = st.lists(st.tuples(st.integers(0, 199), st.booleans()), max_size=40)


@given(st.lists(batches_of, min_size=1, max_size=5), st.sampled_from(IS_DRAWN), st.data())
def test_nothing_that_waits_tells_whether_who_is_drawn_has_a_record(
    batches: list[list[tuple[int, bool]]], person: int, data: st.DataObject
) -> None:
    """Whatever is asked beside, and however often: somebody with a record, and the same one without."""
    for batch in batches:
        others = [each for each in batch if each[0] != person]
        place = data.draw(st.integers(0, len(others)))
        with_record, without = (
            waiting(SHARE, [*others[:place], (person, hit), *others[place:], (person, hit)], "no_record")
            for hit in (True, False)
        )
        assert with_record == without
        assert place + 1 in without


@given(batches_of, st.sampled_from(IS_DRAWN))
def test_where_the_leader_lets_a_batch_go_it_waits_whoever_of_both_it_holds(
    others: list[tuple[int, bool]], person: int
) -> None:
    known = [(each, hit) for each, hit in others if hit or each not in IS_DRAWN]
    waits = [bool(waiting(SHARE, [*known, (person, hit)], "awaiting_approval")) for hit in (True, False)]
    assert waits == [True, True]
    clean = [(each, False) for each, _ in others]
    assert len(waiting(SHARE, clean, "awaiting_approval")) == min(1, len({each for each, _ in clean} & {*IS_DRAWN}))


def test_rows_with_other_work_for_an_officer_are_drawn_too() -> None:
    """Else whoever of them waits would be a hit, for certain."""
    frame = answers(range(40), ["no_record"] * 40, ["kinship"] * 40)
    drawn = check(1.0).drawn(frame, range(1, 41), PEOPLE)
    assert drawn == list(range(1, 41))
    held = with_spot_checks(frame, range(1, 41), drawn)
    assert set(as_disclosed(held)[COLUMN]) == {"awaiting_approval"}
    assert set(held[CAUSES_COLUMN]) == {f"kinship;{SPOT}"}


def drawn_of(one: SpotCheck) -> set[int]:
    everybody = range(len(PEOPLE.keys))
    return set(one.drawn(answers(everybody, ["no_record"] * len(everybody), [""] * len(everybody)), everybody, PEOPLE))


@pytest.mark.parametrize(
    ("other", "least", "most"),
    [
        (check(0.05), 1000, 1000),
        (check(0.05, DAY + timedelta(days=7)), 880, 980),  # some have their turn between the two
        (check(0.05, about="court licensing"), 430, 620),
        (check(0.05, about="bank case_handling"), 430, 620),
        (check(0.05, DAY + timedelta(days=DRAWN_FOR_DAYS)), 25, 80),
        (check(0.05, key=b"another"), 25, 80),
    ],
    ids=["same", "a week later", "another purpose", "another partner", "next turn", "another key"],
)
def test_who_is_drawn_again(other: SpotCheck, least: int, most: int) -> None:
    """Of one in twenty; in thousandths. Half of them for whatever they are asked about."""
    first = drawn_of(check(0.05))
    assert 900 < len(first) < 1100
    assert least <= 1000 * len(first & drawn_of(other)) // len(first) <= most


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
    assert as_disclosed(frame).row(0) == (identity, seen, "under_review")
