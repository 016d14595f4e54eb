"""The demo's table fits a terminal of 80 columns, whatever came back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from exchange.cli.demo import _table
from exchange.demo.play import Expectation, PlayOutcome

WIDTH = 80


@pytest.mark.parametrize("refused_for", [None, "data_hash"])
def test_it_fits_and_no_word_is_cut(refused_for: str | None) -> None:
    batch = "social-security-yanbian.quarterly-1128091553"
    expectation = Expectation(cast("Any", SimpleNamespace()), batch, "kindergarten 幼儿园", 0.0, refused_for)
    answers = {"id_number_scientific": 20, "awaiting_approval": 459}
    outcome = PlayOutcome(expectation, 120.0, "2026-12-04", 2000, answers, None)
    console = Console(width=4 * WIDTH)
    table = _table([outcome])
    assert console.measure(table).maximum <= WIDTH
    with console.capture() as printed:
        console.print(table, width=WIDTH)
    for whole in ("social-security-yanbian", ".quarterly-1128091553", "2026-12-04", "id_number_scientific 20", "120 s"):
        assert whole in printed.get()
