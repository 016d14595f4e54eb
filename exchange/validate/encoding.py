"""Bytes to UTF-8, for files as people's programs save them: UTF-8 with or without a mark, or GB18030.

Rules: a stated encoding is taken at its word; otherwise UTF-8 if the whole file is valid UTF-8, else GB18030. A file
with lines of both kinds is refused with the first line that differs, never half-guessed. NUL bytes and lines beyond
``GREATEST_LINE`` are refused before anything parses them.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import Final

from exchange import gb18030
from exchange.errors import Refused

GREATEST_LINE: Final = 64 * 1024
"""Bytes; the longest honest row (sixteen items, an address, a name) stays under two thousand."""

_CJK_IN_UTF8: Final = re.compile(rb"[\xe3-\xe9][\x80-\xbf]{2}")


def to_utf8(content: bytes, stated: str | None = None) -> bytes:
    """The same text as UTF-8 without a mark; Refused with the line (the header is line 0) where it cannot be read."""
    if b"\x00" in content:
        raise Refused("nul_byte", row=content.count(b"\n", 0, content.index(b"\x00")))
    _check_lines(content)
    content = content.removeprefix(codecs.BOM_UTF8)
    if stated != "gb18030" and _is_valid(content, "utf-8"):
        return content
    if stated == "utf-8":
        raise Refused("encoding", row=_first_line(content, valid=False))
    if (row := _first_line(content, valid=True)) is not None:
        raise Refused("mixed_encoding", row=row)
    try:
        return gb18030.decode(content).encode()
    except UnicodeDecodeError as error:
        raise Refused("encoding", row=content.count(b"\n", 0, error.start)) from None


def _check_lines(content: bytes) -> None:
    for row, line in enumerate(io.BytesIO(content)):
        if len(line) > GREATEST_LINE:
            raise Refused("line_too_long", row=row)


def _is_valid(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _first_line(content: bytes, *, valid: bool) -> int | None:
    """The first line that is not valid UTF-8, or the first that holds Chinese in valid UTF-8."""
    for row, line in enumerate(io.BytesIO(content)):
        if valid and _CJK_IN_UTF8.search(line) and _is_valid(line, "utf-8"):
            return row
        if not valid and not _is_valid(line, "utf-8"):
            return row
    return None
