"""The approval is the register's: given on the office's page, in the leader's name. Whatever is done in Airflow, by
whomever, sends nothing that was not approved, and hides nothing that was.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx
import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner, quarter
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.demo.servers.airflow import Airflow
from exchange.demo.servers.airflow_api import AirflowApi
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import LEADER, LEADER_ID, OFFICER_ID, PARTNERS, SEED, World
from exchange.intake.collect import poll
from exchange.register import Release, ReleaseState, State
from tests.airflow.fetched import Fetched
from tests.airflow.routes import NOT_TRIED, tried

from .servers import uncollected

SECONDS = 600
DONE = httpx.codes.SEE_OTHER
_numbers = itertools.count(1)


@pytest.fixture
def app(airflow_world: World) -> Iterator[App]:
    with App.open(OFFICER_ID, airflow_world.config) as opened:
        yield opened


@pytest.fixture
def school(airflow_world: World) -> DemoPartner:
    return demo_partner(airflow_world, PARTNERS[1])


@pytest.fixture(scope="module")
def clean() -> pl.DataFrame:
    """Three of whom no school is told anything."""
    people = pl.concat(make_people(SEED, 3000))
    offenders = on_record(make_offences(SEED, 0, people), "minors_protection_62")
    return people.filter((pl.col("oddity") == "") & ~pl.col("id_number").is_in(offenders.implode())).head(3)


@pytest.fixture
def release(airflow: Airflow, app: App, school: DemoPartner, clean: pl.DataFrame) -> Release:
    """A quarterly batch about them, answered without Airflow; what waits for the leader."""
    batch = f"{school.id}.approval-{next(_numbers)}"
    rows = clean.select("id_number", "name").with_row_index("row_ref").write_csv().encode()
    items, basis = ("id_number", "name", "criminal_record"), "未成年人保护法第六十二条"
    period = quarter(office_day(app.now()))
    request = Request(batch, "quarterly", period, "hiring_teachers", basis, items, clean.height, rows)
    with uncollected(airflow):  # whoever claims it starts its run, which would be at work beside this one
        school.drop(school.make_set(request))
        poll(app)
    assert pipeline.run(app, batch)
    pipeline.propose_all(app)
    return app.register.releases.get(batch, 1)


def run_to_its_end(api: AirflowApi, dag_id: str, run_id: str, conf: dict[str, Any] | None = None) -> str:
    api.trigger(dag_id, run_id, conf)
    return api.wait_for_run(dag_id, run_id, SECONDS)


def look_as(api: AirflowApi) -> str:
    """``releases`` looks now; its run's id."""
    run_id = f"look-{next(_numbers)}"
    run_to_its_end(api, "releases", run_id)
    return run_id


def look(airflow: Airflow) -> None:
    with airflow.api() as api:
        look_as(api)


def not_sent(app: App, school: DemoPartner, release: Release) -> None:
    assert f"{release.batch}.result-2.json" not in school.answers()
    assert app.register.releases.get(release.batch, 1).state is ReleaseState.PROPOSED
    assert app.register.batch(release.batch).rows_open == len(release.rows)


def approve(airflow: Airflow, release: Release, **given: str) -> tuple[int, str]:
    with airflow.api(LEADER) as leader:
        return leader.press(f"/approval/{release.id}", "/approval/approve", **given)


def delivered(airflow: Airflow, app: App, release: Release) -> bool:
    look(airflow)
    return wait_for(lambda: app.register.releases.get(release.batch, 1).state is ReleaseState.DELIVERED, SECONDS)


def forge_conf(api: AirflowApi, run_id: str, release: Release) -> None:
    """A run by hand that says it was approved."""
    conf = {"approved": True, "state": "approved", "chosen_options": ["批准 Approve"], "release": release.id}
    run_to_its_end(api, "release", run_id, conf)


def forge_state(api: AirflowApi, run_id: str, _: Release) -> None:
    """Task and run marked failed, and successful."""
    run = f"dags/release/dagRuns/{run_id}"
    for state in ("failed", "success"):
        api.call("PATCH", f"{run}/taskInstances/send", {"new_state": state})
        api.call("PATCH", run, {"state": state})


def forge_xcom(api: AirflowApi, run_id: str, release: Release) -> None:
    """The word of a leader, where a task of this run would find it."""
    said = {"chosen_options": ["批准 Approve"], "responded_by_user": {"id": LEADER, "name": LEADER}}
    for key, value in (("return_value", said), ("approved", release.id)):
        entries = f"dags/release/dagRuns/{run_id}/taskInstances/send/xcomEntries"
        api.call("POST", entries, {"key": key, "value": value, "map_index": -1})


def forge_variable(api: AirflowApi, _: str, release: Release) -> None:
    api.call("POST", "variables", {"key": f"approved-{next(_numbers)}", "value": release.id})


def forge_pool(api: AirflowApi, _: str, release: Release) -> None:
    pool = {"name": f"approved-{next(_numbers)}", "slots": 64, "description": release.id, "include_deferred": True}
    api.call("POST", "pools", pool)


FORGERIES: tuple[Callable[[AirflowApi, str, Release], None], ...] = (
    forge_conf, forge_state, forge_xcom, forge_variable, forge_pool,
)  # fmt: skip
"""Each with the id of the run that the first makes."""


@pytest.fixture
def no_pools(airflow: Airflow) -> Iterator[None]:
    """Takes away the pools that were made: other tests count them."""
    yield
    with airflow.api() as api:
        for pool in api.call("GET", "pools")["pools"]:
            if pool["name"].startswith("approved-"):
                api.call("DELETE", f"pools/{pool['name']}")


@pytest.mark.usefixtures("no_pools")
def test_nothing_that_is_done_in_airflow_approves_and_nothing_hides_what_is_approved(
    airflow: Airflow, app: App, school: DemoPartner, release: Release, clean: pl.DataFrame
) -> None:
    for login in ("op", "admin"):
        run_id = release.id if login == "op" else f"{release.id}~{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        with airflow.api(login) as api:
            for forge in FORGERIES:
                forge(api, run_id, release)
            api.clear("release", run_id, only_failed=False)
            api.wait_for_run("release", run_id, SECONDS)
            assert api.page(f"/approval/{release.id}")[0] == httpx.codes.FORBIDDEN
        not_sent(app, school, release)
    with airflow.api(LEADER) as leader:
        _, text = leader.page(f"/approval/{release.id}")
    assert "未发现记录" in text
    assert not [person for person in clean["id_number"] if person in text]

    assert approve(airflow, release, shown="f" * 64)[0] == httpx.codes.CONFLICT, "something else was shown"
    not_sent(app, school, release)
    assert approve(airflow, release)[0] == DONE
    assert delivered(airflow, app, release), "whatever runs were made by hand under its name"
    assert school.result(release.batch, 2).manifest["answers"]["criminal_record"] == {"no_record": 3}
    assert app.register.batch(release.batch).state is State.CLOSED
    assert app.register.releases.get(release.batch, 1).judged_by == LEADER_ID


@pytest.mark.parametrize("login", ["op", "admin"])
def test_no_route_of_airflow_approves(
    airflow: Airflow, app: App, school: DemoPartner, release: Release, login: str
) -> None:
    """Each that changes something, with the release's own run, as whoever may most."""
    run_id, told = f"{release.id}~{login}", app.register.steps(release.batch)
    names = {
        "dag_id": "release", "dag_run_id": run_id, "task_id": "send", "map_index": "-1", "xcom_key": "return_value",
        "key": "approved", "asset_id": "1", "backfill_id": "1", "pool_name": "approved", "connection_id": "approved",
        "variable_key": "approved", "group_id": "send", "file_token": "x",
    }  # fmt: skip
    taken = set()
    with airflow.api(login) as api:
        for route in tried(release, run_id):
            body = json.loads(json.dumps(route.body).replace("{dag_id}", names["dag_id"]))
            with suppress(httpx.HTTPStatusError):
                api.call(route.method, route.at(**names), body)
                taken.add((route.method, route.path))
            if route.method == "POST" and route.path.endswith(("/dagRuns", "/clear")):
                api.wait_for_run("release", run_id, SECONDS)
    assert len(taken) > 20, "most are what Airflow lets an operator do"
    not_sent(app, school, release)
    assert app.register.steps(release.batch) == told
    app.register.verify()
    assert approve(airflow, release)[0] == DONE
    assert delivered(airflow, app, release)


def test_every_route_of_airflow_that_changes_something_is_tried_or_excepted(airflow: Airflow, release: Release) -> None:
    specification = httpx.get(f"{airflow.base_url}/openapi.json", timeout=60, trust_env=False).json()
    changing = {
        (method.upper(), path.removeprefix("/api/v2/"))
        for path, methods in specification["paths"].items()
        for method in methods
        if method in ("post", "put", "patch", "delete") and path.startswith("/api/v2/")
    }
    named = {(each.method, each.path) for each in tried(release, "x")}
    assert len(changing) > 40
    assert changing - named - NOT_TRIED.keys() == set()


def test_what_is_written_into_the_database_past_the_ledger_is_not_sent(
    airflow: Airflow, app: App, school: DemoPartner, release: Release
) -> None:
    forged = "UPDATE release SET state = %s, judged_by = %s, judged_at = %s WHERE batch_id = %s"
    with app.register.engine.connect() as connection:
        connection.exec_driver_sql(forged, ("approved", LEADER_ID, datetime.now(UTC), release.batch))
        connection.commit()
        try:
            run_id = f"{release.id}~by-hand"
            with airflow.api("op") as api:
                assert run_to_its_end(api, "release", run_id) == "failed"
                assert "not what the ledger says" in str(api.log("release", run_id, "send"))
            assert f"{release.batch}.result-2.json" not in school.answers()
        finally:
            connection.exec_driver_sql(forged, ("proposed", None, None, release.batch))
            connection.commit()
    not_sent(app, school, release)
    assert approve(airflow, release)[0] == DONE
    assert delivered(airflow, app, release)


def test_nobody_but_a_leader_has_the_page_and_airflow_stores_nothing_of_it(
    airflow: Airflow, app: App, release: Release
) -> None:
    for login in ("viewer", "op", "admin", "officer", "supervisor"):
        with airflow.api(login) as api:
            assert api.page("/approval")[0] == httpx.codes.FORBIDDEN
    before = {run["dag_run_id"] for run in runs(airflow)}
    assert approve(airflow, release)[0] == DONE
    assert {run["dag_run_id"] for run in runs(airflow)} - before <= {
        run["dag_run_id"] for run in runs(airflow) if run["dag_run_id"].startswith(release.id)
    }
    with airflow.api() as api:
        events = api.call("GET", "eventLogs", limit=100, order_by="-id")["event_logs"]
    assert not [each for each in events if str(release.answers_sha256) in str(each) or each["owner"] == LEADER]
    assert delivered(airflow, app, release)


def test_nothing_that_a_viewer_can_fetch_tells_of_a_person(
    airflow: Airflow, app: App, school: DemoPartner, release: Release, clean: pl.DataFrame
) -> None:
    """Every route of Airflow, with every id that one of them tells: nobody who was asked about; nor is one in a log."""
    assert approve(airflow, release)[0] == DONE
    assert delivered(airflow, app, release)
    planted = [*clean["id_number"], *(name for name in clean["name"] if len(name) > 2)]
    with airflow.api() as api:
        of_release = [run["dag_run_id"] for run in api.runs("release") if run["dag_run_id"].startswith(release.id)]
    about = {"dag_id": ["release", "releases"], "dag_run_id": of_release, "task_id": ["send"]}
    given = {"username": "viewer", "password": airflow.users["viewer"]}
    with httpx.Client(base_url=airflow.base_url, timeout=120, trust_env=False) as client:
        specification = client.get("/openapi.json").json()
        client.headers["Authorization"] = f"Bearer {client.post('/auth/token', json=given).json()['access_token']}"
        fetched = Fetched(client, about)
        fetched.all(specification)
    assert len(fetched.texts) > 100
    assert any(release.batch in text for text in fetched.texts.values()), "what is about the batch was fetched"
    assert any("/logs/" in address and release.id in address for address in fetched.texts), "the tasks' logs, too"
    assert [address for address, text in fetched.texts.items() if any(each in text for each in planted)] == []
    logs = [path for path in airflow.folder.rglob("*.log") if any(each in path.read_text("utf-8") for each in planted)]
    assert logs == []


def runs(airflow: Airflow) -> list[dict[str, Any]]:
    with airflow.api() as api:
        return api.runs("release")
