"""Workbooks as spreadsheet programs write them, and with a part changed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from openpyxl.worksheet.worksheet import Worksheet

from exchange.base.errors import Refused
from exchange.validate.workbook import read_workbook

ITEMS = ("id_number", "sex")
HEADER = ("业务编号", "公民身份号码", "姓名", "性别")
SOUND = ("R1", "11010519491231002X", "张三", "女")


def book(*rows: Sequence[Any], change: Callable[[openpyxl.Workbook, Worksheet], object] | None = None) -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert isinstance(sheet, Worksheet)
    for row in (HEADER, *rows):
        sheet.append(list(row))
    if change is not None:
        change(made, sheet)
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


def book_of_shared_texts(*rows: Sequence[Any]) -> bytes:
    """The same by XlsxWriter, which keeps texts as spreadsheet programs do: once each, named by number."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False}) as made:
        sheet = made.add_worksheet()
        for place, row in enumerate((HEADER, *rows)):
            sheet.write_row(place, 0, row)
    return content.getvalue()


def altered(content: bytes, name: str, change: Callable[[bytes], bytes], extra: str | None = None) -> bytes:
    """The same workbook with one part changed, and a further one beside it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(old.read(part)) if part == name else old.read(part))
        if extra is not None:
            new.writestr(extra, b"x")
    return out.getvalue()


def without(content: bytes, name: str) -> bytes:
    """The same workbook, one part left out that others still relate to."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
SHARED = "xl/sharedStrings.xml"


def refused(content: bytes, rows: int = 1, sheet: str | None = None) -> Refused:
    with pytest.raises(Refused) as found:
        read_workbook(content, sheet, ITEMS, rows)
    return found.value
