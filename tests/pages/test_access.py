"""Each route as each account, made from the table of routes; tokens; headers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount

from exchange.pages.access import ROUTES, STATIC, Group, PageRoute
from exchange.pages.answering import HEADERS
from exchange.pages.forgery import holds, make_token
from tests.pages.conftest import ACCOUNTS, Pages
from tests.pages.reached import EXPECTED, OPEN


def ids(value: object) -> str | None:
    return value.name if isinstance(value, PageRoute) else None


def ask(pages: Pages, login: str | None, route: PageRoute) -> int:
    path = re.sub(r"\{\w+\}", "no.such", route.path)
    status, _ = pages.get(login, path) if route.method == "GET" else pages.post(login, path, batch="no.such", row="1")
    return status


def test_the_table_is_all_that_there_is(pages: Pages) -> None:
    found = {(route.path, *route.methods) for route in pages.application.routes if isinstance(route, APIRoute)}
    assert found == {(route.path, route.method) for route in ROUTES}
    others = [route for route in pages.application.routes if not isinstance(route, APIRoute)]
    assert [route.path for route in others if isinstance(route, Mount)] == [STATIC]
    assert len(others) == 1


@pytest.mark.parametrize("route", ROUTES, ids=ids)
@pytest.mark.parametrize("login", ACCOUNTS)
def test_each_route_as_each_account(pages: Pages, login: str, route: PageRoute) -> None:
    reached = route.name in EXPECTED[login] | OPEN
    assert reached == bool((pages.visitor(login).groups | {Group.ANYONE}) & route.groups)
    assert (ask(pages, login, route) not in (401, 403)) == reached


@pytest.mark.parametrize("route", ROUTES, ids=ids)
def test_nobody_anonymous(pages: Pages, route: PageRoute) -> None:
    assert (ask(pages, None, route) == 401) == (route.name not in OPEN)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "POST"], ids=ids)
@pytest.mark.parametrize("token", ["", "1.2", "²." + "0" * 64, "another"])
def test_no_write_without_a_token_of_the_own_account(pages: Pages, route: PageRoute, token: str) -> None:
    login = "leader" if Group.LEADER in route.groups else "officer"
    forged = pages.token("supervisor") if token == "another" else token
    assert pages.post(login, route.path, forged, batch="no.such", row="1")[0] == 403


def test_what_writes_is_no_get() -> None:
    words = {"approve_release", "return_release", "decide_stop", "decide_hold", "extend"}
    assert {route.name for route in ROUTES if route.fresh} == words
    writes = words | {
        "open_row",
        "decide_row",
        "undo_row",
        "open_objection",
        "propose_again",
        "sample",
        "search_register",
    }
    assert {route.name for route in ROUTES if route.method == "POST"} == writes
    assert all(route.groups for route in ROUTES)
    assert [route.name for route in ROUTES if Group.LOGGED_IN in route.groups] == ["start"]
    assert {route.name for route in ROUTES if Group.ANYONE in route.groups} == OPEN


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "POST"], ids=ids)
@pytest.mark.parametrize(("minutes", "fresh"), [(0, True), (14, True), (16, False), (9999, False)])
def test_a_leaders_word_needs_a_fresh_log_in(pages: Pages, route: PageRoute, minutes: int, fresh: bool) -> None:
    login = "leader" if Group.LEADER in route.groups else "officer"
    headers = {"x-login": login, "x-minutes": str(minutes)}
    answer = pages.client.post(route.path, headers=headers, data={"token": pages.token(login), "batch": "no.such"})
    refused = answer.status_code == 401 and "insufficient_user_authentication" in answer.headers["www-authenticate"]
    assert refused == (route.fresh and not fresh)
    assert ("重新登录" in answer.text) == refused


def test_a_page_says_that_the_log_in_is_old(pages: Pages) -> None:
    for minutes, told in ("1", False), ("20", True):
        answer = pages.client.get("/approval", headers={"x-login": "leader", "x-minutes": minutes})
        assert ("登录已逾 15 分钟" in answer.text) == told


def test_whoever_has_no_account_is_told_one_word(pages: Pages) -> None:
    assert pages.get(None, "/health") == (200, "ok\n")


def test_a_token_ends() -> None:
    key, now = b"k", datetime(2026, 11, 27, tzinfo=UTC)
    token = make_token(key, "officer", now)
    assert holds(key, "officer", token, now + timedelta(hours=11))
    assert not holds(key, "officer", token, now + timedelta(hours=13))
    assert not holds(key, "officer", token, now - timedelta(hours=1))
    assert not holds(key, "Officer", token, now)
    assert not holds(b"other", "officer", token, now)


@pytest.mark.parametrize("path", ["/", "/board", "/nothing", "/static/pages.css", "/static/pages.js"])
def test_every_answer_has_the_headers(pages: Pages, path: str) -> None:
    for login in (None, "op"):
        answer = pages.client.get(path, headers={} if login is None else {"x-login": login})
        assert all(answer.headers[name] == value for name, value in HEADERS.items())


def test_no_script_or_style_in_a_page_and_nothing_from_elsewhere(pages: Pages) -> None:
    for login, path in (("op", "/board"), ("officer", "/review"), ("leader", "/approval"), ("viewer", "/")):
        _, text = pages.get(login, path)
        assert not re.search(r"<script(?![^>]* src=\"/static/)|<style| style=| on\w+=|https?://", text)


def test_a_form_has_an_end(pages: Pages) -> None:
    assert pages.post("officer", "/review/open", batch="x" * 70_000)[0] == 413
    answer = pages.client.post("/review/open", headers={"x-login": "officer"}, content=b"\xff\xfe")
    assert answer.status_code == 400
