"""In a real Chromium: what was typed survives a log-in that has gone; what a screen reader and a narrow screen need."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.tables import RETURNS
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import OFFICER_ID, SECOND_OFFICER_ID
from exchange.intake.collect import poll
from exchange.pages import answering
from exchange.register import ReleaseState, ReviewState
from exchange.review.alike import AT_LEAST
from tests.desk.browser import Driven
from tests.pages.browser import LOGGED_OUT, drive, logged_in, opened
from tests.pages.conftest import Pages
from tests.pages.releases import release_of

NOTE = "与档案一致，已电话核对"
PAGES = (
    ("viewer", "/", "start"),
    ("op", "/board?page=1", "board"),
    ("officer", "/review", "review"),
    ("officer", "/objection", "objection"),
    ("leader", "/approval", "approvals"),
    ("supervisor", "/supervision", "supervision"),
    ("supervisor", "/search", "search"),
)
SIZES = ((1366, 768), (683, 384), (390, 844))
"""A common screen, the same at 200 %, and a telephone."""
BEYOND = """
[...document.querySelectorAll("body *:not(.skip)")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".wide, .mark"))
  .map((each) => [each.tagName, each.getBoundingClientRect().right])
""".strip()
"""What reaches beyond the right edge, but for what is scrolled by itself."""
OVERLAID = """
(() => {
  const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const boxes = [];
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const within = text.parentElement.closest(".wide")?.getBoundingClientRect().right ?? innerWidth;
    if (!text.data.trim() || text.parentElement.closest(".mark, option, details:not([open]) > :not(summary)")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const box of range.getClientRects()) {
      const [left, right] = [box.left, Math.min(box.right, within)];
      const [top, bottom] = [box.top + box.height / 4, box.bottom - box.height / 4];
      if (right - left > 2) boxes.push({ text, left, right, top, bottom });
    }
  }
  const over = (a, b) => a.text !== b.text && a.left < b.right - 2 && b.left < a.right - 2
    && a.top < b.bottom && b.top < a.bottom;
  return boxes.filter((a) => boxes.some((b) => over(a, b))).map(({ text }) => text.data.trim());
})()
""".strip()
"""The texts that lie upon another one."""
CUT = """
[...document.querySelectorAll(".wide:has(.compare)")]
  .filter((each) => each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.scrollWidth)
""".strip()
"""Claim and register side by side, where the end of a number is out of sight."""
WRONG = f"""
Object.fromEntries(Object.entries({{ beyond: {BEYOND}, overlaid: {OVERLAID}, cut: {CUT} }})
  .filter(([, found]) => found.length))
""".strip()


@pytest.fixture
def row(app: App, court: DemoPartner, ask: Callable[..., Request], people: pl.DataFrame) -> str:
    """A batch whose only row waits for an officer."""
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(1)
    request = ask(doubtful.select("id_number", "name", "sex").with_row_index("row_ref").write_csv().encode(), 1)
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request.batch


def test_what_was_typed_survives_a_log_in_that_has_gone(pages: Pages, app: App, row: str, tmp_path: Path) -> None:
    driven = drive(
        pages,
        "officer",
        "/review",
        tmp_path,
        {"do": "click", "at": f'form:has(input[value="{row}"]) button'},
        {"do": "click", "at": "#propose"},
        {"do": "select", "at": "select[name=reason]", "value": "archive"},
        {"do": "type", "at": "textarea[name=note]", "text": NOTE},
        LOGGED_OUT,
        {"do": "click", "at": "#and-back"},
        {"do": "wait", "at": "#trouble", "text": "登录"},
        {"do": "evaluate", "script": "document.querySelector('textarea[name=note]').value"},
        {"do": "evaluate", "script": "document.querySelectorAll('#decide input:checked').length > 0"},
        {"do": "evaluate", "script": "localStorage.length + sessionStorage.length + location.search.length"},
        logged_in("officer"),
        {"do": "click", "at": "#and-back"},
        {"do": "wait", "at": "h1", "text": "人工核实"},
    )
    assert driven.gave[7:10] == [NOTE, True, 0]
    found = app.register.reviews.get(row, 1)
    assert (found.state, found.decided_by, found.note) == (ReviewState.DECIDED, OFFICER_ID, NOTE)


def test_each_page_for_a_screen_reader_and_at_two_sizes(
    pages: Pages, officer: App, education: DemoPartner, asked: pl.DataFrame, row: str, tmp_path: Path
) -> None:
    release = release_of(officer, education, asked)
    shown = [
        *PAGES,
        ("op", f"/batch/{row}", "batch"),
        ("leader", f"/approval/{release.id}", "approval"),
        ("op", "/no.such", "message"),
    ]
    steps: list[dict[str, Any]] = []
    for login, path, name in shown:
        steps += [logged_in(login), opened(pages, path), *_looked_at(name)]
    steps += [logged_in("officer"), opened(pages, "/review")]
    steps += [{"do": "click", "at": f'form:has(input[value="{row}"]) button'}, {"do": "wait", "at": "#decide"}]
    steps += _looked_at("row")
    check_looks(drive(pages, "viewer", "/", tmp_path, *steps), len(shown) + 1)


@pytest.fixture
def lot(app: App, court: DemoPartner, ask: Callable[..., Request], people: pl.DataFrame) -> str:
    """A batch whose rows may be decided together."""
    doubtful = pl.concat([people.filter(pl.col("oddity") == "doubtful").head(1)] * AT_LEAST)
    data = doubtful.select("id_number", "name", "sex").with_row_index("row_ref").write_csv().encode()
    request = ask(data, AT_LEAST)
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request.batch


def test_what_a_form_opens_for_a_screen_reader_and_at_two_sizes(
    pages: Pages, officer: App, education: DemoPartner, asked: pl.DataFrame, lot: str, tmp_path: Path
) -> None:
    """A sample of a release, the release returned, its row; rows together, a row that is handed over, and received."""
    release = release_of(officer, education, asked)
    of_lot = 'button[aria-label^="{}"][aria-label*="' + lot + ' "]'
    steps: list[dict[str, Any]] = [
        {"do": "click", "at": "#sample"},
        {"do": "wait", "at": "h1", "text": "抽看"},
        *_looked_at("sample"),
        opened(pages, f"/approval/{release.id}"),
        {"do": "select", "at": "select[name=reason]", "value": next(iter(RETURNS))},
        {"do": "click", "at": "#return"},
        {"do": "wait", "at": ".notice", "text": "已退回"},
        logged_in("officer"),
        opened(pages, f"/returned/{release.id}"),
        *_looked_at("returned"),
        {"do": "click", "at": "button.open"},
        {"do": "wait", "at": "#keep"},
        *_looked_at("row-returned"),
        opened(pages, "/review"),
        {"do": "click", "at": of_lot.format("同类")},
        {"do": "wait", "at": "#together"},
        *_looked_at("alike"),
        opened(pages, "/review"),
        {"do": "click", "at": of_lot.format("逐行")},
        {"do": "wait", "at": "#decide"},
        {"do": "click", "at": "details.stop summary"},
        *_looked_at("row-hand"),
        {"do": "select", "at": "select[name=to]", "value": SECOND_OFFICER_ID},
        {"do": "click", "at": "form[action$='/hand'] button"},
        {"do": "wait", "at": ".notice", "text": "已移交"},
        logged_in("officer-b"),
        opened(pages, "/review"),
        *_looked_at("review-handed"),
    ]
    check_looks(drive(pages, "leader", f"/approval/{release.id}", tmp_path, *steps), 6)


def test_what_waits_for_a_leader_whose_log_in_is_old(
    pages: Pages, officer: App, education: DemoPartner, asked: pl.DataFrame, held: str, objection: str, tmp_path: Path
) -> None:
    """A release, a stop, more time, a held suspicion on one page; nothing goes before the password is given again."""
    release = release_of(officer, education, asked)
    officer.register.clock.propose(release.batch, officer.now(), "record_unclear", "已发函调取档案")
    officer.register.extensions.propose(objection, officer.now(), "须调取案卷")
    steps: list[dict[str, Any]] = [
        *_looked_at("approvals-waiting"),
        {"do": "headers", "headers": {"x-login": "leader", "x-minutes": "99"}},
        opened(pages, f"/approval/{release.id}"),
        *_looked_at("approval-old"),
        {"do": "click", "at": "#approve"},
        {"do": "wait", "at": ".trouble", "text": "登录已逾"},
        *_looked_at("approval-refused"),
        {"do": "evaluate", "script": "document.querySelectorAll('#approve:not([disabled])').length"},
        logged_in("leader"),
        {"do": "click", "at": "#approve"},
        {"do": "wait", "at": ".notice", "text": "批准"},
        logged_in("officer"),
        opened(pages, f"/objection?batch={release.batch}&row=1"),
        *_looked_at("objection-open"),
    ]
    driven = drive(pages, "leader", "/approval", tmp_path, *steps)
    check_looks(driven, 4)
    assert officer.register.releases.get(release.batch, 1).state is ReleaseState.APPROVED
    assert held in pages.get("leader", "/approval")[1]


def check_looks(driven: Driven, shown: int) -> None:
    """So many pages were looked at, in each size, and nothing was wrong with one."""
    looks = [(violations, wrong) for violations, wrong in pairwise(driven.gave) if isinstance(wrong, dict)]
    assert looks == [([], {})] * shown * len(SIZES)


def test_a_button_is_called_what_stands_on_it() -> None:
    """Whoever speaks to the machine says what is written there."""
    found = 0
    for template in sorted((Path(answering.__file__).parent / "templates").glob("*.html")):
        for label, shown in re.findall(
            r'<button[^>]* aria-label="([^"]*)"[^>]*>(.*?)</button>', template.read_text("utf-8")
        ):
            found += 1
            assert label.startswith(re.sub(r"<[^>]+>", "", shown).strip()), template.name
    assert found > 5


def _looked_at(name: str) -> list[dict[str, Any]]:
    """A picture of each size is taken where ``PAGES_PICTURES`` names a folder (``make screenshots``)."""
    steps: list[dict[str, Any]] = []
    for width, height in SIZES:
        size = {"do": "resize", "width": width, "height": height}
        steps += [size, {"do": "axe"}, {"do": "evaluate", "script": WRONG}]
        if folder := os.environ.get("PAGES_PICTURES"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            steps.append({"do": "screenshot", "to": f"{folder}/{name}-{width}.png", "full": True})
    return steps
