"""The pages behind real Airflow's log-in: who is nobody gets nothing, and each role what the table of routes says."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from exchange.demo.servers.airflow import Airflow
from exchange.pages.access import ROUTES, Group
from exchange.pages.guesses import TRIES
from tests.airflow.forged import RIGHT, headers, tokens
from tests.pages.reached import asked_of, check_routes

LOGINS = ("viewer", "op", "admin", "leader", "officer", "supervisor")
"""Beside operators all have Airflow's role Viewer: what more they may, the office's own settings say."""


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x.y.z"}, {"Cookie": "_token=x.y.z"}])
def test_nobody_reaches_a_page_without_a_log_in(airflow: Airflow, headers: dict[str, str]) -> None:
    for route in ROUTES:
        status, text = asked_of(airflow.base_url, headers, route.method, route.path)
        if Group.ANYONE in route.groups:
            assert (route.name, status, text) in (("health", 200, "ok\n"), ("health", 503, "not ok\n"))
        else:
            assert status in (401, 403)


@pytest.mark.parametrize("login", LOGINS)
def test_each_account_as_the_table_says(airflow: Airflow, login: str) -> None:
    check_routes(airflow.base_url, login, airflow.users[login], login)


def token_of(airflow: Airflow, login: str) -> str:
    given = {"username": login, "password": airflow.users[login]}
    answer = httpx.post(f"{airflow.base_url}/auth/token", json=given, timeout=60, trust_env=False)
    token: str = answer.json()["access_token"]
    return token


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer {}"}, {"Cookie": "_token={}"}])
def test_no_header_of_a_proxy_makes_anybody_a_leader(airflow: Airflow, given: dict[str, str]) -> None:
    token = token_of(airflow, "viewer")
    own = {name: text.format(token) for name, text in given.items()}
    for route in ROUTES:
        if Group.LEADER in route.groups:
            status, _ = asked_of(airflow.base_url, own | headers("leader"), route.method, route.path)
            assert status in ((403,) if given else (401, 403)), route


def test_no_token_but_the_log_ins_own_is_taken(airflow: Airflow) -> None:
    """Alone, as a cookie, and beside a log-in of somebody else's, whose name it would change."""
    viewer = token_of(airflow, "viewer")
    for kind, token in tokens("leader", viewer, airflow.folder):
        alone = ({"Authorization": f"Bearer {token}"}, {"Cookie": f"_token={token}"})
        beside = (
            {"Authorization": f"Bearer {viewer}", "Cookie": f"_token={token}"},
            {"Authorization": f"Bearer {token}", "Cookie": f"_token={viewer}"},
        )
        for given in alone if kind == RIGHT else alone + beside:
            status, _ = asked_of(airflow.base_url, given, "GET", "/approval")
            assert (status == 200) == (kind == RIGHT), (kind, status, *given)


@pytest.mark.parametrize("kind", ["header", "cookie"])
def test_the_pages_know_when_the_leader_logged_in(airflow: Airflow, kind: str) -> None:
    token = token_of(airflow, "leader")
    given = {"Authorization": f"Bearer {token}"} if kind == "header" else {"Cookie": f"_token={token}"}
    status, text = asked_of(airflow.base_url, given, "GET", "/approval")
    assert status == 200
    assert "登录已逾" not in text, "a moment ago"
    assert 'data-login="/api/v2/auth/logout"' in text


def test_the_server_that_shows_rows_leaves_no_core(airflow: Airflow) -> None:
    """It would hold the rows that were opened; where cores go to a program, 1 byte is the limit that is heeded."""
    assert asked_of(airflow.base_url, {}, "GET", "/health")[0] in (200, 503)
    pid = (airflow.folder / "api-server.pid").read_text().split()[0]
    (line,) = [line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith("Max core")]
    assert line.split()[4:6] in (["1", "1"], ["0", "0"]), "and none may raise it again"


def test_the_ui_knows_the_views(airflow: Airflow) -> None:
    with airflow.api() as api:
        plugins = api.call("GET", "plugins")["plugins"]
    (ours,) = [each for each in plugins if each["name"] == "exchange_pages"]
    assert {view["destination"] for view in ours["external_views"]} == {"nav", "dag", "dag_run"}


def test_guesses_where_programs_log_in_are_limited_and_lock_out_nobody_else(airflow: Airflow) -> None:
    """From an address of its own, so that this module's other log-ins are somebody else's."""
    guesser = httpx.HTTPTransport(local_address="127.0.0.9")
    with httpx.Client(base_url=airflow.base_url, transport=guesser, timeout=60, trust_env=False) as client:
        for number in range(12):
            answer = client.post("/auth/token", json={"username": "op", "password": f"guess {number}"})
            assert answer.status_code == (401 if number < TRIES else 429)
        assert client.get("/api/v2/version").status_code == 200
    right = {"username": "op", "password": airflow.users["op"]}
    assert httpx.post(f"{airflow.base_url}/auth/token", json=right, timeout=60, trust_env=False).status_code == 201
