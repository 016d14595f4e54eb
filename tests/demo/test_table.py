"""The demo's tables fit a terminal of 80 columns, whatever came back; the one that one watches, of 24 lines, too."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from exchange.cli.demo import _standing, _table
from exchange.demo.play import Expectation, PlayOutcome

WIDTH, LINES = 80, 24
BATCH = "social-security-yanbian.quarterly-1128091553"


@pytest.mark.parametrize("refused_for", [None, "data_hash"])
def test_it_fits_and_no_word_is_cut(refused_for: str | None) -> None:
    expectation = _expectation(refused_for)
    answers = {"id_number_scientific": 20, "awaiting_approval": 459}
    outcome = PlayOutcome(expectation, 120.0, "2026-12-04", 2000, answers, None)
    console = Console(width=4 * WIDTH)
    table = _table([outcome])
    assert console.measure(table).maximum <= WIDTH
    with console.capture() as printed:
        console.print(table, width=WIDTH)
    for whole in ("social-security-yanbian", ".quarterly-1128091553", "2026-12-04", "id_number_scientific 20", "120 s"):
        assert whole in printed.get()


def test_who_waits_sees_each_batch_whatever_came_back_of_the_others() -> None:
    answers = {f"code_{number}": number for number in range(20)}
    problems = [None, None, None, "no answer yet", "accepted, no result yet", "answers not as planted: criminal_record"]
    refused = PlayOutcome(_expectation("data_hash"), 20.0, problem=None)
    outcomes = [PlayOutcome(_expectation(None), 120.0, "2026-12-04", 2000, answers, problem) for problem in problems]
    console = Console(width=WIDTH, height=LINES)
    lines = console.render_lines(_standing([*outcomes, refused, refused]), pad=False)
    assert len(lines) < LINES
    printed = ["".join(segment.text for segment in line) for line in lines]
    assert sum(BATCH in line for line in printed) == 8
    assert [line for line in printed if "refused, rightly" in line and " 20 s " in line]


def _expectation(refused_for: str | None) -> Expectation:
    return Expectation(cast("Any", SimpleNamespace()), BATCH, "kindergarten 幼儿园", 0.0, refused_for)
