"""How pages are answered: templates, headers, forms, and errors as sentences.

Rules
- Every answer carries ``HEADERS``: kept nowhere, nothing from outside, no script in the page, framed by this site.
- An error becomes a page that says what to do, in Chinese first; never a trace, never a value of a person.
- What a form opened is opened anew by its form alone: whoever reloads it (Airflow does so by its address) is led to the
  page that the form stands on.
- What is typed into a form that is posted, or chosen in it, no browser keeps (``autocomplete``): it would offer it to
  whoever works at this screen next, and after a reload choose it for another row.
- A form is read up to ``_MAX_FORM`` bytes, as what a browser's form sends and nothing else; a field that is there twice
  has no value, for two readers would take two.
- What somebody typed (a number of a letter, a note) turns no line of a page: controls that would are shown as code
  points (``base/invisible.py``).
- U+0000 is in no text that anybody means, and PostgreSQL takes none: it ends at the door, in a path, a query, a form.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException as AnyHttpException

from exchange.base.errors import ExchangeError, Retryable
from exchange.base.invisible import as_printed
from exchange.pages.access import ROUTES, Visitor

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_MAX_FORM: Final = 65_536
_FORM: Final = "application/x-www-form-urlencoded"
_NUL: Final = "\0"

_TEMPLATES: Final = Environment(
    loader=PackageLoader("exchange.pages", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=lambda value: as_printed(value) if isinstance(value, str) else value,
)

_SENTENCES: Final = {
    401: ("登录已失效，请重新登录", "You are not logged in any more; log in again"),
    403: (
        "您无权查看或办理此页；职责有变的，请系统管理员核对您的角色",
        "This is not yours to see or to do; where your duties have changed, the administrator looks at your roles",
    ),
    404: ("没有这一页，请从首页进入", "There is no such page; begin at the start"),
    413: ("提交的内容过长，请缩短后再提交", "What was sent is too long; shorten it, then send it again"),
}
_PAGES: Final = {route.path: route.groups for route in ROUTES if route.method == "GET"}
_FORM_OF: Final = {
    route.path: section
    for route in ROUTES
    if route.method == "POST" and (section := route.path.rpartition("/")[0]) in _PAGES
}
"""Address of a form → the page on which it stands."""
_OF_SECTION: Final = {"batch": "/board", "returned": "/review"}
"""Begin of an address that no link at the head of the page has → the link to which it belongs."""
_UNMET: Final = (404, 405)
_OTHERWISE: Final = ("提交的内容有误，请重新打开此页再办理", "What was sent is not right; open the page again")
_LISTS: Final = {
    "/review": ("回到人工核实", "Back to Review"),
    "/objection": ("回到复核", "Back to Second look"),
    "/approval": ("回到审批", "Back to Approval"),
}
"""Page on which forms stand → the words that lead back to it."""


def page(request: Request, template: str, visitor: Visitor | None, *, code: int = 200, **values: Any) -> HTMLResponse:
    """The template's page; ``base`` is where the application is mounted."""
    groups = visitor.groups if visitor else frozenset()
    base, log_in = request.scope.get("root_path", ""), request.app.state.log_in
    known = {"base": base, "visitor": visitor, "groups": groups, "log_in": log_in, "section": _section(request)}
    made = _TEMPLATES.get_template(template).render(known | values)
    return HTMLResponse(made, code)


def message(request: Request, status: int, zh: str, en: str) -> HTMLResponse:
    """A page with one sentence, and this status; it leads whoever is known back to what they may open."""
    visitor, stands_on = getattr(request.state, "visitor", None), _stands_on(request)
    back = _LISTS.get(stands_on) if visitor and visitor.groups & _PAGES.get(stands_on, frozenset()) else None
    told = {"status": status, "zh": zh, "en": en, "back": back, "stands_on": stands_on}
    return page(request, "message.html", visitor, code=status, **told)


def _section(request: Request) -> str:
    """The link at the head of the page that this address belongs to; empty of none."""
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    section = path.removeprefix("/").partition("/")[0]
    return _OF_SECTION.get(section, f"/{section}")


def _stands_on(request: Request) -> str:
    """The page on which the form stands that was posted here; empty where there is none."""
    return _FORM_OF.get(request.url.path.removeprefix(request.scope.get("root_path", "")), "")


class OpenAgain(HTTPException):
    """The form stood open for longer than its token holds; whose it is, is right."""

    def __init__(self) -> None:
        super().__init__(403)
        self.sentence = (
            "此页打开过久，请重新打开此页，再填写、办理",
            "This page stood open for too long; open it again, then decide",
        )


class LogInAgain(HTTPException):
    """The log-in is too old for what was asked; said in the words of RFC 9470 (step-up authentication)."""

    def __init__(self, minutes: int) -> None:
        challenge = f'Bearer error="insufficient_user_authentication", max_age={minutes * 60}'
        super().__init__(401, headers={"WWW-Authenticate": challenge})
        self.sentence = (
            f"登录已逾 {minutes} 分钟，审批前请重新登录",
            f"You logged in more than {minutes} minutes ago; log in again before you decide",
        )


async def http_error(request: Request, error: Exception) -> Response:
    """The answer to an HTTP error: the page on which a lost form stands, or a sentence."""
    status = error.status_code if isinstance(error, AnyHttpException) else HTTPStatus.BAD_REQUEST
    base = request.scope.get("root_path", "")
    stands_on = _stands_on(request)
    if request.method == "GET" and status in _UNMET and stands_on:
        return RedirectResponse(base + stands_on, 303)
    if not isinstance(error, LogInAgain | OpenAgain):
        return message(request, status, *_SENTENCES.get(status, _OTHERWISE))
    answer = message(request, status, *error.sentence)
    answer.headers.update(error.headers or {})
    return answer


async def own_error(request: Request, error: Exception) -> Response:
    """Halt and Retryable: their messages hold no value of a person but the ids of those who work here."""
    with_names, zh = request.app.state.with_names, getattr(error, "zh", "")
    status, done, en = 409, "未能办理", "This was not done"
    if isinstance(error, Retryable):
        status, done, en = 503, "暂时无法办理，请稍后再试", "In the way for now; try again"
    otherwise = "" if isinstance(error, Retryable) else "请告知系统管理员"
    sentence = "：".join(filter(None, (done, zh or otherwise)))
    return message(request, status, with_names(sentence), with_names(f"{en}: {error}"))


async def unforeseen(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Puts the headers on every answer; what nobody foresaw tells its kind alone."""
    try:
        answer = await call_next(request)
    except Exception as error:  # the messages of libraries quote values
        answer = message(
            request, 500, f"程序出错（{type(error).__name__}），请告知系统管理员", "Tell the administrator"
        )
    answer.headers.update(HEADERS)
    return answer


ERRORS: Final = {AnyHttpException: http_error, ExchangeError: own_error}


def number_of(text: str) -> int:
    """A whole number that was posted; HTTP 400 where it is none."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise HTTPException(400)
    return int(text)


def check_address(request: Request) -> None:
    """HTTP 404 for an address that holds U+0000: no batch, row or page has such a name."""
    given = (*request.path_params.values(), *(part for pair in request.query_params.multi_items() for part in pair))
    if any(_NUL in str(text) for text in given):
        raise HTTPException(404)


async def form(request: Request) -> dict[str, str]:
    """The fields of a posted form, each name once; HTTP 400, 413 or 415 for what is none."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > _MAX_FORM:
            raise HTTPException(413)
    if content and request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise HTTPException(415)
    try:
        fields = parse_qs(content.decode("ascii"), keep_blank_values=True, strict_parsing=bool(content))
    except ValueError:
        raise HTTPException(400) from None
    if any(len(values) > 1 or _NUL in name + values[0] for name, values in fields.items()):
        raise HTTPException(400)
    return {name: values[0] for name, values in fields.items()}
