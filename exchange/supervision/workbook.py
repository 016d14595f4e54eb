"""The report as a workbook: a sheet for each table, numbers as numbers, the same content as on the page."""

from __future__ import annotations

import io
from typing import Any, Final

from xlsxwriter.worksheet import Worksheet

from exchange.base.xlsx import new_workbook
from exchange.supervision.labels import Kind
from exchange.supervision.page import ReportPage
from exchange.supervision.shares import rounded
from exchange.supervision.table import People, Table, Value

_SUMMARY: Final = "概要"
_WIDTHS: Final = {"word": 26, "files": 12, "people": 12, "share": 12, "span": 14}
_SECONDS_A_DAY: Final = 86_400


def write_report(page: ReportPage) -> bytes:
    """The workbook's bytes, the same for the same page."""
    content = io.BytesIO()
    with new_workbook(content) as book:
        formats: dict[str, Any] = {
            "head": book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True}),
            "title": book.add_format({"bold": True, "font_size": 14}),
            "text": book.add_format({"text_wrap": True, "valign": "top"}),
            "files": book.add_format({"num_format": "#,##0"}),
            "people": book.add_format({"num_format": "#,##0", "align": "right"}),
            "share": book.add_format({"num_format": "0.0%"}),
            "span": book.add_format({"num_format": "[h]:mm:ss"}),
            "word": book.add_format(),
        }
        _first(book.add_worksheet(_SUMMARY), page, formats)
        for table in page.tables.values():
            _sheet(book.add_worksheet(table.head.title.zh[:31]), table, formats)
    return content.getvalue()


def _first(sheet: Worksheet, page: ReportPage, formats: dict[str, Any]) -> None:
    sheet.set_column(0, 0, 110)
    sheet.write_string(0, 0, str(page.title), formats["title"])
    lines = [*page.facts, "", *[f"{words.zh}\n{words.en}" for words in (*page.summary, *page.notes)]]
    for row, line in enumerate(lines, start=1):
        sheet.write_string(row, 0, line, formats["text"])


def _sheet(sheet: Worksheet, table: Table, formats: dict[str, Any]) -> None:
    columns = table.head.columns
    for position, column in enumerate(columns):
        sheet.set_column(position, position, _WIDTHS[column.kind])
        sheet.write_string(0, position, f"{column.words.zh}\n{column.words.en}", formats["head"])
    sheet.freeze_panes(1, 0)
    rows = [*table.rows, table.total] if table.total else table.rows
    for number, row in enumerate(rows, start=1):
        for position, (column, value) in enumerate(zip(columns, row, strict=True)):
            _cell(sheet, number, position, column.kind, value, formats[column.kind])
    if table.head.note.zh:
        sheet.write_string(len(rows) + 2, 0, str(table.head.note))


def _cell(sheet: Worksheet, row: int, position: int, kind: Kind, value: Value, form: Any) -> None:
    if isinstance(value, People):
        value = str(value) if value.hidden else value.n
    if kind == "share" and isinstance(value, float):
        value = rounded(value)
    if kind == "span" and isinstance(value, float):
        value = value / _SECONDS_A_DAY
    if isinstance(value, str):
        sheet.write_string(row, position, value, form)
    elif value is not None:
        sheet.write_number(row, position, value, form)
