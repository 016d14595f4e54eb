"""The pages behind an invented log-in: a header names the account; everything else is as it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Thread

import httpx
import polars as pl
import pytest
import uvicorn
from fastapi import FastAPI, HTTPException, Request

from exchange import pipeline
from exchange.app import App
from exchange.demo import partner
from exchange.demo.partner import DemoPartner
from exchange.demo.servers.ports import LOOPBACK
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import OFFICER_ID, World
from exchange.guard.thresholds import THRESHOLDS
from exchange.intake.collect import poll
from exchange.pages.access import Account, Visitor
from exchange.pages.application import make_application
from exchange.pages.asked import Failure, PageContext
from exchange.pages.forgery import make_token
from exchange.register import State
from exchange.steps.guarding import release_held
from tests.steps.test_guarding import hidden

Ask = Callable[..., partner.Request]
OPERATORS = frozenset({"op", "admin"})
ACCOUNTS = ("viewer", "op", "admin", "officer", "officer-b", "yanbian", "leader", "supervisor")
"""Log-ins of the demo world; ``yanbian`` is an officer of another place than the rows of most tests."""


def header_login(request: Request) -> Account:
    login = request.headers.get("x-login")
    if login is None:
        raise HTTPException(401)
    since = datetime.now(UTC) - timedelta(minutes=int(request.headers.get("x-minutes", "0")))
    return Account(login, login in OPERATORS, None if request.headers.get("x-minutes") == "9999" else since)


@dataclass(frozen=True)
class Pages:
    """The pages of one office, asked as somebody."""

    client: httpx.Client
    application: FastAPI
    context: PageContext
    failures: dict[str, Failure] = field(default_factory=dict)

    def get(self, login: str | None, path: str) -> tuple[int, str]:
        answer = self.client.get(path, headers=_as(login), follow_redirects=False)
        return answer.status_code, answer.text

    def post(self, login: str | None, path: str, token: str | None = None, **fields: str) -> tuple[int, str]:
        """Posts a form; with a token of this account, unless another text is given."""
        given = self.token(login or "") if token is None else token
        answer = self.client.post(path, headers=_as(login), data=fields | {"token": given}, follow_redirects=False)
        return answer.status_code, answer.text

    def token(self, login: str) -> str:
        return make_token(self.context.key, login, self.context.app.now())

    def visitor(self, login: str) -> Visitor:
        return Visitor(Account(login, login in OPERATORS), self.context.app.settings.person(login=login))


def _as(login: str | None) -> dict[str, str]:
    return {} if login is None else {"x-login": login}


@contextmanager
def served(application: FastAPI) -> Iterator[str]:
    """The application on a port of loopback; its address."""
    server = uvicorn.Server(uvicorn.Config(application, host=LOOPBACK, port=0, log_level="warning", ws="none"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert wait_for(lambda: server.started, 60)
        yield f"http://{LOOPBACK}:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)


@pytest.fixture(scope="session")
def office_pages(world: World) -> Iterator[Callable[[], Pages]]:
    with App.open("pages", world.config) as app:
        failures: dict[str, Failure] = {}
        context = PageContext(app, lambda: failures)
        application = make_application(context, header_login)
        with served(application) as url, httpx.Client(base_url=url, trust_env=False, timeout=120) as client:
            yield lambda: Pages(client, application, context, failures)
        context.health.app.register.close()


@pytest.fixture
def pages(office_pages: Callable[[], Pages]) -> Pages:
    found = office_pages()
    found.failures.clear()
    found.client.cookies.clear()
    return found


@pytest.fixture(scope="module", autouse=True)
def _stays_connected(office_stays_connected: None) -> None:
    """Its batches are there to be looked at."""


@pytest.fixture(autouse=True)
def _looked_into(asked_partners: None) -> None:
    """Each look is at three partners."""


@pytest.fixture
def officer(opened: Callable[[str], App]) -> App:
    return opened(OFFICER_ID)


@pytest.fixture
def asked(people: pl.DataFrame, barred: pl.Series) -> pl.DataFrame:
    """One of whom a school is told, and two of whom there is nothing."""
    plain, on_record = people.filter(pl.col("oddity") == ""), pl.col("id_number").is_in(barred.implode())
    return pl.concat([plain.filter(on_record).head(1), plain.filter(~on_record).head(2)])


@pytest.fixture
def held(app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame) -> Iterator[str]:
    """A batch that the guard holds; in the end it is released, so that nothing counts against the partner any more."""
    policy = app.settings.policy.model_copy(update={"guard_holds": True})
    guarded = App(app.settings.model_copy(update={"policy": policy}), app.register)

    def guessed() -> str:
        request = ask(**hidden(range(THRESHOLDS.sequence_numbers), people))
        court.drop(court.make_set(request))
        poll(guarded)
        pipeline.run(guarded, request.batch)
        assert app.register.batch(request.batch).state is State.PREPARED
        return request.batch

    batch = guessed()
    yield batch
    if app.register.batch(batch).state is State.REFUSED:
        release_held(guarded, guessed(), "误触发")


@pytest.fixture
def objection(app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame) -> str:
    """An open objection to a closed batch's answer."""
    person = people.filter(pl.col("oddity") == "").head(1).select("id_number", "name", "sex")
    first = ask(person.with_row_index("row_ref").write_csv().encode(), 1)
    second = ask(b"row_ref\n0\n", 1, cycle="objection", items=("sex",), objects_to=first.batch)
    for request in (first, second):
        court.drop(court.make_set(request))
        poll(app)
        assert pipeline.run(app, request.batch)
    return second.batch
