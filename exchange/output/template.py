"""The XLSX template for one partner and purpose: a sheet to fill in, a handover sheet (材料交接单), and how to fill in.

Rules: the data sheet is the first one, has the columns of the items and no others, and every column is text, so that a
number keeps its digits. Lists and checks warn and never forbid: what may be written is decided when it is read, not
here. What the sheets say stands in ``schemas/template.toml``. The handover procedure is the one that Jilin's notice of
2015 asks for (材料交接手续); the sheet is printed and signed.
"""

from __future__ import annotations

import io
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import polars as pl
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from exchange.agreements.agreement import Agreement
from exchange.agreements.sections import Purpose
from exchange.base.paths import SCHEMAS
from exchange.base.tables import ITEMS, RequestColumn
from exchange.base.xlsx import MAX_SHEET_ROWS, new_workbook
from exchange.matching import unregistered
from exchange.validate.columns import columns_for

DATA_SHEET: Final = "核查数据"
HANDOVER_SHEET: Final = "材料交接单"
NOTES_SHEET: Final = "填写说明"
_VALUES_SHEET: Final = "值"
_WIDTH: Final = 24
_NOTES_WIDTH: Final = 60
_LINE: Final = 16
_NARROW: Final = 0x2E80
_A4: Final = 9
_LINES: Final = {"bold": True, "border": 1, "bg_color": "#DDEBF7", "text_wrap": True, "valign": "vcenter"}


@cache
def _texts() -> Mapping[str, Any]:
    return tomllib.loads((SCHEMAS / "template.toml").read_text(encoding="utf-8"))


def _values(kind: str) -> list[str]:
    """What may be chosen from."""
    if kind == "sex":
        return ["男", "女"]
    names: list[str] = pl.read_csv(SCHEMAS / "ethnicities.csv", infer_schema=False)["name"].to_list()
    return names


def write_template(agreement: Agreement, purpose: Purpose, items: Sequence[str]) -> bytes:
    """The workbook's bytes; ``items`` are among the purpose's."""
    content = io.BytesIO()
    with new_workbook(content) as book:
        head = book.add_format(_LINES)
        data = book.add_worksheet(DATA_SHEET)
        handover = book.add_worksheet(HANDOVER_SHEET)
        notes = book.add_worksheet(NOTES_SHEET)
        form = purpose.unregistered_by if tuple(items) == (unregistered.CODE,) else None
        columns = columns_for(items, form)
        _fill_data(book, data, columns, head)
        _fill_handover(book, handover, agreement, purpose, items)
        _fill_notes(book, notes, columns, head)
    return content.getvalue()


def _fill_data(book: Workbook, sheet: Worksheet, columns: Sequence[RequestColumn], head: Format) -> None:
    text = book.add_format({"num_format": "@"})
    sheet.set_column(0, len(columns) - 1, _WIDTH, text)
    sheet.freeze_panes(1, 0)
    hints = {entry["code"]: entry for entry in _texts()["column"]}
    values = [kind for kind in (hints.get(column.code, {}).get("values") for column in columns) if kind]
    if values:
        _fill_values(book, values)
    for position, column in enumerate(columns):
        sheet.write_string(0, position, column.zh[0], head)
        if column.code in hints:
            check = _check(column, position, hints[column.code], values)
            sheet.data_validation(1, position, MAX_SHEET_ROWS, position, check)
    sheet.repeat_rows(0)
    _one_page_wide(sheet)


def _check(column: RequestColumn, position: int, hint: Mapping[str, str], values: Sequence[str]) -> dict[str, Any]:
    """The hint that appears beside a chosen cell, and what is warned of."""
    check: dict[str, Any] = {"input_title": column.zh[0], "input_message": hint["zh"], "validate": "any"}
    if "values" in hint:
        letter = xl_col_to_name(values.index(hint["values"]))
        source = f"={_VALUES_SHEET}!${letter}$1:${letter}${len(_values(hint['values']))}"
        check |= {"validate": "list", "source": source}
    elif column.code == "id_number":
        cell = f"{xl_col_to_name(position)}2"
        check |= {"validate": "custom", "value": f"=OR(LEN({cell})=15,LEN({cell})=18)"}
    return check | {"error_type": "warning", "error_title": column.zh[0], "error_message": hint["zh"]}


def _fill_values(book: Workbook, kinds: Sequence[str]) -> None:
    sheet = book.add_worksheet(_VALUES_SHEET)
    sheet.hide()
    for position, kind in enumerate(kinds):
        sheet.write_column(0, position, _values(kind))


def _fill_handover(
    book: Workbook, sheet: Worksheet, agreement: Agreement, purpose: Purpose, items: Sequence[str]
) -> None:
    title = book.add_format({"bold": True, "font_size": 16, "align": "center", "valign": "vcenter"})
    label = book.add_format(_LINES | {"text_wrap": False})
    value = book.add_format({"border": 1, "num_format": "@", "text_wrap": True, "valign": "vcenter", "align": "left"})
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 62)
    sheet.set_row(0, 36)
    sheet.merge_range(0, 0, 0, 1, "材料交接单 Handover sheet", title)
    for position, (name, filled) in enumerate(_handover(agreement, purpose, items), start=1):
        sheet.set_row(position, 60 if "SHA-256" in name or "签名" in name else 24 + 16 * (len(filled) // 30))
        sheet.write_string(position, 0, name, label)
        if filled.startswith("="):
            sheet.write_formula(position, 1, filled, value, 0)
        else:
            sheet.write_string(position, 1, filled, value)
        if name.startswith("周期"):
            sheet.data_validation(position, 1, position, 1, {"validate": "list", "source": list(agreement.cycles)})
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 1)


def _handover(agreement: Agreement, purpose: Purpose, items: Sequence[str]) -> list[tuple[str, str]]:
    return [
        ("部门 Partner", f"{agreement.zh}（{agreement.partner}）"),
        ("会商协议编号 Agreement", agreement.number),
        ("批次号 Batch", f"{agreement.partner}."),
        (f"周期 Cycle（{'、'.join(agreement.cycles)}）", ""),
        ("期间 Period", ""),
        ("用途 Purpose", f"{purpose.zh}（{purpose.code}）"),
        ("法律依据 Legal basis", purpose.cited),
        ("核查事项 Items", "、".join(ITEMS[item].zh for item in items)),
        ("介绍信编号 Letter of introduction", ""),
        ("经办人 Handler", ""),
        ("行数 Rows", f"=COUNTA({DATA_SHEET}!A2:A{MAX_SHEET_ROWS + 1})"),
        ("数据文件名 Data file", f"{agreement.partner}."),
        ("数据文件 SHA-256（加密后，手填 by hand）", ""),
        ("移交人签名、日期 Handed over by, date", ""),
        ("接收人签名、日期 Received by, date", ""),
    ]


def _fill_notes(book: Workbook, sheet: Worksheet, columns: Sequence[RequestColumn], head: Format) -> None:
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 2, _NOTES_WIDTH + 4)
    rows = [(str(position), rule["zh"], rule["en"]) for position, rule in enumerate(_texts()["rule"], start=1)]
    hints = {entry["code"]: entry for entry in _texts()["column"]}
    hint_rows = [
        (column.zh[0] + "（可空）" * column.optional, hints[column.code]["zh"], hints[column.code]["en"])
        for column in columns
        if column.code in hints
    ]
    sheet.write_row(0, 0, ("填写说明 Notes", "中文", "English"), head)
    for position, row in enumerate([*rows, *hint_rows], start=1):
        sheet.set_row(position, _LINE * max(_lines(text) for text in row))
        sheet.write_row(position, 0, row, wrap)
    _one_page_wide(sheet)


def _lines(text: str) -> int:
    """How many lines a text of the notes takes; a Chinese character is as wide as two others."""
    return 1 + sum(1 + (ord(character) > _NARROW) for character in text) // _NOTES_WIDTH


def _one_page_wide(sheet: Worksheet) -> None:
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
