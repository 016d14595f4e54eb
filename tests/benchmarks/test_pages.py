"""What the review's benchmark asks of the browser, and what it works out of the moments that come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.pages.review import steps, tell


@dataclass(frozen=True)
class Row:
    batch: str
    row: int
    causes: tuple[str, ...] = ("identity",)


def test_every_row_but_the_last_is_decided_by_two_keys() -> None:
    taken = steps([Row("a.b", row) for row in (3, 5, 9)])  # type: ignore[misc]
    keys = [each["key"] for each in taken if each["do"] == "press"]
    assert keys == ["p", "Enter"] * 2
    assert [each["text"] for each in taken if each["do"] == "wait"] == [f"a.b · 第 {row} 行" for row in (3, 5, 9)]
    assert [each["value"] for each in taken if each["do"] == "select"] == ["a.b", "identity", "archive"]


def test_deciding_ends_where_opening_begins(capsys: pytest.CaptureFixture[str]) -> None:
    """Key at 1000, next page asked for at 1150, there at 1400; the same 1000 later; then a slow one."""
    gave: list[Any] = [["archive"], [0, 10, 20], 0, [1000, 1150, 1400], 1, [2000, 2150, 2400], 0, [3000, 3300, 4000]]
    tell(gave, 4)
    told = capsys.readouterr().out
    assert [line.split("median")[1].split()[0].rstrip(",") for line in told.splitlines()] == ["250", "150", "400", "2"]
    assert "at most   700 ms, 3 rows" in told
    assert "at most 3; and the reason" in told


def test_a_row_that_was_not_shown_is_no_figure() -> None:
    with pytest.raises(SystemExit, match="not every row"):
        tell([[0, 10, 20], 0], 2)
