"""Wrong passwords where programs log in: so many from an address in a minute, and nothing else is limited."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exchange.pages.guesses import ADDRESSES, SECONDS, TRIES, Guesses, GuessLimit

LIMITED = ("/auth/token", "/auth/token/", "/auth/token/cli", "/behind/a/prefix/auth/token")
FREE = ("/auth/login", "/auth/tokens", "/auth/token/x", "/execution/auth", "/")
TOLD = {"right": HTTPStatus.CREATED, "malformed": HTTPStatus.UNPROCESSABLE_ENTITY, "wrong": HTTPStatus.UNAUTHORIZED}


class Clock:
    """Seconds that pass as a test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def airflow(request: Request) -> Response:
    """Answers as the body says; slowly, so that tries overlap."""
    said = (await request.body()).decode()
    await asyncio.sleep(0)
    return Response(status_code=TOLD[said])


def limited(clock: Clock) -> GuessLimit:
    application = Starlette(routes=[Route("/{path:path}", airflow, methods=["GET", "POST"])])
    return GuessLimit(application, Guesses(clock))


def asked(limit: GuessLimit, *tries: tuple[str, str], address: str = "192.0.2.1", method: str = "POST") -> list[int]:
    """The answers to these tries (path, body), all at once."""

    async def call() -> list[int]:
        transport = httpx.ASGITransport(limit, client=(address, 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://office") as client:
            sent = [client.request(method, path, content=body) for path, body in tries]
            return [answer.status_code for answer in await asyncio.gather(*sent)]

    return asyncio.run(call())


@pytest.mark.parametrize("path", LIMITED)
def test_so_many_wrong_ones_and_then_none_right_or_wrong(path: str) -> None:
    clock = Clock()
    limit = limited(clock)
    codes = asked(limit, *[(path, "wrong")] * 50)
    assert sorted(codes) == [401] * TRIES + [429] * (50 - TRIES)
    assert asked(limit, (path, "right")) == [429]
    assert asked(limit, (path, "right"), address="192.0.2.2") == [201], "nobody else is locked out"
    clock.now += SECONDS
    assert asked(limit, (path, "right")) == [201]


def test_what_is_no_wrong_password_is_not_counted() -> None:
    limit = limited(Clock())
    for said in ("right", "malformed"):
        for _ in range(5):
            assert set(asked(limit, *[("/auth/token", said)] * TRIES)) == {TOLD[said]}
    assert asked(limit, ("/auth/token", "wrong")) == [401]


@pytest.mark.parametrize("path", FREE)
def test_nothing_else_is_limited(path: str) -> None:
    assert set(asked(limited(Clock()), *[(path, "wrong")] * 30)) == {401}


def test_a_look_is_no_try() -> None:
    assert set(asked(limited(Clock()), *[("/auth/token", "wrong")] * 30, method="GET")) == {401}


def test_what_is_remembered_is_bounded_and_the_rest_are_one() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    for number in range(ADDRESSES):
        assert guesses.begin(str(number)) is not None
    more = [guesses.begin(f"more {number}") for number in range(20)]
    assert sum(each is not None for each in more) == TRIES
    clock.now += SECONDS
    assert guesses.begin("later") is not None
