"""Each route as each account, made from the table of routes; tokens; headers."""

from __future__ import annotations

import re
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.routing import Mount

from exchange.pages import answering, application
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


def test_each_route_has_its_page_and_is_reached_by_somebody() -> None:
    """Before any is served: a route's function stands in the ``PAGES`` of a module that ``application.py`` names."""
    named = {route.name for route in ROUTES}
    made = set(application.PAGES) | set(application.OPEN)
    assert not named - made, "no function of that name"
    assert not made - named, "no route leads to it: exchange/pages/access.py"
    assert named == OPEN.union(*EXPECTED.values()), "who reaches it, by hand: tests/pages/reached.py"


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
    status = ask(pages, login, route)
    assert (status not in (401, 403)) == reached
    assert status < 500, "the page fails"


@pytest.mark.parametrize("route", ROUTES, ids=ids)
def test_nobody_anonymous(pages: Pages, route: PageRoute) -> None:
    assert (ask(pages, None, route) == 401) == (route.name not in OPEN)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "POST"], ids=ids)
@pytest.mark.parametrize("token", ["", "1.2", "²." + "0" * 64, "another"])
def test_no_write_without_a_token_of_the_own_account(pages: Pages, route: PageRoute, token: str) -> None:
    login = "leader" if Group.LEADER in route.groups else "officer"
    forged = pages.token("supervisor") if token == "another" else token
    assert pages.post(login, route.path, forged, batch="no.such", row="1")[0] == 403


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "SEARCH"])
def test_another_method_does_and_shows_nothing(pages: Pages, method: str) -> None:
    for route in ROUTES:
        path = re.sub(r"\{\w+\}", "no.such", route.path)
        for login in (None, who_may(route)):
            headers = {} if login is None else {"x-login": login}
            fields = {"token": pages.token(login or ""), "batch": "no.such", "_method": "POST"}
            headers |= {"x-http-method-override": route.method}
            answer = pages.client.request(method, path, headers=headers, data=fields, follow_redirects=False)
            assert answer.status_code in (404, 405), (route, login)


def who_may(route: PageRoute) -> str | None:
    return next((each for each in ACCOUNTS if route.name in EXPECTED[each]), None)


def who_may_not(route: PageRoute) -> str | None:
    return next((each for each in ACCOUNTS if route.name not in EXPECTED[each]), None)


def odd_ways(path: str) -> set[str]:
    """Other ways to write a path."""
    first, _, rest = path.removeprefix("/").partition("/")
    more = (
        {f"/{first}//{rest}", f"/{first}%2f{rest}", f"/{first}/./{rest}", f"/x/..%2f{first}/{rest}"} if rest else set()
    )
    plain = {f"/{path}", f"{path}/", f"{path};x", f"{path}%00", f"{path}%20", f"{path}.json", f"/.{path}", path.upper()}
    return (plain | more) - {path, "//"}


def test_another_way_to_write_an_address_leads_nobody_who_may_not_to_a_page(pages: Pages) -> None:
    for route in ROUTES:
        path = re.sub(r"\{\w+\}", "no.such", route.path)
        for way in odd_ways(path):
            for login in (None, who_may_not(route)) if route.name not in OPEN else ():
                headers = {} if login is None else {"x-login": login}
                fields = {"token": pages.token(login or ""), "batch": "no.such"}
                sent = None if route.method == "GET" else fields
                url = f"{str(pages.client.base_url).rstrip('/')}{way}"
                answer = pages.client.request(route.method, url, headers=headers, data=sent, follow_redirects=False)
                assert answer.status_code >= 400, (way, login)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "POST"], ids=ids)
def test_who_reloads_what_a_form_opened_is_led_to_the_form(pages: Pages, route: PageRoute) -> None:
    login = next(each for each in ACCOUNTS if route.name in EXPECTED[each])
    answer = pages.client.get(route.path, headers={"x-login": login}, follow_redirects=False)
    section = route.path.rpartition("/")[0]
    if any((each.method, each.path) == ("GET", section) for each in ROUTES):
        assert (answer.status_code, answer.headers["location"]) == (303, section)
        assert pages.get(login, section)[0] == 200
    else:
        assert answer.status_code in (200, 404)


def test_no_browser_keeps_what_is_typed_into_a_form_or_chosen_in_it() -> None:
    """Neither for the next who works at this screen nor, after a reload, for another row."""
    templates = Path(answering.__file__).parent / "templates"
    forms = [form for path in templates.glob("*.html") for form in re.findall(r"<form[^>]*>", path.read_text("utf-8"))]
    posted = [form for form in forms if 'method="post"' in form]
    assert posted
    assert [form for form in posted if 'autocomplete="off"' not in form] == []


def test_what_writes_is_no_get() -> None:
    words = {"approve_release", "return_release", "decide_stop", "decide_hold", "extend", "decide_extension"}
    assert {route.name for route in ROUTES if route.fresh} == words
    writes = words | {
        "open_row",
        "open_next",
        "leave_row",
        "hand_row",
        "see_alike",
        "decide_alike",
        "propose_stop",
        "propose_extension",
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


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "POST"], ids=ids)
def test_a_page_that_stood_open_over_night_is_to_be_opened_again(pages: Pages, route: PageRoute) -> None:
    """It is the reader's all the same, and they are not told that it is none of theirs."""
    login = next(login for login in ACCOUNTS if pages.visitor(login).groups & route.groups)
    old = make_token(pages.context.key, login, pages.context.app.now() - timedelta(hours=13))
    answer = pages.client.post(route.path, headers={"x-login": login}, data={"token": old, "batch": "no.such"})
    assert answer.status_code == 403
    assert "此页打开过久，请重新打开此页" in answer.text
    assert "无权" not in answer.text


def test_an_error_leads_back_to_what_the_reader_may_open_and_nowhere_else(pages: Pages) -> None:
    for login, path, back in (("officer", "/review/open", True), ("leader", "/review/open", False)):
        _, text = pages.post(login, path, batch="no.such", row="1")
        assert ('href="/review"' in text) == back
    status, text = pages.get("officer", "/approval")
    assert (status, 'href="/review"' in text, 'href="/approval"' in text) == (403, True, False)


@pytest.mark.parametrize("path", ["/", "/board", "/nothing", "/static/pages.css", "/static/pages.js"])
def test_every_answer_has_the_headers(pages: Pages, path: str) -> None:
    for login in (None, "op"):
        answer = pages.client.get(path, headers={} if login is None else {"x-login": login})
        assert all(answer.headers[name] == value for name, value in HEADERS.items())


@pytest.mark.parametrize(
    ("login", "path", "here"),
    [("viewer", "/", None), ("op", "/board?page=1", "/board"), ("op", "/batch/no.such", "/board"),
     ("officer", "/review", "/review"), ("officer", "/returned/no.such", "/review"),
     ("officer", "/objection", "/objection"), ("leader", "/approval/no.such", "/approval"),
     ("supervisor", "/supervision", "/supervision"), ("op", "/search", "/search"), ("op", "/no.such", None)],
)  # fmt: skip
def test_the_link_to_where_one_is_says_so(pages: Pages, login: str, path: str, here: str | None) -> None:
    marked = re.findall(r'<a href="([^"]*)" aria-current="true">', pages.get(login, path)[1])
    assert marked == ([] if here is None else [here])


def test_no_script_or_style_in_a_page_and_nothing_from_elsewhere(pages: Pages) -> None:
    for login, path in (("op", "/board"), ("officer", "/review"), ("leader", "/approval"), ("viewer", "/")):
        _, text = pages.get(login, path)
        assert not re.search(r"<script(?![^>]* src=\"/static/)|<style| style=| on\w+=|https?://", text)


QUERY = ("batch", "opened", "page")
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"\xff\xfe", FORM, 400),
        (b"batch=" + b"x" * 70_000, FORM, 413),
        (b"token={own}&batch=no.such&row=1", FORM, 404),
        (b"token={own}&batch=no.such&row=1", f"{FORM}; charset=UTF-8", 404),
        (b"token={own}&batch=no.such&row=1", "text/plain", 415),
        (b"token={own}&batch=no.such&row=1", "", 415),
        (b'{"token": "{own}"}', "application/json", 415),
        (b"token=x&token={own}&batch=no.such&row=1", FORM, 400),
        (b"token={own}&batch=no.such&batch=other&row=1", FORM, 400),
        (b"", "", 403),
    ],
)
def test_a_form_is_what_a_browser_sends_once_and_has_an_end(
    pages: Pages, content: bytes, kind: str, status: int
) -> None:
    sent = content.replace(b"{own}", pages.token("officer").encode())
    headers = {"x-login": "officer"} | ({"content-type": kind} if kind else {})
    assert pages.client.post("/review/open", headers=headers, content=sent).status_code == status


MARKUP = "<i>x"
ODD = ("\0", "no.such\0", "1" * 5000, "²", "../../office.toml", "a\r\nb", MARKUP, "\ud800", "x.release-" + "9" * 40)
FIELDS = ("batch", "row", "release", "version", "number", "letter", "period", "note", "why", "only", "causes", "shown")
SOUND = dict.fromkeys(FIELDS, "no.such") | {"row": "1"}


class Heard(UserDict[str, str]):
    """A form's fields that notes which of them are asked for."""

    def __init__(self, fields: Mapping[str, str], names: set[str]) -> None:
        self.names: set[str] = set()  # what is put in now is asked for by nobody
        super().__init__(fields)
        self.names = names

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return name in self.data

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self.data[name]

    def __iter__(self) -> Iterator[str]:
        self.names.update(self.data)
        return iter(self.data)


@pytest.fixture(scope="module")
def asked_for(office_pages: Callable[[], Pages]) -> dict[str, set[str]]:
    """Route → the fields of ``FIELDS`` that it asks for where all say what is sound: what another one says makes no
    difference, as nobody hears it.
    """
    pages, found, read = office_pages(), {}, answering.form
    for route in ROUTES:
        names: set[str] = set()

        async def heard(request: Request, names: set[str] = names) -> Heard:
            return Heard(await read(request), names)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(answering, "form", heard)
            if route.method == "POST":
                pages.post(who_may(route), route.path, **SOUND)
        found[route.name] = names & set(FIELDS)
    return found


def test_what_a_route_asks_for_is_noted(asked_for: dict[str, set[str]]) -> None:
    assert asked_for["open_row"] == {"batch", "row"}
    assert asked_for["return_release"] >= {"release"}
    never = set(FIELDS) - set().union(*asked_for.values())
    assert never == {"note", "shown", "version", "why"}, "asked for of what is there alone, which nothing is here"


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_no_text_in_an_address_or_a_field_is_an_error_that_nobody_foresaw(
    pages: Pages, asked_for: dict[str, set[str]], text: str
) -> None:
    """Of each route, as somebody who may: every part of its path, a query, each field of its form, and one that it does
    not ask for.
    """
    written = quote(text.encode("utf-8", "surrogatepass"), safe="")
    for route in ROUTES:
        login = who_may(route)
        if route.method == "GET":
            paths = {re.sub(r"\{\w+\}", written, route.path), *(f"{route.path}?{name}={written}" for name in QUERY)}
            found = [pages.get(login, path) for path in paths]
        else:
            own = f"token={pages.token(login or '')}"  # at the end, so that an & stands behind each field
            names = [*asked_for[route.name], "unheard"]
            bodies = [urlencode(SOUND | {name: ""}).replace(f"{name}=&", f"{name}={written}&") for name in names]
            headers = {"x-login": login or "", "content-type": FORM}
            asked = [pages.client.post(route.path, headers=headers, content=f"{each}&{own}") for each in bodies]
            found = [(each.status_code, each.text) for each in asked]
        for status, said in found:
            assert status < 500, route
            assert MARKUP not in said, route


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_address_leads_to_where_the_host_header_says(pages: Pages, method: str) -> None:
    for route in ROUTES:
        for login in (None, "op", "leader"):
            headers = {"host": "elsewhere.example"} | ({} if login is None else {"x-login": login})
            answer = pages.client.request(method, f"{route.path.rstrip('/')}/", headers=headers)
            assert "elsewhere" not in answer.headers.get("location", "")
