"""XLSX workbooks that the office writes: one sheet of rows, one of notes beside it.

Rules
- Every cell is a text: nothing in it is ever run as a formula, and a number keeps all its digits.
- The same content gives the same bytes: no clock, no names of this machine.
- Nothing plain is written to disk. XlsxWriter makes the workbook with its header, in memory; the rows, which it would
  take one cell at a time, are put in by Polars (100,000 rows of eight columns: 1 s against 6 s).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl
import xlsxwriter

MAX_SHEET_ROWS: Final = 1_048_575
"""Rows below the header; the format's own limit."""

MAX_WRITTEN_CELL: Final = 16_383
"""Characters kept of a text: the format allows 32,767 units of UTF-16, and a rare character is two."""

FIXED_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
_SHEET: Final = "xl/worksheets/sheet1.xml"
_CHUNK_ROWS: Final = 20_000
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "_x": "_x005F_x"} | {
    chr(code): f"_x{code:04X}_" for code in (*range(9), *range(11, 32), 0xFFFE, 0xFFFF)
}
_CELL_MARKUP: Final = 80
"""Bytes of markup around a cell's text, at most."""


def new_workbook(content: io.BytesIO) -> xlsxwriter.Workbook:
    """A workbook that is made in memory, with texts only."""
    book = xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": FIXED_TIME.replace(tzinfo=None)})
    return book


def write_workbook(table: pl.DataFrame, sheet: str, notes: Sequence[Sequence[str]], notes_sheet: str) -> bytes:
    """The file's bytes. ``table``: String columns, whose names are the header; ``notes``: the other sheet's rows."""
    content = io.BytesIO()
    with new_workbook(content) as book:
        bold = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
        page = book.add_worksheet(sheet)
        page.write_row(0, 0, table.columns, bold)
        page.freeze_panes(1, 0)
        page.set_column(0, max(table.width - 1, 0), 22)
        page.autofilter(0, 0, table.height, max(table.width - 1, 0))
        beside = book.add_worksheet(notes_sheet)
        beside.set_column(0, 2, 34)
        for position, row in enumerate(notes):
            beside.write_row(position, 0, row)
    return _with_rows(content, table)


def _with_rows(content: io.BytesIO, table: pl.DataFrame) -> bytes:
    """The workbook with the table's rows below the header of its first sheet."""
    out = io.BytesIO()
    with zipfile.ZipFile(content) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as whole:
        for name in made.namelist():
            part = zipfile.ZipInfo(name, _ZIP_TIME)
            part.compress_type = zipfile.ZIP_DEFLATED
            with whole.open(part, "w", force_zip64=name == _SHEET and _may_be_huge(table)) as stream:
                for piece in _sheet(made.read(name), table) if name == _SHEET else [made.read(name)]:
                    stream.write(piece)
    return out.getvalue()


def _may_be_huge(table: pl.DataFrame) -> bool:
    """Whether the sheet may exceed a ZIP entry's 32-bit sizes, so that ZIP64 is needed."""
    return int(table.estimated_size()) * 7 + table.height * table.width * _CELL_MARKUP > 1 << 31


def _sheet(xml: bytes, table: pl.DataFrame) -> Iterator[bytes]:
    """The sheet's XML: what XlsxWriter made, with the rows before the end of the data."""
    before, end, after = xml.partition(b"</sheetData>")
    width = max(table.width - 1, 0)
    last = f"{xlsxwriter.utility.xl_col_to_name(width)}{table.height + 1}"
    head = before.partition(b"<dimension ref=")
    yield head[0] + f'<dimension ref="A1:{last}"/>'.encode() + head[2].partition(b"/>")[2]
    numbered = table.with_row_index("number", offset=2).with_columns(pl.col("number").cast(pl.String))
    for rows in numbered.iter_slices(_CHUNK_ROWS):
        yield "".join(rows.select(_row(table.columns)).to_series()).encode()
    yield end + after


def _row(columns: Sequence[str]) -> pl.Expr:
    """One ``row`` element for each row."""
    pieces: list[Any] = [pl.lit('<row r="'), pl.col("number"), pl.lit('">')]
    for position, column in enumerate(columns):
        text = pl.col(column)
        start = f'<c r="{xlsxwriter.utility.xl_col_to_name(position)}'
        cell = pl.concat_str(
            pl.lit(start),
            pl.col("number"),
            pl.lit('" t="inlineStr"><is><t xml:space="preserve">'),
            text.str.slice(0, MAX_WRITTEN_CELL).str.replace_many(_ESCAPES),
            pl.lit("</t></is></c>"),
        )
        pieces.append(pl.when(text == "").then(pl.lit("")).otherwise(cell))
    return pl.concat_str(*pieces, pl.lit("</row>"))
