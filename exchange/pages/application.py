"""The application: every route of the table, each behind its check of who is asking.

Rules
- A route is added from ``access.ROUTES`` alone, with its guard; a page that has none cannot be reached.
- An address must match to the letter: a slash at its end is a 404. The framework's own redirect would go to whatever
  the request's ``Host`` header says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.staticfiles import StaticFiles

from exchange.base.errors import without_values
from exchange.pages import (
    alike,
    answering,
    approval,
    batch,
    board,
    extensions,
    health,
    home,
    objection,
    returned,
    review,
    sample,
    search,
    stopping,
    supervision,
    suspicions,
    words,
)
from exchange.pages.access import ROUTES, STATIC, Account, Group, PageRoute, Visitor
from exchange.pages.asked import PageContext, PageRequest
from exchange.pages.forgery import holds, was_made

OPEN: Final = health.OPEN
PAGES: Final = {
    **home.PAGES,
    **board.PAGES,
    **batch.PAGES,
    **review.PAGES,
    **alike.PAGES,
    **objection.PAGES,
    **returned.PAGES,
    **approval.PAGES,
    **sample.PAGES,
    **supervision.PAGES,
    **search.PAGES,
    **suspicions.PAGES,
    **extensions.PAGES,
    **stopping.PAGES,
    **health.PAGES,
}


def make_application(context: PageContext, who: Callable[..., Account]) -> FastAPI:
    """The pages of this office. ``who`` is a FastAPI dependency: the account that is asking, or HTTP 401."""
    application = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    application.state.log_in = context.log_in
    application.state.with_names = partial(words.with_names, context.app.settings)
    application.middleware("http")(answering.unforeseen)
    for kind, handler in answering.ERRORS.items():
        application.add_exception_handler(kind, handler)
    application.mount(STATIC, StaticFiles(directory=Path(__file__).parent / "static"))
    for route in ROUTES:
        answer = _open(route, context) if Group.ANYONE in route.groups else _answering(route, context, who)
        application.add_api_route(route.path, answer, methods=[route.method], name=route.name, response_model=None)
    return application


def _open(route: PageRoute, context: PageContext) -> Callable[..., Any]:
    """The route's function without a guard: it is told nothing of who asks, and knows no person."""
    made = OPEN[route.name]

    def answer() -> Any:
        return made(context)

    return answer


def _answering(route: PageRoute, context: PageContext, who: Callable[..., Account]) -> Callable[..., Any]:
    """The route's function behind its guard: logged in, in a group of the table, a write with its token."""
    made = PAGES[route.name]

    def guard(request: Request, account: Account = Depends(who)) -> Visitor:  # noqa: B008
        visitor = Visitor(account, context.app.settings.person(login=account.login))
        request.state.visitor = visitor  # an error's page leads back to what they may open
        if not visitor.groups & route.groups:
            raise HTTPException(403)
        answering.check_address(request)
        return visitor

    async def posted(request: Request, visitor: Visitor = Depends(guard)) -> Mapping[str, str]:  # noqa: B008
        if route.method == "GET":
            return {}
        fields = await answering.form(request)
        token = fields.pop("token", "")
        if not holds(context.key, visitor.account.login, token, context.app.now()):
            raise answering.OpenAgain if was_made(context.key, visitor.account.login, token) else HTTPException(403)
        minutes = context.app.settings.policy.approve_login_minutes
        if route.fresh and not visitor.account.is_fresh(context.app.now(), minutes):
            raise answering.LogInAgain(minutes)
        return fields

    def answer(
        request: Request,
        visitor: Visitor = Depends(guard),  # noqa: B008
        fields: Mapping[str, str] = Depends(posted),
    ) -> Any:
        with without_values(Exception):  # a panic of Polars is none: the server would log its words, which quote rows
            return made(PageRequest(request, context, visitor, context.of(visitor), fields))

    return answer
