"""A day in a real Chromium, by keyboard: sixty rows for review, by one officer one by one and by another together; two
officers and a leader about a hit; an operator, a supervisor, and somebody who may do nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import OFFICER_ID, SECOND_OFFICER_ID
from exchange.intake.collect import poll
from exchange.register import ReleaseState, ReviewState
from tests.pages.browser import drive, logged_in, opened
from tests.pages.conftest import Pages
from tests.pages.releases import asked_of_records

ROWS = 60
ONE_BY_ONE = 6
PROPOSAL = "p"
SMALL = {"do": "resize", "width": 683, "height": 384}
"""1366 x 768 at 200 %."""

Step = dict[str, Any]


@pytest.fixture
def batch(app: App, court: DemoPartner, ask: Callable[..., Request], people: pl.DataFrame) -> str:
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(1)
    rows = pl.concat([doubtful] * ROWS).select("id_number", "name", "sex").with_row_index("row_ref")
    request = ask(rows.write_csv().encode(), ROWS)
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request.batch


def shown(batch: str, row: int) -> Step:
    return {"do": "wait", "at": "h1", "text": f"{batch} · 第 {row} 行"}


def told(at: str, text: str) -> Step:
    return {"do": "wait", "at": at, "text": text}


def press(key: str) -> Step:
    return {"do": "press", "key": key}


def reason(code: str) -> Step:
    return {"do": "select", "at": "select[name=reason]", "value": code}


def heap(batch: str, word: str) -> Step:
    return {"do": "click", "at": f'button[aria-label^="{word}"][aria-label*="{batch} "]'}


DECIDED: Step = {"do": "press", "key": "Enter", "held": "Control"}


def test_sixty_rows(pages: Pages, app: App, batch: str, tmp_path: Path) -> None:
    """Two keys a row; one taken back; the rest together by a colleague, but for the row that is open meanwhile."""
    steps: list[Step] = [heap(batch, "逐行"), shown(batch, 1), press(PROPOSAL), reason("archive"), DECIDED]
    for row in range(2, ONE_BY_ONE + 1):  # the proposal with the last reason, and on
        steps += [shown(batch, row), press(PROPOSAL), DECIDED]
    steps += [shown(batch, ONE_BY_ONE + 1), press("?"), told("#keys[open]", "跳过")]
    steps += [press("n"), shown(batch, ONE_BY_ONE + 2), press("u"), told("h1", "人工核实")]
    steps += [press("Enter"), told(".notice", "已撤回")]
    steps += [logged_in("officer-b"), opened(pages, "/review"), heap(batch, "同类")]
    steps += [told("#together", f"{ROWS - ONE_BY_ONE} 行"), reason("archive"), {"do": "click", "at": "#together"}]
    steps += [told(".notice", "一并")]
    drive(pages, "officer", "/review", tmp_path, *steps)

    found = {each.row: each for each in app.register.reviews.among(batch, range(1, ROWS + 1))}
    by = {row: each.decided_by for row, each in found.items()}
    open_still = ONE_BY_ONE + 2
    assert {row for row, each in found.items() if each.state is not ReviewState.DECIDED} == {open_still}
    assert [row for row in by if by[row] == OFFICER_ID] == list(range(1, ONE_BY_ONE))
    assert {by[row] for row in range(ONE_BY_ONE, ROWS + 1)} == {SECOND_OFFICER_ID, None}
    assert found[open_still].held_by == OFFICER_ID
    app.register.verify()


def test_a_hit_from_two_officers_to_the_leader(
    pages: Pages, officer: App, education: DemoPartner, asked: pl.DataFrame, tmp_path: Path
) -> None:
    """And who runs things, supervises or may do nothing sees that it went on, and nobody who was asked about."""
    batch = asked_of_records(officer, education, asked)
    hit = officer.register.reviews.among(batch, range(1, asked.height + 1))[0].row
    steps: list[Step] = []
    for login in ("officer", "officer-b"):
        steps += [logged_in(login), opened(pages, "/review"), heap(batch, "逐行"), shown(batch, hit), press("2")]
        steps += [reason("case_file"), DECIDED, told(".progress", "待核实")]
    drive(pages, "officer", "/review", tmp_path, *steps)

    (release,) = [each for each in pipeline.propose_all(officer).releases if each.batch == batch]
    steps = [SMALL, logged_in("leader"), opened(pages, f"/approval/{release.id}")]
    steps += [{"do": "evaluate", "script": "document.getElementById('approve').getBoundingClientRect().bottom"}]
    steps += [{"do": "tab", "to": "#approve"}, press("Enter"), told(".notice", "已批准")]
    read = (("op", f"/batch/{batch}"), ("op", "/board?page=1"), ("supervisor", "/supervision"), ("viewer", "/"))
    for login, path in read:
        steps += [logged_in(login), opened(pages, path), {"do": "text", "at": "main"}]
    steps += [opened(pages, "/review")]
    gave = drive(pages, "leader", "/approval", tmp_path, *steps).gave
    assert gave[3] <= SMALL["height"], "the button is in sight at 200 %, too"
    of_batch, of_board, of_supervision, of_viewer = (each for each in gave if isinstance(each, str))
    assert "登记结论 1 行" in of_batch
    assert "record_found" not in of_batch
    assert batch in of_board
    assert "省厅核实员乙" in of_supervision
    assert "没有分配任务页面" in of_viewer
    assert gave[-1] == 403
    seen = "".join((of_batch, of_board, of_supervision, of_viewer))
    assert not [each for each in (*asked["id_number"], *asked["name"]) if each in seen]
    assert officer.register.releases.get(batch, release.number).state is ReleaseState.APPROVED
    officer.register.verify()
