"""Bytes to UTF-8, for files as people's programs save them: UTF-8 with or without marks, GB18030, or marked UTF-16.

Rules
- A stated encoding is final; a file that is stated to be GB18030 and yet has the mark of UTF-8, or as a whole or in one
  of its lines reads as clearly more Chinese in UTF-8, is refused: read as stated it would be about other people.
  Otherwise a mark decides: that of UTF-16; that of UTF-8 where all of it is UTF-8, for some programs put it in front of
  anything; that of GB18030. Then the file as a whole decides.
- Each reading is held against the common characters of Chinese (GB 2312, as most names and all headers are written):
  the share of them among all that is beyond ASCII is its evidence, and the other reading must have clearly less.
  Chinese in one encoding, read as the other, is rare characters and foreign letters.
- A file that is whole UTF-8 is GB18030 only where its header says so; where its rows alone do, nothing is guessed: it
  is refused, with the line (the header is line 0), and the encoding is to be stated in the manifest. It is UTF-8 only
  where it reads as something: as common Chinese, or, where neither reading has any of that, mostly as the characters
  that the register's names are written with. Rare characters of GBK are letters of five alphabets in UTF-8.
- Big5, EUC-KR, Shift-JIS and their like are valid GB 18030, of other people's names: what is read as that unstated must
  read as Chinese (``familiar.py``), its header or the whole, or else nothing is guessed; what is stated is refused only
  where it clearly reads as something else.
- A file with lines of both kinds is refused with the first line that is not of the header's kind, or of most lines'.
  So is a file of UTF-8, stated or not, with a line that is UTF-8 by accident: Chinese in GB18030, where UTF-8 makes
  letters of other alphabets of it; familiar Chinese, or any of which UTF-8 makes words that nobody writes
  (``alphabets.py``).
- The byte 80, a euro sign to Windows and nothing in GB18030, is the mark of a lost character. Marks in front and Ctrl-Z
  at the end are no text. Lines may end with CR alone, all of them or some.
- The whole has its allowance of processor time (``effort.py``), as the reading of the table has.
- Workbooks, PDF and what is still encrypted are told as that (``kinds.py``); NUL bytes and lines beyond
  ``MAX_LINE_BYTES`` are refused before anything parses them.

Sources: GB 2312-1980; that a clear lead is a quarter is the office's choice.
"""

from __future__ import annotations

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from exchange.base.errors import Refused
from exchange.validate.alphabets import has_unwritten_word
from exchange.validate.effort import Effort
from exchange.validate.familiar import letters_of
from exchange.validate.foreign_bytes import foreign_bytes
from exchange.validate.kinds import check_is_no_document
from exchange.validate.neighbours import read_next_door
from exchange.wire import gb18030

MAX_LINE_BYTES: Final = 64 * 1024
"""Bytes; the longest honest row (sixteen items, an address, a name) stays under two thousand."""

_PIECE: Final = 1024 * 1024
"""Bytes that are decoded at a time; a line feed is one in UTF-8 and in GB18030, so that a piece may end with any."""

_CLEAR: Final = 0.25
"""By how much of all characters one reading must be ahead of the other."""

_MARK_OF: Final = {"utf-8": codecs.BOM_UTF8, "gb18030": "\ufeff".encode("gb18030")}
_MARKS: Final = re.compile(b"(?:%b)*+" % b"|".join(map(re.escape, (*_MARK_OF.values(), "\u200b".encode()))))
"""All of them at once: cut off each by each, a file of nothing else took the square of the time."""

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TWO: Final = 2
"""Letters, the fewest that a name has; a single one says nothing."""

_FIRST_HANZI: Final = 0xB0
"""Row 16 of GB 2312; letters of other alphabets and signs are before it."""

_HAN: Final = "\u2e80-\u2fdf\u3007\u3400-\u9fff\ue000-\uf8ff\uf900-\ufaff\U00020000-\U0003fffd"
_SIGNS: Final = "\xb7\u2000-\u2bff\u3000-\u3006\u3008-\u303f\ufe00-\ufe0f\ufeff\uff00-\uffef"
_ASCII: Final = re.compile("[\0-\x7f]+")
_OF_HAN: Final = f"[{_HAN}]"
_OF_OTHERS: Final = f"[^\0-\x7f{_HAN}{_SIGNS}]"
"""Letters of other alphabets; signs are in any text and say nothing."""

_FIRST_LETTER: Final = np.uint8(0xC2)
_LETTERS: Final = 0xE0 - 0xC2
"""How many octets begin a letter of another alphabet in UTF-8, from that one on."""

_IN_NAMES: Final = (0xA0, 0xB7)
"""What follows the first of them in a hard blank and in a dot, which are in honest names."""

_HAN_IN_UTF8: Final = re.compile(rb"(?<![\x80-\xff])(?:[\xe3-\xe9][\x80-\xbf]{2})+(?![\x80-\xff])")
"""Nothing but Chinese in UTF-8 between what is ASCII: of lines of GB18030 hardly any has it."""

_CTRL_Z: Final = b"\x1a"
_CR: Final = 0x0D
_LF: Final = 0x0A
_LOST: Final = "\ufffd"
_TWO_BYTES: Final = re.compile(rb"[\x81-\xfe][\x40-\xfe]|[\x81-\xfe][\x30-\x39][\x81-\xfe][\x30-\x39]|(\x80)")


@foreign_bytes("encoding")
def to_utf8(content: bytes, stated: str | None = None) -> bytes:
    """The same text as UTF-8 without a mark; Refused with the line (the header is line 0) where it cannot be read."""
    *_, utf8 = Effort(len(content)).each(_steps(content, stated))
    return utf8


def _steps(content: bytes, stated: str | None) -> Iterator[bytes]:
    """The text after each step of the way, at last as UTF-8; each takes time in proportion to the file."""
    check_is_no_document(content)
    if stated is None and content.startswith(_UTF16):
        content, stated = _from_utf16(content), "utf-16"
    if b"\x00" in content:
        raise Refused("nul_byte", row=content.count(b"\n", 0, content.index(b"\x00")))
    yield content
    marked, content = _mark_of(content), _without_marks(content)
    yield content
    _check_lines(content)
    yield content
    if stated == "gb18030":
        _check_not_utf8(content, marked=marked == "utf-8")
        yield content
    encoding = stated or _decided(content, marked)
    yield content
    if encoding == "utf-16":
        return
    if encoding == "utf-8":
        if stated is not None and (wrong := _first_not_utf8(content)) is not None:  # else it was found to be that
            raise Refused("encoding", row=wrong)
        if (wrong := _first_by_accident(content)) is not None:
            raise Refused("mixed_encoding" if stated is None else "encoding", row=wrong)
        yield content
        return
    text = _from_gb18030(content)
    yield text
    _check_reads_as_chinese(text, content, stated=encoding in (stated, marked))
    yield text


def _from_utf16(content: bytes) -> bytes:
    decoder, utf8, row = codecs.getincrementaldecoder("utf-16")(), io.BytesIO(), 0
    for start in range(0, len(content), _PIECE):
        piece = content[start : start + _PIECE]
        try:
            text = decoder.decode(piece, final=start + _PIECE >= len(content))
        except UnicodeDecodeError as error:
            row += error.object[: error.start].decode(error.encoding, "replace").count("\n")
            raise Refused("encoding", row=row) from None
        row += text.count("\n")
        utf8.write(text.encode())
    return utf8.getvalue()


def _mark_of(content: bytes) -> str | None:
    """The encoding whose mark is in front."""
    return next((encoding for encoding, mark in _MARK_OF.items() if content.startswith(mark)), None)


def _without_marks(content: bytes) -> bytes:
    """The text without what programs put before and behind it, and with a line feed for each CR that has none."""
    in_front = _MARKS.match(content)
    content = content[in_front.end() if in_front else 0 :].rstrip(_CTRL_Z)
    if b"\n" not in content:
        return content.replace(b"\r", b"\n")
    if b"\r" not in content or content.count(b"\r") == content.count(b"\r\n"):
        return content
    return _with_line_feeds(content)


def _with_line_feeds(content: bytes) -> bytes:
    """The text with a line feed for each CR that has none. Sought among octets, as a regular expression takes six times
    as long.
    """
    octets = np.frombuffer(bytearray(content), np.uint8)
    for start in range(0, len(octets), _PIECE):
        piece, behind = octets[start : start + _PIECE], octets[start + 1 : start + _PIECE + 1]
        alone = piece == _CR
        alone[: len(behind)] &= behind != _LF
        piece[alone] = _LF
    return octets.tobytes()


def _from_gb18030(content: bytes) -> bytes:
    utf8 = io.BytesIO()
    for row, piece in _pieces(content):
        try:
            utf8.write(_piece_from_gb18030(piece))
        except UnicodeDecodeError as error:
            raise Refused("encoding", row=row + piece.count(b"\n", 0, error.start)) from None
    return utf8.getvalue()


def _piece_from_gb18030(piece: bytes) -> bytes:
    try:
        return gb18030.to_utf8(piece)
    except UnicodeDecodeError:
        lost = _LOST.encode("gb18030")
        return gb18030.to_utf8(_TWO_BYTES.sub(lambda match: lost if match[1] else match[0], piece))


def _check_lines(content: bytes) -> None:
    if max(map(len, io.BytesIO(content)), default=0) > MAX_LINE_BYTES:
        row = next(row for row, line in enumerate(io.BytesIO(content)) if len(line) > MAX_LINE_BYTES)
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
    if _is_utf8(content):
        return None
    for row, piece in _pieces(content):
        try:
            piece.decode()
        except UnicodeDecodeError as error:
            return row + piece.count(b"\n", 0, error.start)
    return None


def _is_utf8(content: bytes) -> bool:
    """Whether the bytes are valid UTF-8; decides it without decoding, which takes three times as long."""
    bounds = pa.py_buffer(np.array([0, len(content)], np.int64))
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, bounds, pa.py_buffer(content)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _decided(content: bytes, marked: str | None) -> str:
    """The encoding of a file that states none; Refused where it cannot be told."""
    if content.isascii():
        return "utf-8"
    if marked == "gb18030":
        return marked
    if _first_not_utf8(content) is None:
        return marked or _of_whole_utf8(content)
    by_kind = Counter(kind for _, _, kind in _kinds(content))
    if not by_kind["utf-8"]:
        return "gb18030"
    first, _, kind_of_first = next(_kinds(content))
    most = kind_of_first if first == 0 else max(("gb18030", "utf-8"), key=by_kind.__getitem__)
    row, line = next((row, line) for row, line, kind in _kinds(content) if kind != most)
    if most == "utf-8" and _evidence(line, "gb18030") <= _CLEAR:  # no text in either, as one cut inside a character
        raise Refused("encoding", row=row)
    raise Refused("mixed_encoding", row=row)


def _kinds(content: bytes) -> Iterator[tuple[int, bytes, str]]:
    """(number, line, its kind) of each line beyond ASCII; looked for anew, because millions kept would fill memory."""
    return ((row, line, _kind(line)) for row, line in enumerate(io.BytesIO(content)) if not line.isascii())


def _of_whole_utf8(content: bytes) -> str:
    """Which of the two it is where all of it is valid UTF-8, as some GB18030 is by accident."""
    row, line, piece = _first_beyond_ascii(content)
    in_gb18030 = _evidence(piece, "gb18030")
    if _evidence(piece, "utf-8") - in_gb18030 > _CLEAR or (in_gb18030 == 0 and _is_of_han(piece.decode())):
        return "utf-8"
    if row == 0 and _evidence(line, "gb18030") - _evidence(line, "utf-8") > _CLEAR:
        return "gb18030"
    raise Refused("encoding_unclear", row=row)


def _first_by_accident(content: bytes) -> int | None:
    """The first line of this UTF-8 that is clearly a text in GB18030."""
    return next((row for row, line in _lines_at(_side_by_side(content), content) if _is_by_accident(line)), None)


def _side_by_side(utf8: bytes) -> Iterator[int]:
    """Where a letter of another alphabet stands beside anything beyond ASCII, ascending: GB18030 by accident has at
    least one. Sought among octets in all of a piece at once: 0.03 s of 92 MB, of which a regular expression takes 2.5.
    """
    octets = np.frombuffer(utf8, np.uint8)
    for start in range(0, len(octets), _PIECE):
        first = start + np.flatnonzero(octets[start : start + _PIECE] - _FIRST_LETTER < _LETTERS)
        honest = (octets[first] == _FIRST_LETTER) & np.isin(octets[first + 1], _IN_NAMES)
        first = first[~honest]
        before = (first > 0) & (octets[first - 1] >= 0x80)
        behind = (first + 2 < len(octets)) & (octets[np.minimum(first + 2, len(octets) - 1)] >= 0x80)
        yield from first[before | behind].tolist()


def _is_by_accident(line: bytes) -> bool:
    try:
        read, text = line.decode("gb18030"), line.decode()
    except UnicodeDecodeError:
        return False
    letters = letters_of(read)
    if letters.all < _TWO or _is_of_han(text):
        return False
    return letters.familiar > letters.all / 2 or (not re.search(_OF_OTHERS, read) and has_unwritten_word(text))


def _lines_at(offsets: Iterable[int], content: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, line) of each line in which one of these offsets, ascending, lies."""
    row = start = end = 0
    for offset in offsets:
        if offset < end:
            continue
        before, start = start, content.rfind(b"\n", 0, offset) + 1
        row += content.count(b"\n", before, start)
        end = content.find(b"\n", start) + 1 or len(content)
        yield row, content[start:end]


def _is_of_han(text: str) -> bool:
    """Whether what is beyond ASCII are Chinese characters rather than letters of other alphabets."""
    others = len(re.findall(_OF_OTHERS, text))
    return not others or len(re.findall(_OF_HAN, text)) > others


def _first_beyond_ascii(content: bytes) -> tuple[int, bytes, bytes]:
    """(number of the first line beyond ASCII, that line, some megabyte of lines from it on)."""
    row, line = next((row, line) for row, line in enumerate(io.BytesIO(content)) if not line.isascii())
    start = content.index(line)
    return row, line, content[start : content.find(b"\n", start + _PIECE) + 1 or len(content)]


def _check_not_utf8(content: bytes, *, marked: bool) -> None:
    """Refused, with its first line that is UTF-8 beyond doubt, where a file stated to be GB18030 has one."""
    if content.isascii():
        return
    for row, line in _lines_at((match.start() for match in _HAN_IN_UTF8.finditer(content)), content):
        if _is_clearly_utf8(line):
            raise Refused("encoding", row=row)
    if _first_not_utf8(content) is None:
        row, _, piece = _first_beyond_ascii(content)
        if marked or _is_clearly_utf8(piece):
            raise Refused("encoding", row=row)


def _is_clearly_utf8(text: bytes) -> bool:
    return _evidence(text, "utf-8") - _evidence(text, "gb18030") > _CLEAR


def _check_reads_as_chinese(utf8: bytes, content: bytes, *, stated: bool) -> None:
    """Refused, with the first line beyond ASCII, where what was read as GB 18030, from these bytes, does not look like
    it.
    """
    if utf8.isascii():
        return
    row, line, piece = _first_beyond_ascii(utf8)
    letters = letters_of(piece.decode())
    if stated and letters.read_as_something_else(lambda: read_next_door(_first_beyond_ascii(content)[2])):
        raise Refused("encoding", row=row)
    if not stated and not letters.read_as_chinese() and not (row == 0 and letters_of(line.decode()).read_as_chinese()):
        raise Refused("encoding_unclear", row=row)


def _kind(line: bytes) -> str:
    """``utf-8`` where the line is that, unless it reads clearly better otherwise: then it is so by accident."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return "gb18030"
    by_accident = _evidence(line, "gb18030") - _evidence(line, "utf-8") > _CLEAR
    return "gb18030" if by_accident else "utf-8"


def _evidence(text: bytes, encoding: str) -> float:
    """The share of common Chinese among what is beyond ASCII in this reading; 0 where it cannot be read so."""
    try:
        beyond = _ASCII.sub("", text.decode(encoding))
    except UnicodeDecodeError:
        return 0.0
    common = beyond.encode("gb2312", "ignore")
    hanzi = np.count_nonzero(np.frombuffer(common, np.uint8)[::2] >= _FIRST_HANZI)
    return hanzi / len(beyond) if beyond else 0.0
