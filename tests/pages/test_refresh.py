"""The board renews itself under somebody's eyes: focus and place stay, and nothing goes from under their hands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from tests.pages.browser import drive
from tests.pages.conftest import Pages

RENEWED = """(() => {
  const live = document.getElementById("live"), fresh = live.cloneNode(true);
  fresh.querySelector("caption").append("NEW");
  for (const root of [live, fresh]) root.querySelector(".wide table").style.minWidth = "3000px";
  %s
  const place = live.querySelector(".wide");
  place.scrollLeft = 40; window.scrollTo(0, 60);
  %s
  const before = [place.scrollLeft, window.scrollY];
  const done = renew(live, fresh);
  const after = [live.querySelector(".wide").scrollLeft, window.scrollY];
  const focus = document.activeElement;
  return [done, live.innerText.includes("NEW"), before[0] > 0, String(before) === String(after),
    live.contains(focus) ? focus.className + (focus.getAttribute("href") ?? "").split("/").pop() : ""];
})()"""
LINK = 'live.querySelector("td.id a").focus({ preventScroll: true });'
GONE = 'fresh.querySelector("td.id a").remove();'
MARKED = 'document.getSelection().selectAllChildren(live.querySelector("td.id"));'


@pytest.fixture
def batch(app: App, court: DemoPartner, ask: Callable[..., Request]) -> str:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    return request.batch


def test_focus_and_place_stay(pages: Pages, batch: str, tmp_path: Path) -> None:
    scripts = [
        RENEWED % each
        for each in (
            ("", ""),
            ("", "place.focus({ preventScroll: true });"),
            ("", LINK),
            (GONE, LINK),
            ("", f"document.activeElement.blur(); {MARKED}"),
        )
    ]
    steps = [{"do": "resize", "width": 683, "height": 384}] + [{"do": "evaluate", "script": each} for each in scripts]
    driven = drive(pages, "op", f"/board?partner={batch.partition('.')[0]}", tmp_path, *steps)
    nothing, region, link, gone, marked = driven.gave[1:]
    assert nothing == [True, True, True, True, ""]
    assert region == [True, True, True, True, "wide"]
    assert link[:4] == [True, True, True, True]
    assert link[4]
    assert (gone[0], marked[0]) == (False, False), "the next time"
