"""XLSX requests that are not to be trusted: each is read or refused for a reason of the table, at a bounded cost."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.errors import Refused
from exchange.base.tables import REFUSALS
from exchange.validate import effort, package, sheet
from exchange.validate.sheet import MAX_CELL_LETTERS
from exchange.validate.table import ROW_FAULT, read_table
from exchange.validate.workbook import read_workbook

from .workbooks import HEADER, ITEMS, SHARED, SHEET, SOUND, altered, book, book_of_shared_texts, refused


def doctype(xml: bytes) -> bytes:
    head, _, body = xml.partition(b"<worksheet")
    return head + b'<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/hostname">]><worksheet' + body


def in_last_corner(xml: bytes) -> bytes:
    corner = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    return xml.replace(b"</sheetData>", corner)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"row_ref,id_number\n",
        b"PK\x05\x06" + bytes(18),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        book(SOUND)[:-40],
        b"\0" + book(SOUND),
        b"sep=,\r\n" + book(SOUND),
        altered(book(SOUND), SHEET, doctype),
        altered(book(SOUND), SHEET, lambda xml: xml[:-20]),
        altered(book(SOUND), SHEET, lambda xml: xml.replace(b'r="2"', b'r="1048577"')),
        altered(book(SOUND), SHEET, lambda xml: xml.replace(b'r="2"', b'r="1"')),
        altered(book(SOUND), SHEET, lambda xml: xml.replace(b'r="A2"', b'r="AAAA2"')),
        altered(book_of_shared_texts(SOUND), SHEET, lambda xml: xml.replace(b"<v>4</v>", b"<v>99</v>")),
        altered(book(SOUND), "none", bytes, extra="xl/vbaProject.bin"),
        altered(book(SOUND), "xl/workbook.xml", lambda _: b"\x83\x01"),
        altered(book(SOUND), "_rels/.rels", lambda xml: xml.replace(b"officeDocument", b"else")),
    ],
)
def test_what_is_no_workbook_to_be_read(content: bytes) -> None:
    assert refused(content).code == "workbook_format"


def test_a_cell_in_the_last_corner_costs_nothing() -> None:
    table = read_workbook(altered(book(SOUND), SHEET, in_last_corner), None, ITEMS, 2)
    assert table[ROW_FAULT].to_list() == [None, "row_fields"]


def test_bombs_are_not_unpacked() -> None:
    """A part that unpacks to more than two hundred times its size, with what it says of itself true or false."""
    bomb = altered(book(SOUND), SHEET, lambda xml: xml.replace(b"<sheetData>", b" " * (40 << 20) + b"<sheetData>"))
    assert len(bomb) < 100_000
    assert refused(bomb).code == "workbook_too_large"
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        part = archive.getinfo(SHEET)
    lying = bomb.replace(part.file_size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert refused(lying).code == "workbook_format"


def test_one_long_text_that_many_cells_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(book(("x" * (MAX_CELL_LETTERS + 1), *SOUND[1:]))).code == "line_too_long"
    monkeypatch.setattr(sheet, "MAX_TEXT_LETTERS", 1 << 20)
    rows = [("x" * MAX_CELL_LETTERS,) * 4] * 100
    assert refused(book(*rows), rows=100).code == "workbook_too_large"


def test_archives_of_too_many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MAX_PARTS", 3)
    assert refused(book(SOUND)).code == "workbook_too_large"


def test_a_header_without_end() -> None:
    found = refused(book(change=lambda _, sheet: sheet.cell(1, 16_384, "x")))
    assert (found.code, found.column) == ("column_unknown", "#16384")


def answered(content: bytes, rows: int) -> bool:
    """Whether the workbook is read as so many rows, or refused for a reason of the table; any other error is raised."""
    try:
        return read_workbook(content, None, ITEMS, rows).height == rows
    except Refused as refusal:
        return refusal.code in REFUSALS


@pytest.mark.parametrize(
    ("name", "part"),
    [
        (SHEET, b"<worksheet>" + b"<x>" * 100_000),
        (SHEET, b'<worksheet><sheetData><row><c t="inlineStr"><v>1</v></c></row><v>0</v></sheetData></worksheet>'),
        (SHEET, b'<worksheet y="' + b"y" * 20_000_000 + b'"/>'),
        (SHEET, '<?xml version="1.0" encoding="gb2312"?><worksheet>张</worksheet>'.encode("gbk")),
        (SHEET, b'<?xml version="1.0" encoding="no-such-encoding"?><worksheet/>'),
        (SHARED, b"<sst><si><t>_xD872_</t></si></sst>"),
        ("xl/workbook.xml", b"\x00\xff\xfe"),
        ("[Content_Types].xml", b""),
    ],
    ids=["nested", "a value outside", "one long tag", "GBK", "an unknown encoding", "half a pair", "no XML", "empty"],
)
def test_whatever_a_part_holds_the_set_gets_an_answer(name: str, part: bytes) -> None:
    content = altered(book_of_shared_texts(SOUND), name, lambda _: part)
    assert answered(content, 1)


WRITTEN_ONCE = book_of_shared_texts(SOUND, ("R2", *SOUND[1:]))  # it holds the time of its making


@given(st.data())
def test_whatever_bytes_a_workbook_has_it_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(WRITTEN_ONCE)
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    assert answered(bytes(content), 2)


def test_shared_texts_count_with_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    many = b"<sst>" + b"<si><t>abcdefgh</t></si>" * 40_000 + b"</sst>"
    content = altered(book_of_shared_texts(SOUND), SHARED, lambda _: many)
    monkeypatch.setattr(sheet, "MAX_TEXT_LETTERS", 1 << 20)
    assert refused(content).code == "workbook_too_large"


@pytest.mark.parametrize("entry", [b"<xf/>", b'<numFmt numFmtId="%d"/>'])
def test_more_styles_than_any_program_keeps(entry: bytes) -> None:
    styles = b"".join(entry % place if b"%" in entry else entry for place in range(70_000))
    content = altered(book(SOUND), "xl/styles.xml", lambda _: b"<s><cellXfs>" + styles + b"</cellXfs></s>")
    assert refused(content).code == "workbook_too_large"


def test_what_takes_too_much_processor_time_is_refused_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effort, "ALWAYS_ALLOWED", 0.0)
    monkeypatch.setattr(effort, "ALLOWED_PER_BYTE", 0.0)
    assert refused(book(SOUND)).code == "reading_too_long"
    with pytest.raises(Refused) as found:
        read_table(",".join(HEADER).encode() + b"\n" + ",".join(SOUND).encode() + b"\n", ITEMS, 1)
    assert found.value.code == "reading_too_long"
