"""A share never says all or none where it is not, and is one number on the page and in the workbook."""

from __future__ import annotations

import io
from fractions import Fraction

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.supervision.labels import Words, heads
from exchange.supervision.page import ReportPage, text
from exchange.supervision.shares import on_time, percent, rounded
from exchange.supervision.table import Table
from exchange.supervision.workbook import write_report

PARTS = st.integers(1, 200_000).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))


@given(PARTS)
def test_all_and_none_are_said_of_nothing_else(parts: tuple[int, int]) -> None:
    part, whole = parts
    assert (percent(part / whole) == "100.0%") == (part == whole)
    assert (percent(part / whole) == "0.0%") == (part == 0)
    assert abs(Fraction(rounded(part / whole)) - Fraction(part, whole)) <= Fraction(1, 1000)


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(2999, 3000, "99.9%"), (1, 3000, "0.1%"), (1, 80, "1.3%"), (1, 8, "12.5%"), (2, 3, "66.7%"), (0, 7, "0.0%")],
)
def test_page_and_workbook_show_one_number(part: int, whole: int, shown: str) -> None:
    assert text("share", part / whole) == percent(part / whole) == shown
    head = heads()["answers"]
    table = Table(head, [[part / whole if column.kind == "share" else None for column in head.columns]])
    page = ReportPage(Words("月报", ""), [], [], {"answers": table}, {}, [])
    book = openpyxl.load_workbook(io.BytesIO(write_report(page)))
    (cell,) = [cell for cell in book[head.title.zh][2] if cell.value is not None]
    assert (f"{cell.value:.1%}", cell.number_format) == (shown, "0.0%")
    assert cell.value == rounded(part / whole), "no digit behind the one that is shown"


def test_there_is_no_share_of_nothing() -> None:
    assert percent(None) == "—"


@pytest.mark.parametrize(
    ("done", "late", "overdue", "share"),
    [(0, 0, 0, None), (4, 1, 0, 0.75), (3, 1, 1, 0.5), (0, 0, 2, 0.0), (2, 0, 0, 1.0)],
)
def test_on_time_counts_what_is_overdue_and_leaves_out_what_is_under_way(
    done: int, late: int, overdue: int, share: float | None
) -> None:
    assert on_time(done=done, late=late, overdue=overdue) == share
