"""The rows of a request's XLSX workbook, as text, in the order in which they stand: the same frame as of a CSV file.

Rules
- The sheet that the manifest names, else the first that is not hidden. Its first row with anything in it is the header.
- No row is dropped: a hidden or filtered row is a row like any other, as it is when a spreadsheet saves CSV; who hid
  rows to leave them out finds the manifest's count of rows against it. A row whose cells are all empty is no row.
- Merged cells: in the header they refuse the set, because which column is whose cannot be told; below it the rows that
  they touch keep their place with ``row_fault`` set. So does a row with something beyond the header's columns.
- What a formula last gave is what it says; formulas are never computed here.
- What is kept in memory is bounded by rows and by the length of a cell, however small the file is that says it.

Why no library: a streaming parser bounds memory, where those that hold a sheet as one dense area (calamine and all that
build on it) end the process for a file of 5 kB with one cell in the last corner. 100,000 rows of seven columns take 3 s
here, 1.3 s with calamine, 8 s with openpyxl.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from exchange.errors import Refused
from exchange.validate.cells import BUILT_IN_DATES, is_date_format, number_text, unescaped
from exchange.validate.columns import columns_for, read_header
from exchange.validate.package import Attributes, Package
from exchange.validate.table import ROW_FAULT

GREATEST_CELL: Final = 4096
"""Characters; the longest honest cell, an address, stays under two hundred."""

GREATEST_TEXT: Final = 1 << 30
"""Bytes of all rows together, in memory."""

GREATEST_WIDTH: Final = 64
GREATEST_ROW: Final = 1_048_576
"""The format's own greatest row number."""

_MERGES: Final = 100_000
_SHARED_TEXTS: Final = 16 * GREATEST_ROW
_ROWS_AT_ONCE: Final = 2_000
_CELL: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_FORMAT: Final = "workbook_format"


def read_workbook(content: bytes, sheet: str | None, items: Sequence[str], rows: int) -> pl.DataFrame:
    """The claimed values, as ``validate.table.read_table`` gives them. Refused where workbook, header or count do not
    fit.
    """
    package = Package(content)
    main = _one(package, "", "officeDocument")
    book = _read_book(package, main)
    reader = _SheetReader(_shared_texts(package, main), _date_styles(package, main), from_1904=book.from_1904)
    package.parse(_part_of(package, main, book.sheets, sheet), reader.start, reader.end, reader.text)
    return reader.frame(items, rows)


@dataclass
class _Book:
    sheets: list[tuple[str, str, bool]] = field(default_factory=list)
    """Name, relation id, whether it is shown."""
    from_1904: bool = False


def _one(package: Package, part: str, kind: str) -> str:
    """The part that this one relates to as ``kind``; empty where there is none."""
    return next((target for found, target in package.relations(part).values() if found == kind), "")


def _read_book(package: Package, main: str) -> _Book:
    book = _Book()

    def start(element: str, given: Attributes) -> None:
        if element == "sheet":
            relation = next((value for name, value in given.items() if name.endswith(":id")), "")
            book.sheets.append((given.get("name", ""), relation, given.get("state", "visible") == "visible"))
        elif element == "workbookPr":
            book.from_1904 = given.get("date1904") in ("1", "true")

    package.parse(main, start)
    return book


def _part_of(package: Package, main: str, sheets: Sequence[tuple[str, str, bool]], wanted: str | None) -> str:
    """The part of the sheet with this name, or of the first that is shown."""
    relations = package.relations(main)
    for name, relation, shown in sheets:
        kind, part = relations.get(relation, ("", ""))
        if kind == "worksheet" and (shown if wanted is None else name == wanted):
            return part
    raise Refused("sheet_missing", column="data.sheet")


def _shared_texts(package: Package, main: str) -> list[str]:
    """The texts that cells name by number; phonetic hints are no part of them."""
    part = _one(package, main, "sharedStrings")
    texts: list[str] = []
    pieces: list[str] = []
    inside = phonetic = False

    def start(element: str, _: Attributes) -> None:
        nonlocal inside, phonetic
        if element == "si":
            pieces.clear()
        phonetic = phonetic or element == "rPh"
        inside = element == "t" and not phonetic

    def end(element: str) -> None:
        nonlocal inside, phonetic
        inside = False
        if element == "rPh":
            phonetic = False
        elif element == "si":
            texts.append(unescaped("".join(pieces)))
            if len(texts) > _SHARED_TEXTS:
                raise Refused("workbook_too_large")

    def text(piece: str) -> None:
        if inside:
            pieces.append(piece)

    if part:
        package.parse(part, start, end, text)
    return texts


def _date_styles(package: Package, main: str) -> frozenset[str]:
    """The numbers of the cell styles that show a date."""
    part = _one(package, main, "styles")
    custom: dict[str, bool] = {}
    formats: list[str] = []
    inside = False

    def start(element: str, given: Attributes) -> None:
        nonlocal inside
        if element == "numFmt":
            custom[given.get("numFmtId", "")] = is_date_format(given.get("formatCode", ""))
        elif element == "cellXfs":
            inside = True
        elif element == "xf" and inside:
            formats.append(given.get("numFmtId", "0"))

    def end(element: str) -> None:
        nonlocal inside
        inside = inside and element != "cellXfs"

    if part:
        package.parse(part, start, end)
    dates = {str(number) for number in BUILT_IN_DATES} | {number for number, date in custom.items() if date}
    return frozenset(str(place) for place, number in enumerate(formats) if number in dates)


class _SheetReader:
    """One pass over a sheet's elements; ``frame`` is what they amount to."""

    def __init__(self, shared: Sequence[str], dates: frozenset[str], *, from_1904: bool) -> None:
        self._shared = shared
        self._dates = dates
        self._from_1904 = from_1904
        self._columns: dict[str, int] = {}
        self._header: list[str] = []
        self._header_row = 0
        self._rows: list[list[str]] = []
        self._frames: list[pl.DataFrame] = []
        self._numbers: list[int] = []
        self._size = 0
        self._beyond: list[int] = []
        self._merges: list[tuple[int, int]] = []
        self._row_number = 0
        self._row: list[str] = []
        self._filled = False
        self._column = -1
        self._kind = ""
        self._style = ""
        self._pieces: list[str] = []
        self._value = ""
        self._phonetic = False

    def start(self, element: str, given: Attributes) -> None:
        if element == "c":
            self._start_cell(given)
        elif element in ("v", "t"):
            self._pieces.clear()
        elif element == "row":
            self._start_row(given)
        elif element == "rPh":
            self._phonetic = True
        elif element == "mergeCell":
            self._merge(given.get("ref", ""))

    def text(self, piece: str) -> None:
        self._pieces.append(piece)

    def end(self, element: str) -> None:
        if element == "v":
            self._value = "".join(self._pieces)
        elif element == "c":
            if self._value:
                self._end_cell()
        elif element == "t" and not self._phonetic:
            self._value += "".join(self._pieces)
        elif element == "row":
            self._end_row()
        elif element == "rPh":
            self._phonetic = False

    def _start_row(self, given: Attributes) -> None:
        number = given.get("r")
        self._row_number = self._row_number + 1 if number is None else _whole(number, self._row_number)
        if self._row_number > GREATEST_ROW:
            raise Refused(_FORMAT)
        self._row = [""] * len(self._header)
        self._filled = False
        self._column = -1

    def _start_cell(self, given: Attributes) -> None:
        reference = given.get("r")
        self._column = self._column + 1 if reference is None else self._column_of(reference)
        self._kind = given.get("t", "n")
        self._style = given.get("s", "0")
        self._value = ""

    def _column_of(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            column = self._columns[letters] = _column_number(letters)
        return column

    def _end_cell(self) -> None:
        text = self._shown()
        if len(text) > GREATEST_CELL:
            raise Refused("line_too_long", row=len(self._numbers) + 1 if self._header_row else 0)
        if not text:
            return
        if self._column < len(self._row):
            self._row[self._column] = text
        elif self._header_row:
            self._beyond.append(len(self._numbers))
        else:
            self._widen(text)
        self._filled = True

    def _widen(self, text: str) -> None:
        """A header's cell: the header is as wide as its last one."""
        if self._column >= GREATEST_WIDTH:
            raise Refused("column_unknown", column=f"#{self._column + 1}")
        self._row.extend([""] * (self._column - len(self._row)))
        self._row.append(text)

    def _shown(self) -> str:
        value, kind = self._value, self._kind
        if kind == "s":
            place = _whole(value, -1)
            if place >= len(self._shared):
                raise Refused(_FORMAT)
            return self._shared[place]
        if kind == "n":
            return number_text(value, is_date=self._style in self._dates, from_1904=self._from_1904)
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        return unescaped(value)

    def _end_row(self) -> None:
        if not self._filled:
            return
        if not self._header_row:
            self._header, self._header_row = self._row, self._row_number
            return
        self._rows.append(self._row)
        self._numbers.append(self._row_number)
        if len(self._rows) == _ROWS_AT_ONCE:
            self._keep_rows()

    def _keep_rows(self) -> None:
        schema = {str(place): pl.String for place in range(len(self._header))}
        frame = pl.DataFrame(list(zip(*self._rows, strict=True)), schema=schema, orient="col")
        self._rows = []
        self._frames.append(frame)
        self._size += int(frame.estimated_size())
        if self._size > GREATEST_TEXT:
            raise Refused("workbook_too_large")

    def _merge(self, reference: str) -> None:
        corners = [_CELL.fullmatch(corner) for corner in reference.replace("$", "").split(":")]
        first, last = corners[0], corners[-1]
        if first is None or last is None or not int(first[2]) <= int(last[2]) <= GREATEST_ROW:
            raise Refused(_FORMAT)
        if len(self._merges) == _MERGES:
            raise Refused("workbook_too_large")
        if len(corners) > 1 and _column_number(first[1]) < max(len(self._header), 1):
            self._merges.append((int(first[2]), int(last[2])))

    def frame(self, items: Sequence[str], rows: int) -> pl.DataFrame:
        """The data rows; Refused where header or count do not fit."""
        if any(first <= self._header_row <= last for first, last in self._merges):
            raise Refused("header_merged", row=0)
        codes = read_header(self._header, items)
        if self._rows:
            self._keep_rows()
        if not self._frames:
            raise Refused("no_rows")
        if len(self._numbers) != rows:
            raise Refused("row_count")
        left_out = [column.code for column in columns_for(items) if column.code not in codes]
        table = pl.concat(self._frames, rechunk=True)
        table.columns = codes
        return table.with_columns(self._faults(), *[pl.lit("").alias(code) for code in left_out])

    def _faults(self) -> pl.Series:
        """For each row the code of what is wrong with it as a row, or null."""
        edges = np.zeros(GREATEST_ROW + 2, dtype=np.int64)
        for first, last in self._merges:
            edges[first] += 1
            edges[last + 1] -= 1
        merged = np.cumsum(edges)[self._numbers] > 0
        beyond = np.zeros(len(self._numbers), dtype=bool)
        beyond[self._beyond] = True
        faults = pl.DataFrame({"merged": merged, "beyond": beyond}).select(
            pl.when("merged").then(pl.lit("row_merged")).when("beyond").then(pl.lit("row_fields")).alias(ROW_FAULT)
        )
        return faults.to_series()


def _whole(text: str, above: int) -> int:
    """A number that the workbook counts by, which only grows; Refused where it is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) <= above:
        raise Refused(_FORMAT)
    return int(text)


def _column_number(letters: str) -> int:
    """A is 0."""
    if not (1 <= len(letters) <= 3 and letters.isascii() and letters.isalpha() and letters.isupper()):
        raise Refused(_FORMAT)
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
