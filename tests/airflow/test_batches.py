"""Real Airflow: a whole batch in each lane, a refusal, a failure and the operator's *Clear*; and nobody's data in its
database or logs.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from http.server import HTTPServer
from typing import Any

import httpx
import polars as pl
import psycopg
import pytest

from exchange.app import App
from exchange.base.duty import RUNS, WATCH, Duties
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner, month
from exchange.demo.province.people import make_people
from exchange.demo.servers.airflow import Airflow
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import PARTNERS, SEED, World
from exchange.intake.collect import poll
from exchange.intake.lanes import Lane
from exchange.register import State
from tests.canary.forms import named

from .servers import Webhook, serving, uncollected

ITEMS = ("id_number", "name", "sex")
SECONDS = 600
TODAY = office_day(datetime.now(UTC))
_numbers = itertools.count(1)


@pytest.fixture
def app(airflow_world: World) -> Iterator[App]:
    with App.open("test", airflow_world.config) as opened:
        yield opened


@pytest.fixture
def court(airflow_world: World) -> DemoPartner:
    return demo_partner(airflow_world, PARTNERS[0])


@pytest.fixture(scope="module")
def canary() -> dict[str, str]:
    """A person whose number and name must be found nowhere but in the partner's and the office's encrypted or
    archived files.
    """
    person = next(make_people(SEED, 3000)).filter(pl.col("oddity") == "").row(7, named=True)
    return {"id_number": person["id_number"], "name": person["name"], "sex": person["sex"]}


def make_request(
    court: DemoPartner, person: dict[str, str], data: bytes | None = None, *, cycle: str = "monthly"
) -> Request:
    """A monthly one takes the common lane, one that is ad hoc the immediate one."""
    rows = [f"R1,{person['id_number']},{person['name']},{person['sex']}", "R2,,,"]
    sound = ("row_ref,id_number,name,sex\n" + "\n".join(rows) + "\n").encode()
    return Request(
        f"{court.id}.airflow-{next(_numbers)}",
        cycle,
        month(TODAY) if cycle == "monthly" else str(TODAY),
        "case_handling",
        "刑事诉讼法第二百八十六条",
        ITEMS,
        2,
        data or sound,
    )


def collect(airflow: Airflow, ends: Collection[str] = ("success",)) -> None:
    """Lets the collector look now; by itself it looks each minute. Its run ends in one of these states."""
    with airflow.api() as api:
        run_id = f"now-{next(_numbers)}"
        api.trigger("collect", run_id)
        assert api.wait_for_run("collect", run_id, SECONDS) in ends


def ended(airflow: Airflow, batch: str, lane: str = Lane.BATCH) -> str:
    with airflow.api() as api:
        assert wait_for(lambda: batch in {run["dag_run_id"] for run in api.runs(lane)}, SECONDS)
        return api.wait_for_run(lane, batch, SECONDS)


def tasks(airflow: Airflow, batch: str, lane: str = Lane.BATCH) -> dict[str, str]:
    with airflow.api() as api:
        return {task["task_id"]: task["state"] for task in api.task_instances(lane, batch)}


def test_a_whole_batch(airflow: Airflow, app: App, court: DemoPartner, canary: dict[str, str]) -> None:
    request = make_request(court, canary)
    court.drop(court.make_set(request))
    collect(airflow)
    assert ended(airflow, request.batch) == "success"
    assert court.result(request.batch).manifest["answers"]["sex"] == {"consistent": 1, "not_answered": 1}
    steps = app.register.transitions(request.batch)
    assert [step.to_state for step in steps] == ["claimed", "accepted", "sealed", "delivered", "closed"]
    assert all(step.actor.startswith("airflow:") for step in steps)


def test_a_refused_set_ends_well_after_its_receipt(
    airflow: Airflow, court: DemoPartner, canary: dict[str, str]
) -> None:
    request = make_request(court, canary, b"row_ref,id_number,name,sex,surprise\n")
    court.drop(court.make_set(request))
    collect(airflow)
    assert ended(airflow, request.batch) == "success"
    assert tasks(airflow, request.batch) == {"receive": "success", "process": "skipped", "deliver": "skipped"}
    assert court.verified(f"{request.batch}.receipt.json")["refusal"]["code"] == "column_unknown"


def test_a_failure_and_the_operators_clear(
    airflow: Airflow, airflow_world: World, app: App, court: DemoPartner, canary: dict[str, str]
) -> None:
    key = airflow_world.office_keys / "encrypt.key"
    request = make_request(court, canary)
    key.chmod(0o644)  # a key that others may read: for a person, no retry
    try:
        court.drop(court.make_set(request))
        collect(airflow)
        assert ended(airflow, request.batch) == "failed"
    finally:
        key.chmod(0o600)
    assert app.register.batch(request.batch).state is State.CLAIMED
    assert f"{request.batch}.receipt.json" not in court.answers()
    with airflow.api("op") as operator:
        lines = operator.log("batch", request.batch, "receive")
        log = str(lines)
        assert "a person must look" in log
        assert "须人工处理：设置、密钥或规则表有问题" in log
        assert "0600" in log
        assert not [line for line in lines if line.get("error_detail")], "no trace stands behind the sentence"
        for path in ("/board?state=failed", f"/batch/{request.batch}"):
            status, text = operator.page(path)
            assert status == httpx.codes.OK
            assert "设置、密钥或规则表有问题" in text
            assert "make it 0600" in text
        note = operator.run("batch", request.batch)["note"]
        assert "长春市中级人民法院" in note
        assert "2 行" in note
        operator.clear("batch", request.batch, note="key put in order")
    assert ended(airflow, request.batch) == "success"
    with airflow.api("op") as operator:
        assert "make it 0600" not in operator.page(f"/batch/{request.batch}")[1], "it is over"
    with airflow.api() as api:
        tries = {task["task_id"]: task["try_number"] for task in api.task_instances("batch", request.batch)}
    assert tries["receive"] == 2
    assert court.result(request.batch).manifest["rows_out"] == 2
    assert app.register.batch(request.batch).state is State.CLOSED


@pytest.mark.parametrize(("dag_id", "task"), [("batch", "receive"), ("immediate", "answer"), ("release", "send")])
def test_a_run_by_hand_that_is_called_otherwise_says_how_it_is_called(airflow: Airflow, dag_id: str, task: str) -> None:
    run_id = f"manual__{next(_numbers)}"
    with airflow.api("op") as operator:
        operator.trigger(dag_id, run_id, {"batch": "court-changchun.airflow-1"})
        assert operator.wait_for_run(dag_id, run_id, SECONDS) == "failed"
        log = str(operator.log(dag_id, run_id, task))
    assert "须人工处理：运行编号不是批次号" in log
    assert "clear this task" not in log


def test_a_failed_run_is_left_to_a_person_and_one_that_ended_before_its_batch_is_taken_up(
    airflow: Airflow, airflow_world: World, app: App
) -> None:
    """The register decides what is owed, not what Airflow's database says, which may be of another moment."""
    key = airflow_world.office_keys / "encrypt.key"
    key.chmod(0o644)
    try:
        batch = claimed_before(airflow, airflow_world, app, timedelta(minutes=20))
        collect(airflow)
        assert ended(airflow, batch) == "failed"
        look_for_what_stands_still(airflow, app)
        with airflow.api() as api:
            assert api.run(Lane.BATCH, batch)["state"] == "failed"
    finally:
        key.chmod(0o600)
    with airflow.api() as api:
        api.call("PATCH", f"dags/{Lane.BATCH}/dagRuns/{batch}", {"state": "success"})
    assert app.register.batch(batch).state is State.CLAIMED
    look_for_what_stands_still(airflow, app)
    assert wait_for(lambda: app.register.batch(batch).state is State.CLOSED, SECONDS)
    assert ended(airflow, batch) == "success"


@pytest.mark.parametrize("of", [{"run_after": "2039-01-01T00:00:00Z"}, {"logical_date": "2039-01-01T00:00:00Z"}])
def test_a_run_of_a_date_to_come_is_told_and_once_it_is_deleted_another_begins(
    airflow: Airflow, airflow_world: World, app: App, of: dict[str, str]
) -> None:
    """No other run may be called as its batch, which else would wait for that date."""
    batch = f"{PARTNERS[2].id}.airflow-{next(_numbers)}"
    with airflow.api("op") as operator:
        operator.call(
            "POST", f"dags/{Lane.BATCH}/dagRuns", {"dag_run_id": batch, "logical_date": None, "conf": {}} | of
        )
        claimed_before(airflow, airflow_world, app, timedelta(minutes=20), batch)
        look_for_what_stands_still(airflow, app, {"failed", "success"})
        looks = [look["dag_run_id"] for look in operator.runs("collect") if look["state"] == "failed"]
        assert f"{batch}：其运行的日期在将来" in str([operator.log("collect", look, "poll_folders") for look in looks])
        assert app.register.batch(batch).state is State.CLAIMED
        operator.call("PATCH", f"dags/{Lane.BATCH}/dagRuns/{batch}", {"state": "failed"})  # a running one stays
        operator.call("DELETE", f"dags/{Lane.BATCH}/dagRuns/{batch}")
    assert wait_for(lambda: app.register.batch(batch).state is State.CLOSED, SECONDS)


def test_a_run_that_failed_before_its_set_came_is_taken_up(airflow: Airflow, airflow_world: World, app: App) -> None:
    batch = f"{PARTNERS[2].id}.airflow-{next(_numbers)}"
    with airflow.api("op") as operator:
        operator.trigger(Lane.BATCH, batch)
        assert operator.wait_for_run(Lane.BATCH, batch, SECONDS) == "failed"
    with in_database(airflow_world, "airflow") as database:
        database.execute("UPDATE dag_run SET end_date = end_date - interval '1 hour' WHERE run_id = %s", (batch,))
    claimed_before(airflow, airflow_world, app, timedelta(minutes=20), batch)
    look_for_what_stands_still(airflow, app)
    assert wait_for(lambda: app.register.batch(batch).state is State.CLOSED, SECONDS)


def claimed_before(airflow: Airflow, airflow_world: World, app: App, ago: timedelta, called: str | None = None) -> str:
    """A batch that was claimed so long ago, of a partner that may not ask ad hoc: no lookout takes it meanwhile."""
    social, data = demo_partner(airflow_world, PARTNERS[2]), b"row_ref,id_number,name,sex\nR1,,,\n"
    batch, basis = called or f"{social.id}.airflow-{next(_numbers)}", "社会保险法第七十四条"
    request = Request(batch, "monthly", month(TODAY), "pension", basis, ITEMS, 1, data)
    with uncollected(airflow):
        social.drop(social.make_set(request))
        poll(App(app.settings, app.register, lambda: app.now() - ago))
    assert app.now() - app.register.batch(batch).received_at >= ago, "the test claimed it, nobody else"
    return batch


def look_for_what_stands_still(airflow: Airflow, app: App, ends: Collection[str] = ("success",)) -> None:
    """As the collector does by itself each ten minutes; its run ends in one of these states."""
    asked = Duties.of_home(app.settings.home).folder / RUNS
    asked.unlink(missing_ok=True)
    collect(airflow, ends)
    assert wait_for(asked.exists, SECONDS)


def test_airflows_own_alert_wakes_the_watch_of_a_batch_that_is_stuck_beyond_its_due_day(
    airflow: Airflow, airflow_world: World, app: App
) -> None:
    key = airflow_world.office_keys / "encrypt.key"
    key.chmod(0o644)
    try:
        batch = claimed_before(airflow, airflow_world, app, timedelta(days=30))
        collect(airflow)
        assert ended(airflow, batch) == "failed"
        assert wait_for(lambda: batch in late(app), SECONDS)
    finally:
        key.chmod(0o600)
    with airflow.api("op") as operator:
        operator.clear("batch", batch, note="key put in order")
    assert ended(airflow, batch) == "success"


def late(app: App) -> set[str]:
    return {each.subject for each in app.register.alerts.find(untold=True) if each.code == "late"}


def test_the_watch_tells_the_office(airflow: Airflow, app: App) -> None:
    """What the test before left in the register, by a webhook; once, also where the hour's own watch comes between."""
    untold = late(app)
    assert untold
    with serving(HTTPServer, Webhook) as (port, received), airflow.api() as api:
        body = {"connection_id": "exchange_alerts", "conn_type": "http", "host": "http://127.0.0.1", "port": port}
        api.call("POST", "connections", body)
        run_id = f"watch-{next(_numbers)}"
        api.trigger("deadline_watch", run_id)
        assert api.wait_for_run("deadline_watch", run_id, SECONDS) == "success"
        api.call("DELETE", "connections/exchange_alerts")
    messages = [json.loads(each)["body"]["text"]["content"] for each in received]
    assert all([batch in message for message in messages].count(True) == 1 for batch in untold)
    assert late(app) == set()
    assert app.register.configuration.known() != [], "the ledger was told what the answers are decided by"
    assert Duties.of_home(app.settings.home).last(WATCH) is not None


def test_clearing_a_finished_batch_delivers_nothing_new(
    airflow: Airflow, app: App, court: DemoPartner, canary: dict[str, str]
) -> None:
    request = make_request(court, canary)
    court.drop(court.make_set(request))
    collect(airflow)
    assert ended(airflow, request.batch) == "success"
    before = {name: court.fetch(name).read_bytes() for name in court.answers() if name.startswith(request.batch)}
    with airflow.api("op") as operator:
        operator.clear("batch", request.batch, only_failed=False)
    assert ended(airflow, request.batch) == "success"
    assert {name: court.fetch(name).read_bytes() for name in before} == before
    assert len(app.register.transitions(request.batch)) == 5


def test_a_small_ad_hoc_set_is_found_and_answered_in_one_task_without_a_sweep(
    airflow: Airflow, app: App, court: DemoPartner, canary: dict[str, str]
) -> None:
    request = make_request(court, canary, cycle="ad_hoc")
    with uncollected(airflow):
        court.drop(court.make_set(request))
        assert ended(airflow, request.batch, Lane.IMMEDIATE) == "success"
    assert tasks(airflow, request.batch, Lane.IMMEDIATE) == {"answer": "success"}
    assert court.result(request.batch).manifest["answers"]["sex"] == {"consistent": 1, "not_answered": 1}
    collect(airflow)  # the sweep behind it starts nothing a second time
    with airflow.api() as api:
        assert request.batch not in {run["dag_run_id"] for run in api.runs(Lane.BATCH)}
    steps = app.register.transitions(request.batch)
    assert [step.to_state for step in steps] == ["claimed", "accepted", "sealed", "delivered", "closed"]
    actors = [step.actor for step in steps]
    assert actors[0].startswith("airflow:lookout.watch#")
    assert set(actors[1:]) <= {"airflow:lookout.watch#1", "airflow:immediate.answer#1"}, "a resident worker, or its run"


def test_a_failure_in_the_immediate_lane_and_the_operators_clear(
    app: App, airflow: Airflow, court: DemoPartner, canary: dict[str, str]
) -> None:
    """What is missing is a snapshot, not a key: a resident worker that lives on still has the key that it read."""
    current = app.settings.snapshots / "population" / "current"
    aside = current.with_name("aside")
    request = make_request(court, canary, cycle="ad_hoc")
    current.rename(aside)
    try:
        court.drop(court.make_set(request))
        assert ended(airflow, request.batch, Lane.IMMEDIATE) == "failed"
    finally:
        aside.rename(current)
    with airflow.api("op") as operator:
        operator.clear(Lane.IMMEDIATE, request.batch, note="snapshot put in place")
    assert ended(airflow, request.batch, Lane.IMMEDIATE) == "success"
    assert court.result(request.batch).manifest["rows_out"] == 2


def test_a_viewer_may_look_and_not_clear(airflow: Airflow) -> None:
    with airflow.api("viewer") as viewer:
        batch = viewer.runs("batch")[0]["dag_run_id"]
        with pytest.raises(httpx.HTTPStatusError, match="403"):
            viewer.clear("batch", batch, only_failed=False)


def test_no_route_of_the_api_answers_the_anonymous(airflow: Airflow) -> None:
    for path in ("dags", "dags/batch/dagRuns", "eventLogs", "variables", "connections"):
        assert httpx.get(f"{airflow.base_url}/api/v2/{path}", timeout=60).status_code == httpx.codes.UNAUTHORIZED


def test_the_nightly_run_finds_nothing_new(airflow: Airflow) -> None:
    with airflow.api() as api:
        run_id = f"night-{next(_numbers)}"
        api.trigger("snapshots", run_id)
        assert api.wait_for_run("snapshots", run_id, SECONDS) == "success"


def test_nobodys_data_is_in_databases_logs_or_names(
    airflow: Airflow, airflow_world: World, canary: dict[str, str]
) -> None:
    """Runs last: after a whole batch, a refusal and a failure with the canary's data in them."""
    words = [canary["id_number"], canary["name"], canary["id_number"][6:14]]
    for database, tables in SEARCHED.items():
        text = {table: "\n".join(rows) for table, rows in database_text(airflow_world, database)}
        assert text.keys() >= tables
        assert any("court-changchun.airflow-1" in rows for rows in text.values()), "it does search where batches are"
        assert {table: found for table, rows in text.items() if (found := named(words, rows))} == {}
    searched = 0
    for path in airflow_world.root.rglob("*"):
        assert named(words, path.name) == [], "a file's name"
        if path.is_file() and (path.suffix == ".log" or "logs" in path.parts):
            searched += 1
            content = path.read_text(encoding="utf-8", errors="replace")
            assert named(words, content) == [], path.name
    assert searched > 10


SEARCHED = {
    "airflow": {"dag_run", "task_instance", "xcom", "rendered_task_instance_fields", "log"},
    "exchange": {"batch", "file", "ledger"},
}
"""Database → tables that must be among those that are searched: run conf, what tasks return, rendered fields, audit."""


def in_database(world: World, database: str) -> psycopg.Connection[Any]:
    """A connection, for the length of a block."""
    address = {"host": "127.0.0.1", "port": world.postgres.port, "user": database, "dbname": database}
    return psycopg.connect(**address, passfile=str(world.postgres.password_file))  # type: ignore[arg-type]


def database_text(world: World, database: str) -> Iterator[tuple[str, list[str]]]:
    """Each table, and every row of it as text."""
    with in_database(world, database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            query = psycopg.sql.SQL("SELECT t::text FROM {} t").format(psycopg.sql.Identifier(table))
            yield table, [row for (row,) in connection.execute(query)]
