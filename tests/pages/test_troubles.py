"""Below the board: whatever one partner leaves in its folder, the others' troubles are seen."""

from __future__ import annotations

import pytest

from exchange.app import App
from exchange.pages.troubles import MOST_OF_ONE, _unfinished


@pytest.mark.parametrize("number", [1, MOST_OF_ONE, MOST_OF_ONE + 1, 1000])
def test_a_folder_full_of_incomplete_sets_is_a_few_lines_and_a_number(app: App, number: int) -> None:
    full, other = "education-jilin", "health-jilin"
    left = {f"set-{count:04}": (f"{count}", "data_missing") for count in range(number)}
    app.register.unfinished.see_all(full, left, app.now())
    app.register.unfinished.see(other, "set", "-", "data_missing", app.now())
    try:
        lines = list(_unfinished(app))
        mine = [line for line in lines if line.about == full]
        assert [line.about for line in lines if line.about != full] == [other]
        assert len(mine) == min(number, MOST_OF_ONE) + (number > MOST_OF_ONE)
        if number > MOST_OF_ONE:
            assert str(number - MOST_OF_ONE) in mine[-1].words.en
            assert str(number - MOST_OF_ONE) in mine[-1].words.zh
    finally:
        for partner in (full, other):
            app.register.unfinished.finished(partner, [])
    assert not [line for line in _unfinished(app) if line.about in (full, other)]
