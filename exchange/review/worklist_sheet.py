"""A work list as a workbook: drop-downs with what may be answered, everything else locked, printed across A4.

Rules: texts only, the same list gives the same bytes (``base/xlsx.py``); the sheet is locked without a password, so
that nothing is changed by accident; that nothing was changed on purpose, each line's MAC shows.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from exchange.base.xlsx import new_workbook

SHEET: Final = "核实清单"
NOTES: Final = "填写说明"
_A4: Final = 9
_WIDTHS: Final = {
    "批次号": 13, "行号": 5, "责任单位": 8, "核查内容": 26, "登记情况": 30,
    "业务和违法犯罪记录": 24, "建议答复": 17, "照建议": 7,
}  # fmt: skip
_WIDTH: Final = 12
_LINE_POINTS: Final = 15
_MAX_POINTS: Final = 400
_NARROW: Final = 0x2E7F
_UNSEEN: Final = ("版本", "校验")
_LINES: Final = {"border": 1, "text_wrap": True, "valign": "top", "num_format": "@"}
_NOTES: Final = (
    ("照建议", "填“是”，即照“建议答复”一栏原样答复；只改其中一项的，在该项“结论”栏另选。"),
    (
        "结论",
        "每个待定事项各占一栏，从下拉列表中选；标“—”的行此项不需核实。号码与姓名不一致或库中无此号的，其余各项不必填。",
    ),
    ("依据", "从下拉列表中选。选“其他（见备注）”的须填备注。"),
    ("备注", "选填，不超过200字，不得填写身份证号。"),
    ("", "“照建议”和各“结论”栏均未填的行不处理。其余各栏已锁定，不得改动；可以筛选。"),
)


def write_sheet(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    choices: Mapping[str, Sequence[str]],
    *,
    shown: Sequence[str],
    kept: Sequence[str],
) -> bytes:
    """The workbook. ``choices``: header → words to choose from; ``shown``: headers of what is locked; ``kept``: of what
    is locked and hidden. What is neither is the officer's.
    """
    content = io.BytesIO()
    with new_workbook(content) as book:
        head = book.add_format(_LINES | {"bold": True, "bg_color": "#DDEBF7"})
        locked = book.add_format(_LINES | {"bg_color": "#F2F2F2"})
        free = book.add_format(_LINES | {"locked": False})
        page = book.add_worksheet(SHEET)
        page.write_row(0, 0, headers, head)
        for column, header in enumerate(headers):
            own = header not in shown and header not in kept
            page.set_column(column, column, _WIDTHS.get(header, _WIDTH), None, {"hidden": header in kept})
            for number, row in enumerate(rows, start=1):
                page.write_string(number, column, row[column], free if own and not row[column] else locked)
            if header in choices and rows:
                page.data_validation(1, column, len(rows), column, _choice(header, choices[header]))
        page.set_row(0, 2 * _LINE_POINTS)
        for number, row in enumerate(rows, start=1):
            page.set_row(number, _height(headers, row))
        _lay_out(page, len(rows), len(headers))
        _write_notes(book, head)
    return content.getvalue()


def _choice(header: str, words: Sequence[str]) -> dict[str, Any]:
    message = "请从下拉列表中选择。 Choose from the list."
    return {"validate": "list", "source": list(words), "error_title": header[:32], "error_message": message}


def _height(headers: Sequence[str], row: Sequence[str]) -> float:
    """Points that the longest cell needs."""
    cells = zip(headers, row, strict=True)
    lines = [_lines(text, _WIDTHS.get(header, _WIDTH)) for header, text in cells if header not in _UNSEEN]
    return float(min(_MAX_POINTS, _LINE_POINTS * max(lines)))


def _lines(text: str, width: int) -> int:
    """How many lines a text takes; a Chinese character is as wide as two others, and a number is not parted."""
    return sum(
        1 + sum(1 + (ord(letter) > _NARROW) for letter in part) // max(1, width - 4) for part in text.split("\n")
    )


def _lay_out(page: Any, rows: int, columns: int) -> None:
    page.freeze_panes(1, 2)
    page.autofilter(0, 0, rows, columns - 1)
    page.protect("", {"autofilter": True, "format_columns": True, "format_rows": True, "sort": True})
    page.repeat_rows(0)
    _across_a4(page)
    page.set_footer("&C第 &P 页，共 &N 页&R含公民个人信息，用后销毁")


def _across_a4(page: Any) -> None:
    page.set_landscape()
    page.set_paper(_A4)
    page.set_margins(left=0.3, right=0.3, top=0.4, bottom=0.6)
    page.fit_to_pages(1, 0)


def _write_notes(book: Any, head: Any) -> None:
    beside, wrap = book.add_worksheet(NOTES), book.add_format({"text_wrap": True, "valign": "top"})
    beside.set_column(0, 0, 16)
    beside.set_column(1, 1, 90)
    beside.write_row(0, 0, ("栏 column", "怎样填 how"), head)
    for number, row in enumerate(_NOTES, start=1):
        beside.write_row(number, 0, row, wrap)
    _across_a4(beside)
