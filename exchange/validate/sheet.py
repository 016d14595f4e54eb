"""The rows of one sheet, from the elements of its XML part as they stream by; the rules are told in ``workbook.py``.

What ``handlers`` gives is called some five times for every cell: local names, no calls that can be spared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from exchange.base.errors import Refused
from exchange.validate.cells import has_text, number_text, unescaped
from exchange.validate.columns import read_header, without_empty
from exchange.validate.package import Attributes, End, Start, Text
from exchange.validate.table import ROW_FAULT, check_rows, has_references, read_cells, with_left_out

MAX_CELL_LETTERS: Final = 4096
"""Characters; the longest honest cell, an address, stays under two hundred."""

MAX_TEXT_LETTERS: Final = 1 << 29
"""Bytes of all rows (twice, as they are put together in the end) and of the texts that cells share, in memory: 512 MiB.
A full sheet of 1,048,576 rows in four columns takes some 400; beyond it the list may come as CSV."""

MAX_COLUMNS: Final = 64
MAX_SHEET_ROW: Final = 1_048_576
"""The format's own greatest row number."""

LETTERS_KEPT: Final = 16 * MAX_CELL_LETTERS
"""Of one text, as it is written: more than any cell may hold, however its characters are escaped, so that whoever shows
it is refused by its row."""

_SERIAL: Final = r"^\s*([0-9]{4,5})\s*$"
_SERIALS_OF_1904: Final = (2_192, 71_588)
"""1910 to 2099, as ``matching/dates.py`` takes those that count from 1900; no year is among them."""

_MERGES: Final = 100_000
_CHUNK_ROWS: Final = 2_000
_CHUNK_LETTERS: Final = 4 * 1024 * 1024
"""Of the rows that wait to be counted. They are held once however many cells show a text, and are written out for each
of them then: two thousand rows of the longest texts are two gigabytes."""

_DIGITS: Final = "0123456789"
_XML_BLANKS: Final = " \t\r\n"
_CELL: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


@dataclass(frozen=True)
class CellReader:
    """What cells are read by: the shared texts, what of a date the styles show, by their numbers, the calendar."""

    texts: Sequence[str]
    dates: Mapping[str, str]
    from_1904: bool


class Sheet:
    """The header, the rows, and what is wrong with which."""

    def __init__(self) -> None:
        self.header: list[str] = []
        self.numbers: list[int] = []
        """Row numbers in the sheet, one for each data row."""
        self.header_row = 0
        self.from_1904 = False
        self._rows: list[list[str]] = []
        self._letters = 0
        self._frames: list[pl.DataFrame] = []
        self._size = 0
        self._beyond: list[int] = []
        self._merges: list[tuple[int, int]] = []

    def add(self, number: int, row: list[str]) -> None:
        """A row with something in it; the first one is the header."""
        if not self.header_row:
            self.header, self.header_row = row, number
            return
        self._rows.append(row)
        self.numbers.append(number)
        self._letters += sum(map(len, row))
        if len(self._rows) == _CHUNK_ROWS or self._letters > _CHUNK_LETTERS:
            self._keep_rows()

    def cell_outside(self, row: list[str], column: int, text: str) -> None:
        """A cell to the right of the row as it is so far: it widens a header and is one too many anywhere else."""
        if self.header_row:
            if self._beyond[-1:] != [len(self.numbers)]:  # once for a row, however many cells lie out there
                self._beyond.append(len(self.numbers))
            return
        if column >= MAX_COLUMNS:
            raise Refused("column_unknown", column=f"#{column + 1}")
        row.extend([""] * (column - len(row)))
        row.append(text)

    def merge(self, reference: str) -> None:
        """Remembers merged cells (``B2:C4``) where they touch the header's columns."""
        corners = [_CELL.fullmatch(corner) for corner in reference.split(":")]
        first, last = corners[0], corners[-1]
        if first is None or last is None or not int(first[2]) <= int(last[2]) <= MAX_SHEET_ROW:
            raise Refused("workbook_format")
        if len(self._merges) == _MERGES:
            raise Refused("workbook_too_large")
        if len(corners) > 1 and column_number(first[1]) < max(len(self.header), 1):
            self._merges.append((int(first[2]), int(last[2])))

    def frame(self, items: Sequence[str], rows: int | None, form: str | None) -> pl.DataFrame:
        """The data rows in the sheet's order, String columns as ``validate.table.read_table`` gives them; Refused where
        header or count do not fit.
        """
        if any(first <= self.header_row <= last for first, last in self._merges):
            raise Refused("header_merged", row=0)
        codes = read_header(self.header, items, form)
        table = self.texts()
        self._beyond += _filled(table[:, len(codes) :])
        table = table[:, : len(codes)]
        table.columns = codes
        table = without_empty(table)
        check_rows(table.height, rows, referred=has_references(table))
        table = read_cells(table.with_columns(self._faults()), table.columns)
        return with_left_out(_days_of_1904(table) if self.from_1904 else table, items, form)

    def texts(self) -> pl.DataFrame:
        """The data rows, String, in the sheet's order under their places in the header (``0``, ``1`` …); ``numbers``
        has their rows in the sheet.
        """
        if self._rows or not self._frames:
            self._keep_rows()
        return pl.concat(self._frames, rechunk=True)

    def _keep_rows(self) -> None:
        schema = {str(position): pl.String for position in range(len(self.header))}
        columns = list(zip(*self._rows, strict=True)) if self._rows else None
        frame = pl.DataFrame(columns, schema=schema, orient="col")
        self._rows, self._letters = [], 0
        self._frames.append(frame)
        self.keep_bytes(2 * int(frame.estimated_size()))

    def keep_bytes(self, size: int) -> None:
        """Counts what is held in memory; Refused where it is too much."""
        self._size += size
        if self._size > MAX_TEXT_LETTERS:
            raise Refused("workbook_too_large")

    def _faults(self) -> pl.Series:
        """For each row the code of what is wrong with it as a row, or null."""
        edges = np.zeros(MAX_SHEET_ROW + 2, dtype=np.int64)
        for first, last in self._merges:
            edges[first] += 1
            edges[last + 1] -= 1
        merged = np.cumsum(edges)[self.numbers] > 0
        beyond = np.zeros(len(self.numbers), dtype=bool)
        beyond[self._beyond] = True
        faults = pl.DataFrame({"merged": merged, "beyond": beyond}).select(
            pl.when("merged").then(pl.lit("row_merged")).when("beyond").then(pl.lit("row_fields")).alias(ROW_FAULT)
        )
        return faults.to_series()


def _days_of_1904(table: pl.DataFrame) -> pl.DataFrame:
    """The rows with the days that stand as bare numbers in the columns of days; a year (``2015``) stays one."""
    days = [pl.col(name) for name in table.columns if name.endswith("date")]
    serial = [day.str.extract(_SERIAL, 1).cast(pl.Int64) for day in days]
    return table.with_columns(
        pl.when(number.is_between(*_SERIALS_OF_1904))
        .then((pl.lit(date(1904, 1, 1)) + pl.duration(days=number)).dt.to_string("%Y-%m-%d"))
        .otherwise(day)
        .alias(day.meta.output_name())
        for day, number in zip(days, serial, strict=True)
    )


def _filled(surplus: pl.DataFrame) -> list[int]:
    """The rows that have a text behind the header's last word."""
    if not surplus.width:
        return []
    return surplus.select(pl.any_horizontal(pl.all() != "")).to_series().arg_true().to_list()


def handlers(sheet: Sheet, cells: CellReader) -> tuple[Start, End, Text]:
    """What a parser calls for the start and the end of an element, and for text, to fill the sheet."""
    texts, dates, from_1904 = cells.texts, cells.dates, cells.from_1904
    columns: dict[str, int] = {}
    pieces: list[str] = []
    row: list[str] = []
    number = letters = 0
    column = -1
    kind = style = ""
    filled = phonetic = inside = False

    def start(element: str, given: Attributes) -> None:
        nonlocal row, number, letters, column, kind, style, filled, phonetic, inside
        if element in ("v", "t"):
            inside = not phonetic
        elif element == "c":
            reference = given.get("r")
            if reference is None:
                column += 1
            else:
                name = reference.rstrip(_DIGITS)
                if name not in columns:
                    columns[name] = column_number(name)
                column = columns[name]
            kind = given.get("t", "n")
            style = given.get("s", "0")
            pieces.clear()
            letters = 0
        elif element == "row":
            number = _next_row(given.get("r"), number)
            row = [""] * len(sheet.header)
            column = -1
            filled = False
        elif element == "rPh":
            phonetic = True
        elif element == "mergeCell":
            sheet.merge(given.get("ref", ""))

    def end(element: str) -> None:
        nonlocal phonetic, inside, column
        inside = False
        if element == "v":
            if pieces:
                cell("".join(pieces))
        elif element == "is":
            cell(unescaped("".join(pieces)))
        elif element == "row":
            if filled:
                sheet.add(number, row)
            column = -1  # what an extension behind the rows says is no cell
        elif element == "rPh":
            phonetic = False

    def cell(value: str) -> None:
        nonlocal filled
        if kind == "s":
            value = _shared(texts, value.strip(_XML_BLANKS))
        elif kind == "n":
            value = number_text(value, shown=dates.get(style, ""), from_1904=from_1904)
        elif kind == "b":
            value = "TRUE" if value.strip(_XML_BLANKS) == "1" else "FALSE"
        elif kind == "str":
            value = unescaped(value)
        if len(value) > MAX_CELL_LETTERS:
            raise Refused("line_too_long", row=len(sheet.numbers) + 1 if sheet.header_row else 0)
        if not has_text(value):
            return
        if column < 0 or not number:  # a value outside of every row or cell
            raise Refused("workbook_format")
        filled = True
        if column < len(row):
            if row[column]:  # which of the two whoever opened it saw is not known
                raise Refused("workbook_format")
            row[column] = value
        else:
            sheet.cell_outside(row, column, value)

    def text(piece: str) -> None:
        nonlocal letters
        if inside:
            pieces.append(piece)
            letters += len(piece)
            if letters > LETTERS_KEPT:
                raise Refused("line_too_long", row=len(sheet.numbers) + 1 if sheet.header_row else 0)

    return start, end, text


def _next_row(stated: str | None, last: int) -> int:
    """The row's number: the stated one, which only grows, or the next."""
    if stated is None:
        number = last + 1
    elif stated.isascii() and stated.isdigit() and len(stated) < 10:
        number = int(stated)
    else:
        raise Refused("workbook_format")
    if not last < number <= MAX_SHEET_ROW:
        raise Refused("workbook_format")
    return number


def _shared(texts: Sequence[str], position: str) -> str:
    """The text of this number; blanks alone are no number, and no cell."""
    if not position:
        return ""
    try:
        return texts[int(position) if position.isascii() and position.isdigit() else len(texts)]
    except (IndexError, ValueError):
        raise Refused("workbook_format") from None


def column_number(letters: str) -> int:
    """A is 0; Refused where it is no column."""
    if not (1 <= len(letters) <= 3 and letters.isascii() and letters.isalpha() and letters.isupper()):
        raise Refused("workbook_format")
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
