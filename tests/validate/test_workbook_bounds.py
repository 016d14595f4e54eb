"""What is kept of a workbook, and how often it is looked at, is bounded whatever small file asks for it."""

from __future__ import annotations

import io
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchange.base.errors import Refused
from exchange.validate.cells import _NUMBER, number_text
from exchange.validate.package import MAX_PARTS
from exchange.validate.sheet import MAX_CELL_LETTERS, MAX_TEXT_LETTERS
from exchange.validate.workbook import read_workbook

from .workbooks import ITEMS, SHARED, SHEET, SOUND, altered, book, book_of_shared_texts

MIB = 1 << 20
_LONG = 160
MOST_MIB = 128
"""Beside the file and what unpacking takes, of what these workbooks hold: each unpacks to more, or says more."""


def of_rows(rows: bytes) -> bytes:
    return b"<worksheet><sheetData>" + rows + b"</sheetData></worksheet>"


def one_text_in_every_cell() -> bytes:
    """The longest text, of characters of four octets, in each cell of the widest rows."""
    cells = b'<c t="s"><v>0</v></c>' * 64
    shared = "𠮷".encode() * MAX_CELL_LETTERS
    content = altered(book_of_shared_texts(SOUND), SHARED, lambda _: b"<s><si><t>" + shared + b"</t></si></s>")
    return altered(content, SHEET, lambda _: of_rows((b"<row>" + cells + b"</row>") * 2000))


def with_room(name: str, part: bytes) -> bytes:
    """A workbook with this part, in so large a file that it may unpack to a lot."""
    out, old = io.BytesIO(), zipfile.ZipFile(io.BytesIO(book(SOUND)))
    with old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for other in old.namelist():
            new.writestr(other, part if other == name else old.read(other))
        new.writestr("docProps/room.bin", bytes(2 * MIB), zipfile.ZIP_STORED)
    return out.getvalue()


def one_cell() -> bytes:
    """A cell in pieces of which each is more than a cell may hold."""
    return with_room(SHEET, of_rows(b'<row><c t="inlineStr"><is><t>' + b"x" * _LONG * MIB + b"</t></is></c></row>"))


def ever_other_names() -> bytes:
    return altered(book(SOUND), SHEET, lambda _: of_rows(b"".join(b"<e%x/>" % n for n in range(1_000_000))))


def ever_other_attributes() -> bytes:
    return altered(book(SOUND), SHEET, lambda _: of_rows(b"".join(b'<row a%x=""/>' % n for n in range(1_000_000))))


def long_names() -> bytes:
    return with_room(SHEET, b"".join(b"<e%d%s>" % (n, b"x" * 4 * MIB) for n in range(_LONG // 4)))


def relations_without_end() -> bytes:
    some = b"".join(b'<Relationship Id="r%d" Type="t" Target="a/%d"/>' % (n, n) for n in range(500_000))
    return altered(book(SOUND), "xl/_rels/workbook.xml.rels", lambda _: b"<R>" + some + b"</R>")


def long_relations() -> bytes:
    some = b"".join(b'<Relationship Id="%d%s"/>' % (n, b"r" * MIB) for n in range(_LONG))
    return with_room("xl/_rels/workbook.xml.rels", b"<R>" + some + b"</R>")


def long_styles() -> bytes:
    some = b"".join(b'<xf numFmtId="%d%s"/>' % (n, b"0" * MIB) for n in range(_LONG))
    return with_room("xl/styles.xml", b"<s><cellXfs>" + some + b"</cellXfs></s>")


def directory_without_end() -> bytes:
    """A list of parts in which none is read, and none need be there."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, *[0] * 8, 8, *[0] * 6)
    listed = b"".join(entry + b"%08x" % n for n in range(50 * MAX_PARTS))
    return b"PK\3\4" + listed + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0, len(listed), 4, 0)


def resident_mib(of: str) -> int:
    """``VmRSS``: what this process has in memory now; ``VmHWM``: the most that it had."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith(of))


@pytest.mark.parametrize(
    ("code", "make", "most"),
    [
        ("workbook_too_large", one_text_in_every_cell, MAX_TEXT_LETTERS >> 20),
        ("line_too_long", one_cell, MOST_MIB),
        ("workbook_too_large", ever_other_names, MOST_MIB),
        ("workbook_too_large", ever_other_attributes, MOST_MIB),
        ("workbook_too_large", long_names, MOST_MIB),
        ("workbook_too_large", relations_without_end, MOST_MIB),
        ("workbook_too_large", long_relations, MOST_MIB),
        ("workbook_too_large", long_styles, MOST_MIB),
        ("workbook_too_large", directory_without_end, MOST_MIB),
    ],
    ids=["a text", "a cell", "names", "attributes", "long names", "relations", "long ones", "styles", "directory"],
)
def test_no_small_file_takes_much_memory(code: str, make: Callable[[], bytes], most: int) -> None:
    content = make()
    assert len(content) < 32 * MIB
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the most so far is what is now
    before = resident_mib("VmRSS")
    with pytest.raises(Refused) as refused:
        read_workbook(content, None, ITEMS, None)
    assert refused.value.code == code
    assert resident_mib("VmHWM") - before < most


def test_digits_that_are_no_number_are_looked_at_once() -> None:
    begun = time.thread_time()
    for text in ("1" * 20_000 + "x", "." + "1" * 20_000 + "x", "1e" + "1" * 20_000 + "x", " " * 20_000 + "x"):
        assert number_text(text, shown="", from_1904=False) == text
    assert time.thread_time() - begun < 5


@given(st.text(" +-.eE019", max_size=9))
@example("1.")
@example("+.5e-0 ")
def test_a_number_is_what_xml_schema_calls_one(text: str) -> None:
    """As it is told there: digits with a point among, before or behind them, and a power of ten."""
    mantissa, power, exponent = text.strip(" ").replace("E", "e").partition("e")
    unsigned, exponent = (part[1:] if part[:1] in ("+", "-") else part for part in (mantissa, exponent))
    whole, _, fraction = unsigned.partition(".")
    is_number = (whole + fraction).isdigit() and (not power or exponent.isdigit())
    assert (_NUMBER.fullmatch(text) is not None) == is_number
