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
from tests.pages.releases import release_of

PAPER = {"do": "resize", "width": 1031, "height": 703}
"""What ``@page`` leaves of A4, landscape: 273 by 186 mm at 96 dots an inch."""
CUT = """
[...document.querySelectorAll("th, td, dd, li, p, caption")].filter((each) => each.getClientRects().length)
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 || each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.outerHTML.slice(0, 120))
""".strip()
"""What reaches beyond the paper, or is wider than its own cell."""


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
