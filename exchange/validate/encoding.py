"""Bytes to UTF-8, for files as people's programs save them: UTF-8 with or without a mark, or GB18030.

Rules: a stated encoding is taken at its word; otherwise UTF-8 if the whole file is valid UTF-8, else GB18030. A file
with lines of both kinds is refused with the first line that differs, never half-guessed. NUL bytes and lines beyond
``GREATEST_LINE`` are refused before anything parses them.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from exchange import gb18030
from exchange.errors import Refused
from exchange.validate.door import foreign_bytes

GREATEST_LINE: Final = 64 * 1024
"""Bytes; the longest honest row (sixteen items, an address, a name) stays under two thousand."""

_PIECE: Final = 1024 * 1024
"""Bytes that are decoded at a time; a line feed is one in UTF-8 and in GB18030, so that a piece may end with any."""

_CHINESE: Final = re.compile("[\u3000-\u9fff]")


@foreign_bytes("encoding")
def to_utf8(content: bytes, stated: str | None = None) -> bytes:
    """The same text as UTF-8 without a mark; Refused with the line (the header is line 0) where it cannot be read."""
    if b"\x00" in content:
        raise Refused("nul_byte", row=content.count(b"\n", 0, content.index(b"\x00")))
    _check_lines(content)
    content = content.removeprefix(codecs.BOM_UTF8)
    if stated != "gb18030":
        wrong = _first_not_utf8(content)
        if wrong is None:
            return content
        if stated == "utf-8":
            raise Refused("encoding", row=wrong)
    if (mixed := _first_in_utf8(content)) is not None:
        raise Refused("mixed_encoding", row=mixed)
    utf8 = io.BytesIO()
    for row, piece in _pieces(content):
        try:
            utf8.write(gb18030.to_utf8(piece))
        except UnicodeDecodeError as error:
            raise Refused("encoding", row=row + piece.count(b"\n", 0, error.start)) from None
    return utf8.getvalue()


def _check_lines(content: bytes) -> None:
    if max(map(len, io.BytesIO(content)), default=0) > GREATEST_LINE:
        row = next(row for row, line in enumerate(io.BytesIO(content)) if len(line) > GREATEST_LINE)
        raise Refused("line_too_long", row=row)


def _pieces(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(number of its first line, piece) of a text whose lines are shorter than a piece."""
    row = start = 0
    while start < len(content):
        end = content.rfind(b"\n", start, start + _PIECE) + 1 if start + _PIECE < len(content) else len(content)
        yield row, content[start:end]
        row += content.count(b"\n", start, end)
        start = end


def _first_not_utf8(content: bytes) -> int | None:
    """The first line that is not valid UTF-8."""
    for row, piece in _pieces(content):
        try:
            piece.decode()
        except UnicodeDecodeError as error:
            return row + piece.count(b"\n", 0, error.start)
    return None


def _first_in_utf8(content: bytes) -> int | None:
    """The first line that holds Chinese in valid UTF-8."""
    for row, line in enumerate(io.BytesIO(content)):
        if not line.isascii():
            with suppress(UnicodeDecodeError):
                if _CHINESE.search(line.decode()):
                    return row
    return None
