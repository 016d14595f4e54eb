"""Rows alike, decided together after a look at a sample: which may be, and what changed meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import OFFICER_ID
from exchange.intake.collect import poll
from exchange.pages.review import OWN_ROWS
from exchange.register import ReviewState
from exchange.register.board import own_lines
from exchange.review.alike import AT_LEAST, SAMPLE_ROWS
from tests.pages.conftest import Pages

ROWS = 8
Heap = Callable[..., str]


@pytest.fixture
def heap(app: App, court: DemoPartner, ask: Callable[..., Request], people: pl.DataFrame) -> Heap:
    """A batch of so many rows for an officer, each about the same one."""

    def make(rows: int = ROWS, **wanted: object) -> str:
        doubtful = people.filter(pl.col("oddity") == "doubtful").head(1)
        claims = pl.concat([doubtful] * rows).select("id_number", "name", "sex").with_row_index("row_ref")
        request = ask(claims.write_csv().encode(), rows, **wanted)
        court.drop(court.make_set(request))
        poll(app)
        assert pipeline.run(app, request.batch)
        return request.batch

    return make


def seen(pages: Pages, batch: str, causes: str = "identity", login: str = "officer") -> tuple[int, str, str]:
    status, text = pages.post(login, "/review/alike", only=batch, causes=causes)
    found = re.search(r'name="shown" value="(\w+)"', text)
    return status, text, found[1] if found else ""


def together(pages: Pages, batch: str, shown: str, login: str = "officer", reason: str = "archive") -> int:
    given = {"only": batch, "causes": "identity", "shown": shown, "reason": reason}
    return pages.post(login, "/review/together", **given)[0]


def states(app: App, batch: str) -> set[ReviewState]:
    return {app.register.reviews.get(batch, row).state for row in range(1, ROWS + 1)}


def test_a_sample_is_opened_and_all_are_decided(pages: Pages, app: App, heap: Heap) -> None:
    batch = heap()
    assert f"Together {batch}" in pages.get("officer", "/review")[1]
    status, text, shown = seen(pages, batch)
    assert (status, text.count('class="compare"')) == (200, SAMPLE_ROWS)
    opened = json.loads(app.register.steps(batch)[-1].facts)["opened"].split(",")
    assert len(opened) == SAMPLE_ROWS
    assert all(f"第 {row} 行" in text for row in opened)
    assert together(pages, batch, shown) == 303
    found = [app.register.reviews.get(batch, row) for row in range(1, ROWS + 1)]
    assert {(each.state, each.decided_by, each.reason) for each in found} == {
        (ReviewState.DECIDED, OFFICER_ID, "archive")
    }
    assert {each.note for each in found} == {f"同类 {ROWS} 行，抽看 {SAMPLE_ROWS} 行后一并核实"}
    assert all(each.answers == found[0].answers for each in found)
    assert together(pages, batch, shown) == 409, "decided, it is no heap any more"
    app.register.verify()


def test_of_what_can_be_taken_back_it_is_said_that_there_is_more(pages: Pages, app: App, heap: Heap) -> None:
    """The list shows the newest, and the others are not gone: taken back one by one, they come."""
    batch = heap(OWN_ROWS + 1)
    together(pages, batch, seen(pages, batch)[2])
    while taken := own_lines(app.register.engine, OFFICER_ID, 1000):
        text = pages.get("officer", "/review")[1]
        assert text.count('class="undo"') == min(len(taken), OWN_ROWS)
        assert (f"仅列最近 {OWN_ROWS} 行" in text) == (len(taken) > OWN_ROWS)
        for line in taken[:9]:
            assert pages.post("officer", "/review/undo", batch=line.batch, row=str(line.row))[0] == 303


def test_nobody_decides_a_heap_of_which_they_saw_no_sample(pages: Pages, app: App, heap: Heap) -> None:
    batch = heap()
    _, _, shown = seen(pages, batch)
    assert together(pages, batch, shown, login="officer-b") == 409
    assert together(pages, batch, "0" * 64) == 409
    assert together(pages, batch, shown, reason="none") == 409
    assert states(app, batch) == {ReviewState.OPEN}


def test_where_one_row_changed_since_none_is_decided(pages: Pages, app: App, heap: Heap) -> None:
    batch = heap()
    _, text, shown = seen(pages, batch)
    (row, *_) = (each for each in range(1, ROWS + 1) if f"第 {each} 行" not in text)
    assert pages.post("officer-b", "/review/open", batch=batch, row=str(row))[0] == 200
    assert together(pages, batch, shown) == 409
    said = {"answer.identity": "name_disagrees", "reason": "archive", "version": "1"}
    assert pages.post("officer-b", "/review/decide", batch=batch, row=str(row), **said)[0] == 303
    assert together(pages, batch, shown) == 409
    assert app.register.reviews.count(batch)[ReviewState.OPEN] == ROWS - 1


def test_few_are_decided_one_by_one(pages: Pages, heap: Heap) -> None:
    batch = heap(rows=AT_LEAST - 1)
    assert seen(pages, batch)[0] == 303
    assert f"Together {batch}" not in pages.get("officer", "/review")[1]


def test_never_what_asks_about_records(pages: Pages, app: App, heap: Heap) -> None:
    batch = heap(items=("id_number", "name", "sex", "criminal_record"))
    causes = app.register.reviews.get(batch, 1).causes
    assert f"Together {batch}" not in pages.get("officer", "/review")[1]
    assert seen(pages, batch, ";".join(causes))[0] == 303
    assert states(app, batch) == {ReviewState.OPEN}


@pytest.mark.parametrize("login", ["viewer", "op", "leader", "supervisor"])
def test_officers_alone(pages: Pages, heap: Heap, login: str) -> None:
    assert seen(pages, heap(), login=login)[0] == 403
