"""What is on its way is not sent again by an impatient hand, and what came to nothing may be; in Chromium, on a server
that takes its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import OFFICER_ID
from exchange.intake.collect import poll
from exchange.register import ReviewState
from tests.pages.browser import drive, opened
from tests.pages.conftest import Pages, served

SECONDS = 0.5
TWICE = """
(() => {
  const press = () => { %s };
  press();
  setTimeout(press, 150);
})()
""".strip()
CLICK = "document.querySelector({at!r}).click();"
KEY = 'document.body.dispatchEvent(new KeyboardEvent("keydown", {{ key: "{key}", bubbles: true }}));'

Step = dict[str, Any]


@pytest.fixture
def slow(pages: Pages) -> Iterator[Pages]:
    """The same pages; each answer comes late."""

    async def late(scope: Any, receive: Any, send: Any) -> None:
        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(SECONDS)
            await send(message)

        await pages.application(scope, receive, told)

    with served(late) as url, httpx.Client(base_url=url, trust_env=False, timeout=120) as client:  # type: ignore[arg-type]
        yield replace(pages, client=client)


@pytest.fixture
def batch(app: App, court: DemoPartner, ask: Callable[..., Request], people: pl.DataFrame) -> str:
    """Two rows that wait for an officer."""
    doubtful = pl.concat([people.filter(pl.col("oddity") == "doubtful").head(1)] * 2)
    data = doubtful.select("id_number", "name", "sex").with_row_index("row_ref").write_csv().encode()
    request = ask(data, doubtful.height)
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request.batch


def twice(at: str) -> Step:
    return {"do": "evaluate", "script": TWICE % CLICK.format(at=at)}


def shown(batch: str, row: int) -> Step:
    return {"do": "wait", "at": "h1", "text": f"{batch} · 第 {row} 行"}


def told(text: str) -> Step:
    return {"do": "wait", "at": ".notice", "text": text}


def test_each_form_is_sent_once(slow: Pages, app: App, batch: str, tmp_path: Path) -> None:
    """The row opened, passed over by a key that stays down, decided, its decision taken back, handed to nobody."""
    of_batch = f'button[aria-label^="逐行"][aria-label*="{batch} "]'
    proposed = [{"do": "click", "at": "#propose"}, {"do": "select", "at": "select[name=reason]", "value": "archive"}]
    steps: list[Step] = [
        *(twice(of_batch), shown(batch, 1)),
        *({"do": "evaluate", "script": TWICE % KEY.format(key="n")}, shown(batch, 2)),
        *(*proposed, twice("#and-next"), shown(batch, 1)),
        *(*proposed, twice("#and-back"), told("已登记")),
        *(twice("button.undo"), told("已撤回")),
    ]
    driven = drive(slow, "officer", "/review", tmp_path, *steps)
    sent = [path for address in driven.requests if (path := address.rpartition("/review/")[2]) != address]
    assert sent == ["next", "next", "decide", "next", "decide", "undo"]
    states = {review.row: review.state for review in app.register.reviews.among(batch, (1, 2))}
    assert sorted(states.values()) == sorted((ReviewState.OPEN, ReviewState.DECIDED))


def test_what_came_to_nothing_is_sent_again(slow: Pages, app: App, batch: str, tmp_path: Path) -> None:
    """A note that holds a number is refused, and the next press is heard."""
    note = "textarea[name=note]"
    steps: list[Step] = [
        {"do": "click", "at": f'button[aria-label^="逐行"][aria-label*="{batch} "]'},
        *(shown(batch, 1), {"do": "click", "at": "#propose"}),
        {"do": "select", "at": "select[name=reason]", "value": "archive"},
        {"do": "type", "at": note, "text": "11010519491231002X"},
        {"do": "click", "at": "#and-back"},
        {"do": "wait", "at": "#trouble", "text": "不得填写身份证号"},
        {"do": "type", "at": note, "text": "与档案一致"},
        {"do": "click", "at": "#and-back"},
        told("已登记"),
    ]
    drive(slow, "officer", "/review", tmp_path, *steps)
    assert app.register.reviews.get(batch, 1).decided_by == OFFICER_ID


def test_whoever_comes_back_by_the_browsers_key_may_send_again(slow: Pages, batch: str, tmp_path: Path) -> None:
    steps: list[Step] = [
        {"do": "click", "at": f'button[aria-label^="逐行"][aria-label*="{batch} "]'},
        *(shown(batch, 1), {"do": "evaluate", "script": "history.back()"}),
        {"do": "wait", "at": "h1", "text": "人工核实"},
        *({"do": "click", "at": f'button[aria-label^="逐行"][aria-label*="{batch} "]'}, shown(batch, 1)),
    ]
    drive(slow, "officer", "/review", tmp_path, *steps)


def test_what_follows_from_the_identity_is_not_asked_for(pages: Pages, app: App, batch: str, tmp_path: Path) -> None:
    """One key for a row that is somebody else: what it would answer of sex nobody hears."""
    asked = "[...document.querySelectorAll('fieldset.column:not([disabled])')].length"
    steps: list[Step] = [
        {"do": "click", "at": f'button[aria-label^="逐行"][aria-label*="{batch} "]'},
        *(shown(batch, 1), {"do": "evaluate", "script": asked}),
        *({"do": "press", "key": "2"}, {"do": "wait", "at": "#follows", "text": "无须另选"}),
        *({"do": "evaluate", "script": asked}, {"do": "axe"}),
        *({"do": "press", "key": "1"}, {"do": "evaluate", "script": asked}, {"do": "press", "key": "k"}),
        *({"do": "press", "key": "2"}, {"do": "evaluate", "script": asked}),
        {"do": "select", "at": "select[name=reason]", "value": "archive"},
        *({"do": "press", "key": "Enter", "held": "Control"}, shown(batch, 2), opened(pages, "/review")),
    ]
    driven = drive(pages, "officer", "/review", tmp_path, *steps)
    counts = [each for each in driven.gave if isinstance(each, int) and each < 10]
    assert counts == [2, 1, 2, 1]
    assert driven.gave[6] == [], "axe"
    review = app.register.reviews.get(batch, 1)
    assert (review.state, review.answers["identity"], review.answers["sex"]) == (
        ReviewState.DECIDED,
        "name_disagrees",
        "not_answered",
    )
