"""Offence records the whole way: what counts for which purpose, what an officer sees of it, and sources too old to say
*no record*.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.files import make_folder
from exchange.base.tables import OFFENCE_SOURCES, SOURCES, export_columns
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner
from exchange.demo.world import PARTNERS, World
from exchange.intake.collect import poll
from exchange.register import ReviewFilter
from exchange.review.case import load_cases
from exchange.snapshots.build import build
from exchange.snapshots.versions import Snapshots
from tests.steps.twins import Twin, twin

RECORDS = ("id_number", "name", "criminal_record")
HIRING = ("quarterly", "2026-Q4", "hiring_teachers", "未成年人保护法第六十二条")
FOUNDING = ("quarterly", "2026-Q4", "founding_kindergartens", "学前教育法第四十四条")
STAFF = ("annual", "2026", "hiring_staff", "学前教育法第四十四条；未成年人保护法第六十二条")
GUARDS = ("monthly", "2026-11", "hiring_guards", "保安服务管理条例第十七条")
TEACHERS = ("half_yearly", "2026-H2", "teacher_qualification", "教师法第十四条")
_numbers = itertools.count(1)

JUDGMENT = {"kind": "judgment", "charge": "盗窃罪", "effective_on": "2020-03-01", "sentence_months": "6"}
HARM = JUDGMENT | {"charge": "猥亵儿童罪"}
NEGLIGENT = JUDGMENT | {"charge": "交通肇事罪"}
APPEALED = JUDGMENT | {"effective_on": ""}
LATER = JUDGMENT | {"effective_on": "2099-12-31"}
BEATEN = {"kind": "administrative_penalty", "charge": "殴打他人"}
DRUG = {"kind": "drug", "charge": "吸毒"}
DETAINED = [
    {"kind": "administrative_detention", "charge": "盗窃", "decided_on": f"201{year}-05-06"} for year in range(3)
]
PENDING, NOT_PROSECUTED, ACQUITTED = {"kind": "pending"}, {"kind": "non_prosecution"}, {"kind": "acquittal"}
UNKNOWN = {"kind": "劳动教养", "charge": "故意伤害罪"}
HELD: list[list[dict[str, str]]] = [
    [JUDGMENT],
    [HARM, BEATEN, DRUG, PENDING],
    [DRUG],
    [BEATEN],
    DETAINED,
    [APPEALED, LATER, PENDING, NOT_PROSECUTED, ACQUITTED, *DETAINED[:2]],
    [UNKNOWN],
    [NEGLIGENT],
    [],
]
"""The records of the people asked about, row by row."""

JUDGED, PENALIZED, DRUGS, UNREAD = "judgment", "administrative_penalty", "drug", "unclear"
DETENTIONS = ["administrative_detention"] * 3


@pytest.fixture(scope="module")
def asked(people: pl.DataFrame) -> pl.DataFrame:
    """Grown people, one for each row of ``HELD``."""
    grown = pl.col("birth_date").str.to_date().is_between(date(1950, 1, 1), date(1990, 1, 1))
    return people.filter(grown, pl.col("oddity") == "").head(len(HELD))


@pytest.fixture(scope="module")
def planted(world: World, asked: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    sound = dict.fromkeys(export_columns("offences"), "") | {
        "offence_date": "2019-05-05", "decided_on": "2020-02-01", "political_rights": "no",
    }  # fmt: skip
    records = [
        sound | {"id_number": number, "name": name, "sources": [OFFENCE_SOURCES[nth % 5]]} | record
        for number, name, held in zip(asked["id_number"], asked["name"], HELD, strict=True)
        for nth, record in enumerate(held)
    ]
    with App.open("test", world.config) as app:
        at = app.now()
    with twin(world, "planted", tmp_path_factory.mktemp("planted"), pl.DataFrame(records), at) as opened:
        yield opened


def sent(app: App, partner: DemoPartner, about: tuple[str, str, str, str], asked: pl.DataFrame) -> str:
    data = asked.select("id_number", "name").with_row_index("row_ref", offset=1).write_csv().encode()
    request = Request(f"{partner.id}.offence-{next(_numbers)}", *about, RECORDS, asked.height, data)
    partner.drop(partner.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request.batch


@pytest.mark.parametrize(
    ("who", "about", "seen"),
    [
        (1, HIRING, {2: [JUDGED, PENALIZED], 4: [PENALIZED], 7: [UNREAD]}),
        (1, FOUNDING, {2: [JUDGED, PENALIZED, DRUGS], 3: [DRUGS], 4: [PENALIZED], 7: [UNREAD]}),
        (4, STAFF, {2: [JUDGED, PENALIZED, DRUGS], 3: [DRUGS], 4: [PENALIZED], 7: [UNREAD]}),
        (5, GUARDS, {1: [JUDGED], 2: [JUDGED], 5: DETENTIONS, 7: [UNREAD]}),
        (6, TEACHERS, {1: [JUDGED], 2: [JUDGED]}),  # no sentence and no rights taken: the unread kind does not matter
    ],
    ids=["teaching staff", "founding kindergartens", "kindergarten", "guards", "teacher qualification"],
)
def test_what_the_basis_does_not_name_is_as_if_it_were_not_there(
    world: World,
    all_partners: None,
    planted: Twin,
    asked: pl.DataFrame,
    who: int,
    about: tuple[str, str, str, str],
    seen: dict[int, list[str]],
) -> None:
    app, partner = planted.app, demo_partner(world, PARTNERS[who])
    batch = sent(app, partner, about, asked)
    told = app.register.answer_counts(batch)["criminal_record"]
    assert told == {"under_review": len(seen), "awaiting_approval": len(HELD) - len(seen)}
    reviews = app.register.reviews.find(ReviewFilter(batch=batch))
    assert {review.row: review.causes for review in reviews} == dict.fromkeys(seen, ("criminal_record",))
    sights = load_cases(app, batch, reviews)
    assert {sight.review.row: sorted(sight.records["kind"]) for sight in sights} == {
        row: sorted(kinds) for row, kinds in seen.items()
    }
    for sight in sights:
        said = dict(zip(sight.records["kind"], sight.records["counts"], strict=True))
        assert said == {kind: "unclear" if kind == UNREAD else "counts" for kind in seen[sight.review.row]}
        assert all(by.startswith(tuple(about[3].split("；"))) for by in sight.records["by"])
        if sight.review.row == 7:
            assert sight.records["as_written"].to_list() == ["记录种类 劳动教养"]
            assert sight.records["name"].to_list() == [asked["name"][6]]


@pytest.fixture(scope="module")
def aged(world: World, tmp_path_factory: pytest.TempPathFactory) -> App:
    """An office whose offence sources are empty and lie there as old as they may be, and a day older."""
    place = tmp_path_factory.mktemp("aged")
    with App.open("test", world.config) as app:
        today, snapshots = office_day(app.now()), Snapshots(place / "snapshots")
        snapshots.folder.mkdir()
        (snapshots.folder / "population").symlink_to(app.snapshots.folder / "population")
        (place / "archive").symlink_to(make_folder(app.settings.home / "archive"))
        at = app.now()
        settings = app.settings.model_copy(update={"home": place})
    nobody = place / "export"
    nobody.mkdir()
    pl.DataFrame(schema=dict.fromkeys(export_columns("offences"), pl.String)).write_csv(nobody / "part-000.csv")
    for source in OFFENCE_SOURCES:
        for days in (1, 0):
            build(snapshots, source, nobody, today - timedelta(days=SOURCES[source].max_age_days + days))
    return App(settings, app.register, lambda: at)


@pytest.mark.parametrize(
    ("source", "age", "answer"),
    [
        (OFFENCE_SOURCES[0], "limit", "no_record"),  # all five are
        *[(source, "a day more", "source_not_ready") for source in OFFENCE_SOURCES],
        *[(source, "missing", "source_not_ready") for source in OFFENCE_SOURCES],
    ],
)
def test_a_source_at_its_limit_answers_and_a_day_later_waits(
    app: App, aged: App, court: DemoPartner, asked: pl.DataFrame, source: str, age: str, answer: str
) -> None:
    app = replace(aged, register=app.register)
    older, at_limit = app.snapshots.versions(source)
    assert (office_day(app.now()) - at_limit.as_of).days == SOURCES[source].max_age_days
    current = older.folder.parent / "current"
    current.write_text((older if age == "a day more" else at_limit).name)
    if age == "missing":
        current.unlink()
    about = ("ad_hoc", str(office_day(app.now())), "case_handling", _case())
    batch = sent(app, court, about, asked.head(2))
    current.write_text(at_limit.name)
    assert app.register.answer_counts(batch)["criminal_record"] == {answer: 2}
    named = {snapshot["source"]: snapshot["as_of"] for snapshot in court.result(batch).manifest["snapshots"]}
    assert (source in named) == (age != "missing")
    assert set(OFFENCE_SOURCES) - {source} < set(named)


def _case() -> str:
    return "刑事诉讼法第二百八十六条"
