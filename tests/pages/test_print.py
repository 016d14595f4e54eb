"""On paper: no column is cut off on A4, of any page that is printed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from exchange.app import App
from exchange.demo.partner import DemoPartner
from exchange.register import Release
from tests.pages.browser import drive, logged_in, opened
from tests.pages.conftest import Pages
from tests.pages.releases import asked_of_records, release_of

PAPER = {"do": "resize", "width": 1031, "height": 703}
"""What ``@page`` leaves of A4, landscape: 273 by 186 mm at 96 dots an inch."""
CUT = """
[...document.querySelectorAll("th, td, dd, li, p, caption")].filter((each) => each.getClientRects().length)
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 || each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.outerHTML.slice(0, 120))
""".strip()
"""What reaches beyond the paper, or is wider than its own cell."""


BESIDES = """
(() => {
  const shown = (found) => [...document.querySelectorAll(found)].filter((each) => each.getClientRects().length);
  const size = (each) => parseFloat(getComputedStyle(each).fontSize);
  const beside = "p, td, th, li, dt, dd, h1, h2, caption, main";
  const larger = shown('main [lang="en"]').filter((each) => size(each) >= size(each.closest(beside)));
  return [shown("button, select, input, textarea, summary, nav").map((each) => each.outerHTML.slice(0, 80)),
    larger.map((each) => each.outerHTML), shown(".who").map((each) => each.innerText)];
})()
""".strip()
"""What can only be pressed or filled in, English that is no smaller than the Chinese, and whose paper it is."""


@pytest.fixture
def release(officer: App, education: DemoPartner, asked: pl.DataFrame) -> Release:
    return release_of(officer, education, asked)


def test_no_column_is_cut(pages: Pages, release: Release, tmp_path: Path) -> None:
    """The papers lie where ``PAGES_PICTURES`` says (``make screenshots``)."""
    place = Path(os.environ.get("PAGES_PICTURES", tmp_path))
    place.mkdir(parents=True, exist_ok=True)
    steps: list[dict[str, Any]] = [{"do": "media", "type": "print"}, PAPER]
    printed = (
        ("supervisor", "/supervision", "supervision"),
        ("supervisor", "/board?page=1", "board"),
        ("supervisor", f"/batch/{release.batch}", "batch"),
        ("leader", f"/approval/{release.id}", "approval"),
    )
    for login, path, name in printed:
        steps += [logged_in(login), opened(pages, path), {"do": "evaluate", "script": CUT}]
        steps += [{"do": "pdf", "to": str(place / f"{name}.pdf")}]
    driven = drive(pages, "supervisor", "/", tmp_path, *steps)
    found = [gave for gave in driven.gave if isinstance(gave, list)]
    assert found == [[]] * len(printed)
    assert all((place / f"{name}.pdf").read_bytes().startswith(b"%PDF") for _, _, name in printed)


def test_no_paper_has_what_can_be_pressed_and_each_says_whose_it_is(
    pages: Pages, release: Release, officer: App, education: DemoPartner, asked: pl.DataFrame, tmp_path: Path
) -> None:
    """Also of the row that an officer has open: claim and register with the mark, and no form to be ticked by pen."""
    row = f"""form[action$="/open"]:has(input[value="{asked_of_records(officer, education, asked)}"]) button"""
    printed = (
        ("officer", "/review"), ("officer", "/objection"), ("leader", "/approval"), ("supervisor", "/supervision"),
        ("leader", f"/approval/{release.id}"), ("supervisor", "/board?page=1"), ("supervisor", "/search"),
        ("supervisor", f"/batch/{release.batch}"),
    )  # fmt: skip
    steps: list[dict[str, Any]] = [{"do": "media", "type": "print"}]
    for login, path in printed:
        steps += [logged_in(login), opened(pages, path), {"do": "evaluate", "script": BESIDES}]
    steps += [logged_in("officer"), {"do": "media", "type": "screen"}, opened(pages, "/review")]
    steps += [{"do": "click", "at": row}, {"do": "wait", "at": "#decide"}, {"do": "media", "type": "print"}]
    steps += [{"do": "evaluate", "script": BESIDES}]
    found = [gave for gave in drive(pages, "officer", "/", tmp_path, *steps).gave if isinstance(gave, list)]
    assert len(found) == len(printed) + 1
    for (pressed, larger, whose), (login, path) in zip(found, (*printed, ("officer", "row")), strict=True):
        assert (pressed, larger) == ([], []), path
        assert whose == [pages.visitor(login).name], path
