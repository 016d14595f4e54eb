"""Whether the rows of an export's CSV file are what its lines are.

Polars fills a row that ends early with nothing, and takes a quote that is never closed for a field that goes on through
the next lines: a judgment loses its effective day, or people vanish, and nobody is told. Before anything is read:

- each row has as many fields as the header, or none;
- no field holds a whole row: line breaks are taken inside quotes, but not with as many commas as a row has;
- the file is UTF-8.

What goes wrong is told by file and line, never by what stands there. A file of which each line is a row, as nearly all
are, is judged by its commas, at the speed of the disk; any other is read field by field.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from exchange.base.errors import Halt

_QUOTE, _COMMA, _RETURN, _LINE_END = b'",\r\n'
_BLOCK: Final = 1 << 25


def check_rows(files: Sequence[Path], columns: int) -> None:
    """Halt, naming file and line, where a row of one of these files has not ``columns`` fields."""
    for path in files:
        if not _each_line_is_a_row(path, columns):
            _read_field_by_field(path, columns)


def _each_line_is_a_row(path: Path, columns: int) -> bool:
    """Whether each line has as many fields as there are columns and the file is UTF-8; false, too, where it cannot be
    said so easily, as where a quoted field has lines of its own.
    """
    rest = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            whole, end, rest = (rest + block).rpartition(b"\n")
            if not _are_rows(whole + end, columns):
                return False
    return _are_rows(rest + b"\n", columns)


def _are_rows(lines: bytes, columns: int) -> bool:
    try:
        lines.decode()
    except UnicodeDecodeError:
        return False
    octets = np.frombuffer(lines, np.uint8)
    ends, commas, quotes = octets == _LINE_END, octets == _COMMA, octets == _QUOTE
    if quotes.any():
        quoted = np.bitwise_xor.accumulate(quotes)
        if (quoted & ends).any():
            return False
        commas &= ~quoted
    behind = np.flatnonzero(ends)
    of_each = np.diff(np.searchsorted(np.flatnonzero(commas), behind), prepend=0)
    length = np.diff(behind, prepend=-1) - 1
    blank = (length == 0) | ((length == 1) & (octets[behind - 1] == _RETURN))
    return bool(((of_each == columns - 1) | blank).all())


def _read_field_by_field(path: Path, columns: int) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, strict=True)
        try:
            for row in rows:
                if row and len(row) != columns:
                    raise _halt(path, rows.line_num, f"{len(row)} fields where the header has {columns}")
                if any("\n" in field and field.count(",") >= columns - 1 for field in row):
                    raise _halt(path, rows.line_num, "a quote that is not closed takes in whole rows")
        except UnicodeDecodeError:
            msg = f"{path}: the file is not UTF-8"
            raise Halt(msg) from None
        except csv.Error:
            raise _halt(path, rows.line_num, "quotes that do not fit together") from None


def _halt(path: Path, line: int, what: str) -> Halt:
    return Halt(f"{path}: the row that ends in line {line}: {what}; export it anew, or quote each field")
