"""Whether the rows of an export in CSV are whole: each has as many fields as the header.

Rules
- A row with fewer fields is a part of one: of a text with a line end in it that stands in no quotation marks, or of a
  file that was cut off. Polars fills it up with nothing. What stands in the last columns would be gone without a word,
  such as the mark that a record is sealed.
- A line that begins inside a quoted text and has as many separators as a whole row is a row, which a quotation mark
  that was left open takes into a cell; so are all up to the next such mark, and nobody in them would be registered, or
  have a record.
- An empty line is no part of a row. Rows with more fields Polars refuses.
- Lines are told by their number, never by what they hold.
- The file is UTF-8.

Octets are counted, many rows at once, and files side by side. Where nothing but empty texts is quoted, as in most
files, the rows of a piece are held against all its separators: one with fewer fields is missed there only beside one
with more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from exchange.base.errors import Halt
from exchange.base.parallel import map_ordered

_PIECE: Final = 8 * 1024 * 1024
"""Octets at a time; the longest line has fewer."""

_COMMA, _QUOTE, _LF, _CR = (np.uint8(ord(octet)) for octet in ',"\n\r')

Places = npt.NDArray[np.int64]


def check_all_whole(paths: Sequence[Path], columns: int) -> None:
    """As :func:`check_rows_whole`, of the first of these files that is wrong."""
    deque(map_ordered(lambda path: check_rows_whole(path, columns), paths), maxlen=0)


def check_rows_whole(path: Path, columns: int) -> None:
    """Halt with the first line of this CSV file that is not, or does not end, a row of so many columns, or where the
    file is not UTF-8.
    """
    lines, rest = _Lines(path, columns - 1), b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            whole, end, rest = (rest + piece).rpartition(b"\n")
            lines.add(_utf8(path, whole + end))
            if len(rest) > _PIECE:
                raise lines.broken(0)
    lines.add(_utf8(path, rest + b"\n" if rest else b""))
    if lines.inside:
        raise lines.broken(0)


def _utf8(path: Path, piece: bytes) -> bytes:
    try:
        pl.Series([piece], dtype=pl.Binary).cast(pl.String)  # three times as fast as Python reads letters
    except pl.exceptions.PolarsError:
        msg = f"{path}: not UTF-8"
        raise Halt(msg, zh=f"{path}：不是 UTF-8 编码；请源系统重新导出") from None
    return piece


class _Lines:
    """The lines of a file up to now. ``inside``: whether the next one begins inside a quoted text."""

    def __init__(self, path: Path, separators: int) -> None:
        self.path = path
        self.separators = separators
        self.inside = False
        self._number = 1
        self._before = 0
        """Separators of the row that is not over, in the lines before."""

    def add(self, piece: bytes) -> None:
        """The next whole lines; Halt as :func:`check_rows_whole`."""
        octets = np.frombuffer(piece, np.uint8)
        if not self.inside and not self._before and self._are_plain_rows(piece, octets):
            self._number += _many(octets, _LF)
            return
        ends, commas = np.flatnonzero(octets == _LF), np.flatnonzero(octets == _COMMA)
        if not len(ends):
            return
        quoted = self._quoted(octets)
        if quoted is None:
            self._check_rows(octets, ends, commas, ends)
            return
        begins_inside = np.concatenate([[self.inside], quoted[ends[:-1]]])
        taken_in = begins_inside & (_in_each(commas, ends) >= self.separators)
        if taken_in.any():
            raise self.broken(int(taken_in.argmax()))
        self._check_rows(octets, ends[~quoted[ends]], commas[~quoted[commas]], ends)
        self.inside = bool(quoted[-1])

    def _are_plain_rows(self, piece: bytes, octets: npt.NDArray[np.uint8]) -> bool:
        """Whether no separator and no line end is quoted, as all quotation marks stand in pairs side by side, and there
        are as many separators as rows have in all.
        """
        are_paired = piece.count(b'""') * 2 == _many(octets, _QUOTE)
        return are_paired and _many(octets, _COMMA) == self.separators * _many(octets, _LF)

    def _quoted(self, octets: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_] | None:
        """For each octet whether it stands in a quoted text; None where there is none."""
        marks = np.flatnonzero(octets == _QUOTE)
        if not self.inside and not len(marks):
            return None
        between = np.diff(marks, prepend=0, append=len(octets))
        return np.repeat((np.arange(len(between)) + self.inside) & 1 == 1, between)

    def _check_rows(self, octets: npt.NDArray[np.uint8], ends: Places, commas: Places, lines: Places) -> None:
        """``ends``: where rows end, ``commas``: where their fields do, ``lines``: where all lines end."""
        if len(ends):
            counts = _in_each(commas, ends)
            counts[0] += self._before
            begins = np.concatenate([[0], ends[:-1] + 1])
            empty = (ends == begins) | ((ends == begins + 1) & (octets[begins] == _CR))
            empty[0] &= not self._before
            short = (counts < self.separators) & ~empty
            if short.any():
                raise self.broken(int(np.searchsorted(lines, ends[short.argmax()])))
        behind = commas[commas > ends[-1]] if len(ends) else commas
        self._before = len(behind) if len(ends) else self._before + len(behind)
        self._number += len(lines)

    def broken(self, line: int) -> Halt:
        """What is wrong with this line of the piece, counted from 0."""
        number = self._number + line
        return Halt(
            f"{self.path}: line {number} is no whole row: fields are missing, or a quotation mark is open",
            zh=f"{self.path}：第 {number} 行不是完整的一行：缺栏，或引号未闭合；请源系统重新导出",
        )


def _many(octets: npt.NDArray[np.uint8], octet: np.uint8) -> int:
    return int(np.count_nonzero(octets == octet))


def _in_each(commas: Places, ends: Places) -> Places:
    """How many of these lie before each end and behind the one before."""
    return np.diff(np.searchsorted(commas, ends), prepend=0)
