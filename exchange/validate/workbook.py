"""The rows of a request's XLSX workbook, as text, in the order in which they stand: the same frame as of a CSV file.

Rules
- The sheet that the manifest names, else the first that is not hidden. Its first row with anything in it is the header.
- No row is dropped: a hidden or filtered row is a row like any other, as it is when a spreadsheet saves CSV; who hid
  rows to leave them out finds the manifest's count of rows against it. A row whose cells are all empty is no row.
- Merged cells: in the header they refuse the set, because which column is whose cannot be told; below it the rows that
  they touch keep their place with ``row_fault`` set. So does a row with something beyond the header's columns.
- A cell that stands twice in its row, with a text each time, refuses the set, as rows out of order do: programs differ
  in which of the two they show.
- A day that stands as a bare number counts from 1904 where the workbook's days do: nobody else can know.
- What a formula last gave is what it says; formulas are never computed here.
- What is kept in memory is bounded, however small the file is that says it: the rows, the length of a cell, the bytes
  of all texts (those that cells share count with the rows), the styles, the sheets.

Why no library: a streaming parser bounds memory, where those that hold a sheet as one dense area (calamine and all that
build on it) end the process for a file of 5 kB with one cell in the last corner. 100,000 rows of seven columns take 3 s
here, 1.3 s with calamine, 8 s with openpyxl.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from exchange.base.errors import Refused
from exchange.validate.cells import BUILT_IN_DATES, date_shown, unescaped
from exchange.validate.foreign_bytes import foreign_bytes
from exchange.validate.package import MAX_REFERENCE_LETTERS, Attributes, Package
from exchange.validate.sheet import LETTERS_KEPT, MAX_SHEET_ROW, CellReader, Sheet, handlers

_SHARED_TEXTS: Final = 16 * MAX_SHEET_ROW
_ENTRIES: Final = 65_536
"""The most styles, number formats or sheets; spreadsheet programs keep some 64,000 styles at most."""


@foreign_bytes("workbook_format")
def read_workbook(
    content: bytes, sheet: str | None, items: Sequence[str], rows: int | None, form: str | None = None
) -> pl.DataFrame:
    """The claimed values, String columns as ``validate.table.read_table`` gives them. Refused where workbook, header or
    count do not fit.
    """
    return read_sheet(content, sheet).frame(items, rows, form)


@foreign_bytes("workbook_format")
def read_header_words(content: bytes) -> list[str]:
    """The header's words as they stand, nothing asked of them yet."""
    return read_sheet(content).header


def read_sheet(content: bytes, sheet: str | None = None) -> Sheet:
    """The sheet as it stands, nothing asked of its header yet."""
    package = Package(content)
    main = _one(package, "", "officeDocument")
    book = _read_book(package, main)
    read = Sheet()
    read.from_1904 = book.from_1904
    part = _part_of(package, main, book.sheets, sheet)
    cells = CellReader(_shared_texts(package, main, read.keep_bytes), _date_styles(package, main), book.from_1904)
    package.parse(part, *handlers(read, cells))
    return read


@dataclass
class _Book:
    sheets: list[tuple[str, str, bool]] = field(default_factory=list)
    """Name, relation id, whether it is shown."""
    from_1904: bool = False


def _bounded(entries: Sized, given: Attributes) -> None:
    if len(entries) > _ENTRIES or sum(map(len, given.values())) > MAX_REFERENCE_LETTERS:
        raise Refused("workbook_too_large")


def _one(package: Package, part: str, kind: str) -> str:
    """The part that this one relates to as ``kind``; empty where there is none, as where it was left out."""
    related = package.relations(part).values()
    return next((target for relation, target in related if relation == kind and target in package), "")


def _read_book(package: Package, main: str) -> _Book:
    book = _Book()

    def start(element: str, given: Attributes) -> None:
        if element == "sheet":
            relation = next((value for name, value in given.items() if name.endswith(":id")), "")
            book.sheets.append((given.get("name", ""), relation, given.get("state", "visible") == "visible"))
            _bounded(book.sheets, given)
        elif element == "workbookPr":
            book.from_1904 = given.get("date1904") in ("1", "true")

    package.parse(main, start)
    return book


def _part_of(package: Package, main: str, sheets: Sequence[tuple[str, str, bool]], wanted: str | None) -> str:
    """The part of the sheet with this name, in whichever letter case, as programs hold it; or of the first shown."""
    relations = package.relations(main)
    listed = [(name, shown, *relations.get(relation, ("", ""))) for name, relation, shown in sheets]
    rows = [(name, shown, part) for name, shown, kind, part in listed if kind == "worksheet"]
    if wanted is None:
        fitting = [part for _, shown, part in rows if shown]
    else:
        exact = [part for name, _, part in rows if name == wanted]
        fitting = exact or [part for name, _, part in rows if name.lower() == wanted.lower()]
    if not fitting:
        raise Refused("sheet_missing", column="data.sheet")
    return fitting[0]


def _shared_texts(package: Package, main: str, keep: Callable[[int], None]) -> list[str]:
    """The texts that cells name by number; phonetic hints are no part of them. ``keep`` is told the bytes that each
    takes, and refuses those that are too many.
    """
    part = _one(package, main, "sharedStrings")
    texts: list[str] = []
    pieces: list[str] = []
    letters = 0
    inside = phonetic = False

    def start(element: str, _: Attributes) -> None:
        nonlocal inside, phonetic, letters
        if element == "si":
            pieces.clear()
            letters = 0
        phonetic = phonetic or element == "rPh"
        inside = element == "t" and not phonetic

    def end(element: str) -> None:
        nonlocal inside, phonetic
        inside = False
        if element == "rPh":
            phonetic = False
        elif element == "si":
            texts.append(unescaped("".join(pieces)))
            keep(sys.getsizeof(texts[-1]))
            if len(texts) > _SHARED_TEXTS:
                raise Refused("workbook_too_large")

    def text(piece: str) -> None:
        nonlocal letters
        if inside and letters <= LETTERS_KEPT:  # more of a text that no cell shows is nobody's affair
            pieces.append(piece[:LETTERS_KEPT])
            letters += len(piece)

    if part:
        package.parse(part, start, end, text)
    return texts


def _date_styles(package: Package, main: str) -> dict[str, str]:
    """The numbers of the cell styles that show a date, and what of it (``date_shown``)."""
    part = _one(package, main, "styles")
    custom: dict[str, str] = {}
    formats: list[str] = []
    inside = False

    def start(element: str, given: Attributes) -> None:
        nonlocal inside
        if element == "numFmt":
            custom[given.get("numFmtId", "")] = date_shown(given.get("formatCode", ""))
            _bounded(custom, given)
        elif element == "cellXfs":
            inside = True
        elif element == "xf" and inside:
            formats.append(given.get("numFmtId", "0"))
            _bounded(formats, given)

    def end(element: str) -> None:
        nonlocal inside
        inside = inside and element != "cellXfs"

    if part:
        package.parse(part, start, end)
    shown = [custom.get(number) or BUILT_IN_DATES.get(number, "") for number in formats]
    return {str(place): parts for place, parts in enumerate(shown) if parts}
