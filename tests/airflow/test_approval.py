"""The leader's approval in real Airflow: asked on counts alone, bound to the leaders, registered in their name."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import httpx
import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.tables import RETURNS
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import READING_SECONDS, demo_partner, quarter
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.demo.servers.airflow import Airflow
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import LEADER, LEADER_ID, OFFICER_ID, PARTNERS, SEED, World
from exchange.intake.collect import poll
from exchange.register import Decision, State
from exchange.review.case import load_cases
from exchange.review.decisions import complete

SECONDS = 600
APPROVE, RETURN = "批准 Approve", "退回 Return"
_numbers = itertools.count(1)


@pytest.fixture
def app(airflow_world: World) -> Iterator[App]:
    with App.open(OFFICER_ID, airflow_world.config) as opened:
        yield opened


@pytest.fixture
def school(airflow_world: World) -> DemoPartner:
    return demo_partner(airflow_world, PARTNERS[1])


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    return pl.concat(make_people(SEED, 3000))


@pytest.fixture(scope="module")
def offenders(people: pl.DataFrame) -> pl.Series:
    return on_record(make_offences(SEED, 0, people), "minors_protection_62")


def answered(app: App, school: DemoPartner, asked: pl.DataFrame) -> str:
    """A quarterly batch of these people's records, delivered without Airflow; its id."""
    number = next(_numbers)
    rows = asked.select("id_number", "name").with_row_index("row_ref").write_csv().encode()
    items = ("id_number", "name", "criminal_record")
    batch = f"{school.id}.approval-{number}"
    period = quarter(office_day(app.now()))
    request = Request(
        batch, "quarterly", period, "hiring_teachers", "未成年人保护法第六十二条", items, asked.height, rows
    )
    school.drop(school.make_set(request))
    poll(app)
    assert pipeline.run(app, batch)
    return batch


def asked_of_leaders(airflow: Airflow, release: str) -> dict[str, object]:
    """What the run of this release asks; the run is started by ``releases``, which looks each minute."""
    with airflow.api() as api:
        api.trigger("releases", f"now-{release}")
        assert wait_for(lambda: release in {run["dag_run_id"] for run in api.runs("release")}, SECONDS)
        assert wait_for(lambda: bool(api.asked("release", release)), SECONDS)
        (found,) = api.asked("release", release)
    time.sleep(READING_SECONDS)
    return found


def answer(airflow: Airflow, user: str, release: str, option: str, **given: str) -> None:
    with airflow.api(user) as api:
        api.answer("release", release, "approve", option, **given)


def ended(airflow: Airflow, release: str) -> str:
    with airflow.api() as api:
        return api.wait_for_run("release", release, SECONDS)


def test_no_record_leaves_with_the_leaders_approval_and_nobody_elses(
    airflow: Airflow, app: App, school: DemoPartner, people: pl.DataFrame, offenders: pl.Series
) -> None:
    clean = people.filter((pl.col("oddity") == "") & ~pl.col("id_number").is_in(offenders.implode())).head(3)
    batch = answered(app, school, clean)
    assert app.register.answer_counts(batch)["criminal_record"] == {"awaiting_approval": 3}
    release = f"{batch}.release-1"
    question = str(asked_of_leaders(airflow, release))
    assert "未发现记录 no_record | 3" in question
    for person in clean.iter_rows(named=True):
        assert person["id_number"] not in question
        assert person["name"] not in question
    for other in ("admin", "op", "viewer"):
        with pytest.raises(httpx.HTTPStatusError, match="403"):
            answer(airflow, other, release, APPROVE)
    answer(airflow, LEADER, release, APPROVE)
    assert ended(airflow, release) == "success"
    assert school.result(batch, 2).manifest["answers"]["criminal_record"] == {"no_record": 3}
    assert app.register.batch(batch).state is State.CLOSED
    (found,) = app.register.releases.of(batch)
    assert found.judged_by == LEADER_ID


def test_returned_rows_go_back_to_the_officer(
    airflow: Airflow, app: App, school: DemoPartner, people: pl.DataFrame, offenders: pl.Series
) -> None:
    hit = people.filter((pl.col("oddity") == "") & pl.col("id_number").is_in(offenders.implode())).head(1)
    batch = answered(app, school, hit)
    review = app.register.reviews.get(batch, 1)
    said = complete(load_cases(app, batch, [review])[0].open, {"criminal_record": "record_found"})
    app.register.reviews.decide(batch, [Decision(1, review.version, said, "case_file")])
    release = f"{batch}.release-1"
    asked_of_leaders(airflow, release)
    reason = RETURNS["person"].zh
    answer(airflow, LEADER, release, RETURN, reason=reason)
    assert ended(airflow, release) == "success"
    assert app.register.reviews.get(batch, 1).returned_for == reason
    assert app.register.batch(batch).rows_open == 1
    assert f"{batch}.result-2.json" not in school.answers()


def test_who_decided_a_row_cannot_approve_it(
    airflow: Airflow, airflow_world: World, school: DemoPartner, people: pl.DataFrame, offenders: pl.Series
) -> None:
    hit = people.filter((pl.col("oddity") == "") & pl.col("id_number").is_in(offenders.implode())).head(1)
    with App.open(LEADER_ID, airflow_world.config) as app:
        batch = answered(app, school, hit)
        review = app.register.reviews.get(batch, 1)
        said = complete(load_cases(app, batch, [review])[0].open, {"criminal_record": "record_found"})
        app.register.reviews.decide(batch, [Decision(1, review.version, said, "case_file")])
        release = f"{batch}.release-1"
        asked_of_leaders(airflow, release)
        answer(airflow, LEADER, release, APPROVE)
        assert ended(airflow, release) == "failed"
        assert f"{batch}.result-2.json" not in school.answers()
        assert app.register.batch(batch).rows_open == 1
