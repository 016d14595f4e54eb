"""The pages behind real Airflow's log-in: who is nobody gets nothing, and each role what the table of routes says."""

from __future__ import annotations

import re

import httpx
import pytest

from exchange.demo.servers.airflow import Airflow
from exchange.pages.access import ROUTES, Group
from tests.pages.reached import EXPECTED, OPEN

LOGINS = ("viewer", "op", "admin", "leader", "officer", "supervisor")
"""Beside operators all have Airflow's role Viewer: what more they may, the office's own settings say."""


def ask(airflow: Airflow, headers: dict[str, str], method: str, path: str) -> tuple[int, str]:
    url = f"{airflow.base_url}/exchange{re.sub(r'{.*}', 'no.such', path)}"
    answer = httpx.request(method, url, headers=headers, timeout=60, trust_env=False)
    return answer.status_code, answer.text


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x.y.z"}, {"Cookie": "_token=x.y.z"}])
def test_nobody_reaches_a_page_without_a_log_in(airflow: Airflow, headers: dict[str, str]) -> None:
    for route in ROUTES:
        status, text = ask(airflow, headers, route.method, route.path)
        if Group.ANYONE in route.groups:
            assert (route.name, status, text) in (("health", 200, "ok\n"), ("health", 503, "not ok\n"))
        else:
            assert status in (401, 403)


@pytest.mark.parametrize("login", LOGINS)
def test_each_account_as_the_table_says(airflow: Airflow, login: str) -> None:
    given = {"username": login, "password": airflow.users[login]}
    token = httpx.post(f"{airflow.base_url}/auth/token", json=given, timeout=60, trust_env=False).json()["access_token"]
    for route in ROUTES:
        status, _ = ask(airflow, {"Authorization": f"Bearer {token}"}, route.method, route.path)
        if route.method == "POST":
            assert status == 403, "no token against forgery"
        else:
            assert (status != 403) == (route.name in EXPECTED[login] | OPEN)


@pytest.mark.parametrize("kind", ["header", "cookie"])
def test_the_pages_know_when_the_leader_logged_in(airflow: Airflow, kind: str) -> None:
    given = {"username": "leader", "password": airflow.users["leader"]}
    token = httpx.post(f"{airflow.base_url}/auth/token", json=given, timeout=60, trust_env=False).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"} if kind == "header" else {"Cookie": f"_token={token}"}
    status, text = ask(airflow, headers, "GET", "/approval")
    assert status == 200
    assert "登录已逾" not in text, "a moment ago"
    assert 'data-login="/api/v2/auth/logout"' in text


def test_the_ui_knows_the_views(airflow: Airflow) -> None:
    with airflow.api() as api:
        plugins = api.call("GET", "plugins")["plugins"]
    (ours,) = [each for each in plugins if each["name"] == "exchange_pages"]
    assert {view["destination"] for view in ours["external_views"]} == {"nav", "dag", "dag_run"}
