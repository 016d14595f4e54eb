"""Legal bases over time: named in receipt and result, refused where they are not in force, looked at again where they
end while rows wait. The catalogue is the real one with another last day.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from types import MappingProxyType

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.legal_bases import legal_bases
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import cited, demo_partner
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.world import PARTNERS, SEED, World
from exchange.intake.collect import poll
from exchange.register import Decision, ReviewFilter
from exchange.review.case import load_cases
from exchange.review.decisions import complete
from exchange.steps import telling

ITEMS = ("id_number", "name", "criminal_record")
KINDERGARTEN, GUARDS = ("preschool_44", "minors_protection_62"), ("security_guards_17",)
Ends = Callable[[str, date], None]
_numbers = itertools.count(1)


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Ends:
    """Gives a basis its last day."""

    def give(code: str, last: date) -> None:
        changed = replace(legal_bases()[code], in_force_until=last)
        catalogue = MappingProxyType({**legal_bases(), code: changed})
        monkeypatch.setattr("exchange.agreements.sections.legal_bases", lambda: catalogue)

    return give


@pytest.fixture
def guards(world: World, all_partners: None) -> DemoPartner:
    return demo_partner(world, PARTNERS[5])


@pytest.fixture
def kindergarten(world: World, all_partners: None) -> DemoPartner:
    return demo_partner(world, PARTNERS[4])


@pytest.fixture(scope="module")
def records(people: pl.DataFrame) -> pl.DataFrame:
    return make_offences(SEED, 0, people)


@pytest.fixture(scope="module")
def clean(people: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    return people.filter(pl.col("oddity") == "", ~pl.col("id_number").is_in(records["id_number"].implode()))


def sent(app: App, partner: DemoPartner, purpose: str, bases: tuple[str, ...], asked: pl.DataFrame) -> tuple[str, bool]:
    """The batch, and whether it was accepted."""
    data = asked.select("id_number", "name").with_row_index("row_ref", offset=1).write_csv().encode()
    batch, day = f"{partner.id}.bases-{next(_numbers)}", str(office_day(app.now()))
    partner.drop(
        partner.make_set(Request(batch, "ad_hoc", day, purpose, cited(*bases), ITEMS, asked.height, data)),
    )
    poll(app)
    return batch, pipeline.run(app, batch)


def test_receipt_and_result_name_law_and_article(app: App, kindergarten: DemoPartner, clean: pl.DataFrame) -> None:
    batch, _ = sent(app, kindergarten, "hiring_staff", KINDERGARTEN, clean.head(1))
    named = [
        {"code": "preschool_44", "law": "学前教育法", "article": "第四十四条", "in_force_from": "2025-06-01"},
        {
            "code": "minors_protection_62",
            "law": "未成年人保护法",
            "article": "第六十二条",
            "in_force_from": "2024-04-26",
        },
    ]
    assert kindergarten.verified(f"{batch}.receipt.json")["legal_bases"] == named
    assert kindergarten.result(batch).manifest["legal_bases"] == named


def test_a_basis_that_is_not_in_force_is_refused_with_its_date(
    app: App, guards: DemoPartner, clean: pl.DataFrame, ends: Ends
) -> None:
    yesterday = office_day(app.now()) - timedelta(days=1)
    ends("security_guards_17", yesterday)
    batch, accepted = sent(app, guards, "hiring_guards", GUARDS, clean.head(1))
    assert not accepted
    receipt = guards.verified(f"{batch}.receipt.json")
    assert receipt["refusal"]["code"] == "legal_basis_not_in_force"
    assert receipt["legal_bases"][0]["in_force_until"] == str(yesterday)
    ends("security_guards_17", yesterday + timedelta(days=1))
    assert sent(app, guards, "hiring_guards", GUARDS, clean.head(1))[1], "its last day"


def test_nothing_is_said_of_offences_once_the_only_basis_has_ended(
    app: App, world: World, guards: DemoPartner, clean: pl.DataFrame, ends: Ends, later: Callable[[timedelta], App]
) -> None:
    ends("security_guards_17", office_day(app.now()))
    batch, _ = sent(app, guards, "hiring_guards", GUARDS, clean.head(2))
    (before,) = [each for each in pipeline.propose_all(app).releases if each.batch == batch]
    assert before.counts["criminal_record"] == {"no_record": 2}
    with App.open("leader", world.config) as leader:
        leader.register.releases.approve(batch, before.number, before.answers_sha256 or "")
    morrow = later(timedelta(days=1))
    pipeline.issue(morrow, before.id)
    assert f"{batch}.result-2.json" not in guards.answers(), "what was approved under it"
    (release,) = [each for each in pipeline.propose_all(morrow).releases if each.batch == batch]
    assert release.counts["criminal_record"] == {"basis_ended": 2}
    assert release.needs_approval


def test_a_person_learns_what_left_after_the_basis_had_ended(
    app: App, world: World, guards: DemoPartner, clean: pl.DataFrame, ends: Ends
) -> None:
    person = clean.row(2, named=True)
    batch, _ = sent(app, guards, "hiring_guards", GUARDS, clean[2:3])
    ends("security_guards_17", office_day(app.now()) - timedelta(days=1))
    (release,) = [each for each in pipeline.propose_all(app).releases if each.batch == batch]
    with App.open("leader", world.config) as leader:
        leader.register.releases.approve(batch, release.number, release.answers_sha256 or "")
        pipeline.issue(app, release.id)
        question = telling.ask(app, person["id_number"], "本人申请", "申〔2026〕9号")
        (found,) = [each for each in telling.confirm(leader, question).disclosures if each.batch.id == batch]
    assert found.left is not None
    assert found.left[1] == {"identity": "consistent", "id_number": "consistent", "name": "consistent"} | {
        "criminal_record": "basis_ended"
    }


def test_what_only_the_ended_basis_names_is_not_there_under_the_rest(
    app: App,
    world: World,
    kindergarten: DemoPartner,
    people: pl.DataFrame,
    records: pl.DataFrame,
    ends: Ends,
    later: Callable[[timedelta], App],
) -> None:
    ends("preschool_44", office_day(app.now()))
    both, rest = (on_record(records, *bases) for bases in (KINDERGARTEN, KINDERGARTEN[1:]))
    plain = people.filter(pl.col("oddity") == "")
    only_ended = plain.filter(
        pl.col("id_number").is_in(both.implode()) & ~pl.col("id_number").is_in(rest.implode())
    ).head(1)
    still = plain.filter(pl.col("id_number").is_in(rest.implode())).head(1)
    assert only_ended.height == still.height == 1
    answered = plain.head(1).with_columns(name=pl.lit("不是此人"))  # at first: it does not leave with the others
    batch, _ = sent(app, kindergarten, "hiring_staff", KINDERGARTEN, pl.concat([answered, only_ended, still]))
    reviews = app.register.reviews.find(ReviewFilter(batch=batch))
    for review, sight in zip(reviews, load_cases(app, batch, reviews), strict=True):
        said = complete(sight.open, dict.fromkeys(sight.open, "record_found"))
        app.register.reviews.decide(batch, [Decision(review.row, review.version, said, "case_file")])
    morrow = later(timedelta(days=1))
    (release,) = [each for each in pipeline.propose_all(morrow).releases if each.batch == batch]
    assert release.rows == (2, 3)
    assert release.counts["criminal_record"] == {"no_record": 1, "record_found": 1}
    assert release.needs_approval
    with App.open("leader", world.config) as leader:
        leader.register.releases.approve(batch, release.number, release.answers_sha256 or "")
    pipeline.issue(morrow, release.id)
    assert kindergarten.result(batch, 2).manifest["answers"]["criminal_record"] == release.counts["criminal_record"]
