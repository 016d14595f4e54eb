"""The report as it is read: one page and one workbook, the same figures, nothing fetched from anywhere."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import openpyxl
import pytest

from exchange.matching.divisions import division_name
from exchange.supervision.charts import draw_charts
from exchange.supervision.labels import Words, heads, span
from exchange.supervision.page import ReportPage, text, write_page
from exchange.supervision.summary import notes, sentences
from exchange.supervision.table import People
from exchange.supervision.tables import all_tables
from exchange.supervision.workbook import write_report

from .invented import MONTH, aggregates


def page(seed: int = 7, batches: int = 90) -> ReportPage:
    found = aggregates(seed, batches=batches)
    tables = all_tables(found, division_name)
    charts = draw_charts(found, tables, MONTH)
    title = Words("月报 <2026-10>", "report")
    return ReportPage(title, ["某厅 & 某总队"], sentences(tables), tables, charts, notes(MONTH, outside=True))


class Balanced(HTMLParser):
    """Fails at an end that fits no beginning; remembers what would be fetched."""

    VOID = frozenset({"meta", "br", "rect", "line"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [name for name, _ in attrs if name in ("src", "href", "srcset", "data", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_one_page_that_fetches_nothing() -> None:
    content = write_page(page()).decode()
    parser = Balanced()
    parser.feed(content)
    parser.close()
    assert (parser.open, parser.fetched) == ([], [])
    assert not re.search(r"https?:|//|@import|url\(|<script|javascript:", content.partition("</style>")[2])
    assert "default-src 'none'" in content
    assert content.count("<svg") == 4
    assert "月报 &lt;2026-10&gt;" in content
    assert "某厅 &amp; 某总队" in content


def test_the_same_figures_are_the_same_bytes() -> None:
    assert write_page(page()) == write_page(page())
    assert write_report(page()) == write_report(page())
    assert write_page(page(8)) != write_page(page())


def test_the_workbook_says_what_the_page_says() -> None:
    made = page()
    book = openpyxl.load_workbook(io.BytesIO(write_report(made)))
    assert book.sheetnames == ["概要", *[head.title.zh for head in heads().values()]]
    for sheet, table in zip(book.worksheets[1:], made.tables.values(), strict=True):
        first, *rows = sheet.iter_rows(max_row=1 + len(table.rows), max_col=len(table.head.columns), values_only=True)
        assert [str(cell).split("\n")[0] for cell in first] == [column.words.zh for column in table.head.columns]
        for row, values in zip(rows, table.rows, strict=True):
            for cell, value, column in zip(row, values, table.head.columns, strict=True):
                if column.kind in ("files", "people"):
                    assert cell == (value.n if isinstance(value, People) else value)
                elif column.kind == "word":
                    assert (cell or "") == (value or "")


def test_a_month_without_anything() -> None:
    empty = page(batches=0)
    content = write_page(empty).decode()
    assert "收到核查请求 0 批" in content
    assert "本月没有。" in content
    assert write_report(empty)


def test_chinese_first_and_english_beside_it() -> None:
    for head in heads().values():
        for words in (head.title, *[column.words for column in head.columns]):
            assert re.search("[一-鿿]", words.zh)
            assert re.search("[a-z]", words.en)
    for each in notes(replace(MONTH, whole=False), outside=True):
        assert "{" not in each.zh + each.en


@pytest.mark.parametrize(
    ("seconds", "read"),
    [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2 h"), (172_800, "2.0 d")],
)
def test_times_in_the_unit_that_fits(seconds: float, read: str) -> None:
    assert span(seconds) == read
    assert text("span", seconds + 0.0) == read


def test_the_sum_of_the_answers_is_the_sum_of_the_batches() -> None:
    made = page()
    total = made.tables["batches"].total
    assert total is not None
    identity = [row[2] for row in made.tables["answers"].rows if "号码与姓名 " in str(row[0])]
    assert isinstance(total[-1], People)
    assert total[-1].n == sum(each.n for each in identity if isinstance(each, People)) > 0
