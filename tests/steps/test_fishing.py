"""A partner that asks about one person again and again, over days, alone and beside people whom it knows to be clean:
until the release nothing tells it whether that person has a record, for who has none may be drawn and seen as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import cited, demo_partner
from exchange.demo.world import PARTNERS, World
from exchange.intake.collect import poll
from exchange.register import ReviewFilter
from exchange.status.facts import status_of
from exchange.steps.disclosure import SpotCheck
from tests.steps.twins import Twin, with_and_without, without_sealed

RECORDS = ("id_number", "name", "criminal_record")
ONE_IN, DAYS = 4, 2
ABOUT = {
    "standing": (PARTNERS[0], "case_handling", ("case_handling_286",)),
    "leader": (PARTNERS[4], "hiring_staff", ("preschool_44", "minors_protection_62")),
}


@pytest.fixture(scope="module")
def record(people: pl.DataFrame) -> pl.DataFrame:
    """Judgments for which both partners are told of somebody."""
    one = without_sealed(people).filter(pl.col("kind") == "judgment").head(1)
    grown = people.filter(
        pl.col("oddity") == "", pl.col("birth_date").is_between(pl.lit("1950-01-01"), pl.lit("1990-01-01"))
    ).tail(60)
    judged = one.drop("id_number", "name").with_columns(
        offence_date=pl.lit("2019-05-05"),
        decided_on=pl.lit("2020-02-01"),
        effective_on=pl.lit("2020-03-01"),
        charge=pl.lit("故意伤害罪"),
    )
    return grown.select("id_number", "name").join(judged, how="cross").select(one.columns)


@pytest.fixture(scope="module")
def twins(world: World, record: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Twin, Twin]]:
    with with_and_without(world, "fished", tmp_path_factory.mktemp("fished"), record) as both:
        yield both


def later(each: Twin, days: int) -> App:
    """The twin so many days later; it draws one clean person in ``ONE_IN``."""
    app = each.app
    policy = app.settings.policy.model_copy(update={"spot_check_one_in": ONE_IN})
    moment = app.now() + timedelta(days=days)
    return App(app.settings.model_copy(update={"policy": policy}), app.register, lambda: moment)


@pytest.mark.parametrize("how", list(ABOUT))
def test_over_days_nothing_tells_a_record_from_a_draw(
    world: World,
    all_partners: None,
    twins: tuple[Twin, Twin],
    people: pl.DataFrame,
    record: pl.DataFrame,
    how: str,
) -> None:
    profile, purpose, bases = ABOUT[how]
    partner = demo_partner(world, profile)
    sought = drawn(later(twins[0], 0), f"{profile.id} {purpose}", record)
    hits = record["id_number"].implode()
    known = people.filter(pl.col("oddity") == "", ~pl.col("id_number").is_in(hits)).select("id_number", "name")
    sets = [[sought], [sought, known[:1]], [known[:7], sought, known[7:12], sought]]

    def asked(app: App, number: int, rows: list[pl.DataFrame]) -> Request:
        batch, data = f"{partner.id}.fish-{number}", pl.concat(rows).with_row_index("row_ref").write_csv().encode()
        day, height = str(office_day(app.now())), sum(each.height for each in rows)
        return Request(batch, "ad_hoc", day, purpose, cited(*bases), RECORDS, height, data)

    seen: list[list[dict[str, Any]]] = []
    made: dict[int, dict[str, bytes]] = {}
    for each in twins:
        days = []
        for day in range(DAYS):
            app, batches = later(each, day), []
            for number, rows in enumerate(sets, day * len(sets)):
                request = asked(app, number, rows)
                partner.drop(made.setdefault(number, partner.make_set(request)))
                poll(app)
                assert pipeline.run(app, request.batch)
                batches.append(request.batch)
            proposed = [(release.batch, release.rows) for release in pipeline.propose_all(app).releases]
            days.append({"proposed": proposed, "status": status_of(app, app.agreement(partner.id))})
            days[-1] |= visible(partner, batches) | {"sizes at the office": sizes(app)}
        seen.append(days)
        causes = {cause for review in each.app.register.reviews.find(ReviewFilter()) for cause in review.causes}
        assert causes == ({"criminal_record", "spot_check"} if each is twins[0] else {"spot_check"})
    for day, (first, second) in enumerate(zip(*seen, strict=True)):
        assert first.keys() == second.keys()
        for what, told in first.items():
            assert told == second[what], (day, what)


def drawn(app: App, about: str, record: pl.DataFrame) -> pl.DataFrame:
    """Of those with a record, one who would be drawn without it on each of the days."""
    version = app.snapshots.current("population")
    assert version is not None
    days = [office_day(app.now()) + timedelta(days=day) for day in range(DAYS)]
    key = SpotCheck.key_of(app)
    for number, name in record.select("id_number", "name").iter_rows():
        if all(SpotCheck(key, about, day, 1 / ONE_IN).chance(int(number[:17])) < 1 / ONE_IN for day in days):
            return pl.DataFrame({"id_number": [number], "name": [name]})
    pytest.fail("nobody is drawn")


def sizes(app: App) -> list[int]:
    """Of all that lies at the office but exports and snapshots, for whoever sees folders and cannot read in them."""
    apart = {"exports", "snapshots"}
    kept = [path for path in app.settings.home.rglob("*") if path.is_file() and apart.isdisjoint(path.parts)]
    assert any(path.suffix == ".open" for path in kept)
    return sorted(path.stat().st_size for path in kept)


def visible(partner: DemoPartner, batches: list[str]) -> dict[str, Any]:
    """What lies in the partner's folder, opened; the ledger's size without its head, which has times in it."""
    folder = partner.server.home / "from-office"
    seen: dict[str, Any] = {"files": {path.name: path.stat().st_size for path in folder.iterdir()}}
    for batch in batches:
        receipt, result = partner.verified(f"{batch}.receipt.json"), partner.result(batch)
        del result.manifest["encrypted"]["sha256"]
        for each in (receipt, result.manifest):
            each["register"] = each["register"].split("\n")[1]
        seen |= {f"{batch}: receipt": receipt, f"{batch}: manifest": result.manifest, f"{batch}: data": result.data}
    for path in folder.iterdir():
        Path(path).unlink()
    return seen
