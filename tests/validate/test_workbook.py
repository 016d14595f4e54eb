"""XLSX requests: what spreadsheets keep in cells, and workbooks that are not to be trusted."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from exchange.base.errors import Refused
from exchange.base.tables import REFUSALS
from exchange.validate import effort, package, sheet
from exchange.validate.cells import has_text, is_date_format, number_text
from exchange.validate.sheet import MAX_CELL_LETTERS
from exchange.validate.table import ROW_FAULT, read_table
from exchange.validate.workbook import read_workbook

ITEMS = ("id_number", "sex")
HEADER = ("业务编号", "公民身份号码", "姓名", "性别")
SOUND = ("R1", "11010519491231002X", "张三", "女")


def book(*rows: Sequence[Any], change: Callable[[openpyxl.Workbook, Worksheet], object] | None = None) -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert isinstance(sheet, Worksheet)
    for row in (HEADER, *rows):
        sheet.append(list(row))
    if change is not None:
        change(made, sheet)
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


def book_of_shared_texts(*rows: Sequence[Any]) -> bytes:
    """The same by XlsxWriter, which keeps texts as spreadsheet programs do: once each, named by number."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False}) as made:
        sheet = made.add_worksheet()
        for place, row in enumerate((HEADER, *rows)):
            sheet.write_row(place, 0, row)
    return content.getvalue()


def altered(content: bytes, name: str, change: Callable[[bytes], bytes], extra: str | None = None) -> bytes:
    """The same workbook with one part changed, and a further one beside it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(old.read(part)) if part == name else old.read(part))
        if extra is not None:
            new.writestr(extra, b"x")
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
SHARED = "xl/sharedStrings.xml"


def refused(content: bytes, rows: int = 1, sheet: str | None = None) -> Refused:
    with pytest.raises(Refused) as found:
        read_workbook(content, sheet, ITEMS, rows)
    return found.value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("11010519491231002X", "11010519491231002X"),
        ("110105194912310021", "110105194912310021"),
        (110105194912310021, "1.10105E+17"),
        (110105491231002, "110105491231002"),
        (999_999_999_999_999, "999999999999999"),
        (10**15, "1.00000E+15"),
        (1.0, "1"),
        (0, "0"),
        (-3, "-3"),
        (1.25, "1.25"),
        (0.1 + 0.2, "0.3"),
        (date(1990, 1, 5), "1990-01-05"),
        (datetime(1990, 1, 5), "1990-01-05"),
        (datetime(1990, 1, 5, 13, 30), "1990-01-05 13:30:00"),
        (date(1910, 12, 31), "1910-12-31"),
        (True, "TRUE"),
        ("#N/A", "#N/A"),
        ("=1+1", ""),
        ("a&<>\"' 𬬭\nb", "a&<>\"' 𬬭\nb"),
    ],
)
def test_what_a_cell_says(value: object, text: str) -> None:
    table = read_workbook(book((*SOUND[:2], value, SOUND[3])), None, ITEMS, 1)
    assert table.row(0) == (*SOUND[:2], text, SOUND[3], None)


def test_a_formula_says_what_it_last_gave() -> None:
    content = altered(
        book(("=1+1", *SOUND[1:])), SHEET, lambda xml: re.sub(rb"<f>1\+1</f><v\s*/>", b"<f>1+1</f><v>2</v>", xml)
    )
    assert read_workbook(content, None, ITEMS, 1)["row_ref"].to_list() == ["2"]


def test_days_that_count_from_1904() -> None:
    def change(made: openpyxl.Workbook, _: Worksheet) -> None:
        made.epoch = CALENDAR_MAC_1904

    content = book((date(1990, 1, 5), *SOUND[1:]), change=change)
    assert read_workbook(content, None, ITEMS, 1)["row_ref"].to_list() == ["1990-01-05"]


@pytest.mark.parametrize(
    ("serial", "text"), [("1", "1900-01-01"), ("59", "1900-02-28"), ("61", "1900-03-01"), ("2958465", "9999-12-31")]
)
def test_serial_days_at_their_borders(serial: str, text: str) -> None:
    assert number_text(serial, is_date=True, from_1904=False) == text


@pytest.mark.parametrize("text", ["1_0", "٣", "３", "0x10", "1e", "infinity", ".", ""])
@pytest.mark.parametrize("is_date", [True, False])
def test_what_is_no_number_of_xml_stays_as_it_stands(text: str, is_date: bool) -> None:
    """Python's own reading takes some of them, and made days of January 1900 out of them."""
    assert number_text(text, is_date=is_date, from_1904=False) == text


@pytest.mark.parametrize("beyond", ["0", "0.5", "-1", "2958466", "inf", "nan"])
def test_what_is_no_day_stays_a_number(beyond: str) -> None:
    assert number_text(beyond, is_date=True, from_1904=False) == beyond


@pytest.mark.parametrize(
    ("code", "date"),
    [
        ("yyyy-mm-dd", True),
        ('yyyy"年"m"月"d"日"', True),
        ("[$-804]yyyy年m月d日;@", True),
        ("General", False),
        ("0_ ;[Red]\\-0\\ ", False),
        ('0"day"', False),
        ("h:mm:ss", False),
        ("@", False),
        ("0.00E+00", False),
    ],
)
def test_formats_that_show_a_day(code: str, date: bool) -> None:
    assert is_date_format(code) is date


def test_built_in_formats_of_chinese_programs() -> None:
    """Number 31 is yyyy年m月d日 there, and its code does not stand in the file."""
    content = altered(
        book((date(1990, 1, 5), *SOUND[1:])),
        "xl/styles.xml",
        lambda xml: re.sub(rb'(<xf [^>]*numFmtId=")(14|16[4-9])"', rb'\g<1>31"', xml),
    )
    assert read_workbook(content, None, ITEMS, 1)["row_ref"].to_list() == ["1990-01-05"]


def test_rich_text_without_its_phonetic_hints() -> None:
    rich = "<si><r><t>张</t></r><r><rPr><b/></rPr><t>三</t></r><rPh sb='0' eb='1'><t>zhang</t></rPh></si>".encode()
    content = altered(
        book_of_shared_texts(SOUND), SHARED, lambda xml: xml.replace("<si><t>张三</t></si>".encode(), rich)
    )
    assert content != book_of_shared_texts(SOUND)
    assert read_workbook(content, None, ITEMS, 1)["name"].to_list() == ["张三"]


def test_hidden_and_filtered_rows_are_rows() -> None:
    def change(_: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet.row_dimensions[3].hidden = True
        sheet.auto_filter.ref = "A1:D4"

    content = book(SOUND, ("R2", *SOUND[1:]), ("R3", *SOUND[1:]), change=change)
    assert read_workbook(content, None, ITEMS, 3)["row_ref"].to_list() == ["R1", "R2", "R3"]
    assert refused(content, rows=2).code == "row_count"


@pytest.mark.parametrize("place", [1, 2, 4])
def test_an_empty_column_is_none_wherever_it_stands_and_text_in_it_is_named(place: int) -> None:
    def inserted(_: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet.insert_cols(place)

    def with_text(made: openpyxl.Workbook, sheet: Worksheet) -> None:
        inserted(made, sheet)
        sheet.cell(3, place, "more")

    rows = (SOUND, ("R2", *SOUND[1:]))
    content = book(*rows, change=inserted)
    assert read_workbook(content, None, ITEMS, 2).equals(read_workbook(book(*rows), None, ITEMS, 2))
    found = refused(book(*rows, change=with_text), rows=2)
    assert (found.code, found.column) == ("column_unknown", f"#{place}")


def test_a_sheet_without_any_text_is_said_to_be_empty() -> None:
    def emptied(_: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet.delete_rows(1)

    assert refused(book(change=emptied)).code == "data_empty"
    assert refused(book()).code == "no_rows"


def test_empty_rows_are_no_rows_wherever_they_stand() -> None:
    def change(_: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet.insert_rows(1)
        sheet["A1048576"].number_format = "@"

    content = book(SOUND, ("",) * 4, (None,) * 4, ("R2", *SOUND[1:]), change=change)
    assert read_workbook(content, None, ITEMS, 2)["row_ref"].to_list() == ["R1", "R2"]


@pytest.mark.parametrize(
    ("merged", "faults"),
    [
        ("A3:B3", [None, "row_merged", None]),
        ("D2:D3", ["row_merged", "row_merged", None]),
        ("D4:F9", [None, None, "row_merged"]),
        ("F2:G3", [None, None, None]),
    ],
)
def test_merged_cells_spoil_their_rows_alone(merged: str, faults: list[str | None]) -> None:
    content = book(
        SOUND,
        ("R2", *SOUND[1:]),
        ("R3", *SOUND[1:]),
        change=lambda _, sheet: sheet.merge_cells(merged),
    )
    assert read_workbook(content, None, ITEMS, 3)[ROW_FAULT].to_list() == faults


def test_a_cell_beyond_the_header_spoils_its_row_alone() -> None:
    table = read_workbook(book(SOUND, ("R2", *SOUND[1:], "more"), ("R3", *SOUND[1:])), None, ITEMS, 3)
    assert table[ROW_FAULT].to_list() == [None, "row_fields", None]
    assert table["row_ref"].to_list() == ["R1", "R2", "R3"]


def titled(_: openpyxl.Workbook, sheet: Worksheet) -> None:
    sheet.insert_rows(1)
    sheet["A1"] = "核查名单"
    sheet.merge_cells("A1:D1")


def test_a_merged_header_or_title_is_refused_with_its_reason() -> None:
    for change in (titled, lambda _, sheet: sheet.merge_cells("C1:D1"), lambda _, sheet: sheet.merge_cells("A1:A2")):
        found = refused(book(SOUND, change=change))
        assert (found.code, found.row) == ("header_merged", 0)


def with_more_sheets(made: openpyxl.Workbook, sheet: Worksheet) -> None:
    hidden = made.create_sheet("hidden", 0)
    hidden.sheet_state = "hidden"
    other = made.create_sheet("第二批")
    other.append(HEADER)
    other.append(("S1", *SOUND[1:]))
    made.active = 1


def test_the_first_sheet_that_is_shown_or_the_named_one() -> None:
    content = book(SOUND, change=with_more_sheets)
    assert read_workbook(content, None, ITEMS, 1)["row_ref"].to_list() == ["R1"]
    assert read_workbook(content, "第二批", ITEMS, 1)["row_ref"].to_list() == ["S1"]
    found = refused(content, sheet="第三批")
    assert (found.code, found.column) == ("sheet_missing", "data.sheet")


def named(*titles: str) -> bytes:
    def change(made: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet.title = titles[0]
        for title in titles[1:]:
            made.copy_worksheet(sheet).title = title

    return book(SOUND, change=change)


@pytest.mark.parametrize(("title", "asked"), [("Sheet1", "sheet1"), ("名单A", "名单a"), ("LIST", "List")])
def test_letter_case_in_a_sheets_name_does_not_count(title: str, asked: str) -> None:
    assert read_workbook(named("other", title), asked, ITEMS, 1).height == 1
    assert refused(named("other", title), sheet=asked + "x").code == "sheet_missing"


@pytest.mark.parametrize("sealed", [b"-----BEGIN CMS-----\n", b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"])
def test_a_workbook_that_is_sealed_twice_is_told_as_that(sealed: bytes) -> None:
    assert refused(sealed).code == "data_still_sealed"


def rich(text: str) -> Callable[[bytes], bytes]:
    """Each letter of this text a run of its own, in the place of 张三."""
    runs = "".join(f"<r><t>{letter}</t></r>" for letter in text)
    return lambda xml: xml.replace("<si><t>张三</t></si>".encode(), f"<si>{runs}</si>".encode())


@pytest.mark.parametrize("letters", [1, MAX_CELL_LETTERS - 1, MAX_CELL_LETTERS])
def test_however_many_runs_a_shared_text_has_it_is_read(letters: int) -> None:
    content = altered(book_of_shared_texts(SOUND), "xl/sharedStrings.xml", rich("张" * letters))
    assert read_workbook(content, None, ITEMS, 1)["name"].to_list() == ["张" * letters]


@pytest.mark.parametrize("letters", [MAX_CELL_LETTERS + 1, 20 * MAX_CELL_LETTERS])
def test_a_shared_text_that_is_too_long_for_a_cell_names_its_row(letters: int) -> None:
    content = altered(book_of_shared_texts(SOUND, SOUND), "xl/sharedStrings.xml", rich("张" * letters))
    found = refused(content, rows=2)
    assert (found.code, found.row) == ("line_too_long", 1)


@pytest.mark.parametrize("blank", [" ", "\n\t", "\r\n  "])
def test_blanks_around_a_shared_texts_number_are_no_part_of_it(blank: str) -> None:
    spaced = blank.encode()
    content = altered(
        book_of_shared_texts(SOUND),
        "xl/worksheets/sheet1.xml",
        lambda xml: re.sub(rb"<v>(\d+)</v>", b"<v>" + spaced + rb"\1" + spaced + b"</v>", xml),
    )
    assert read_workbook(content, None, ITEMS, 1)["name"].to_list() == ["张三"]


def test_header_and_count_as_in_a_csv_file() -> None:
    assert refused(book()).code == "no_rows"
    assert refused(book(SOUND), rows=2).code == "row_count"
    found = refused(book(SOUND, change=lambda _, sheet: sheet.cell(1, 5, "住址")))
    assert (found.code, found.column) == ("column_unknown", "#5")


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


def test_another_programs_prefixes_and_inline_texts() -> None:
    """As some programs write them: every element with a prefix, texts inside the cells, no references."""
    sheet = (
        '<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData>'
        + "".join(
            "<x:row>" + "".join(f'<x:c t="inlineStr"><x:is><x:t>{text}</x:t></x:is></x:c>' for text in row) + "</x:row>"
            for row in (HEADER, SOUND)
        )
        + "</x:sheetData></x:worksheet>"
    ).encode()
    table = read_workbook(altered(book(SOUND), SHEET, lambda _: sheet), None, ITEMS, 1)
    assert table.row(0) == (*SOUND, None)


plain = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=8)
texts = plain.filter(lambda text: not re.search("_x[0-9A-Fa-f]{4}_", text))  # openpyxl writes it as it is: an escape
references = texts.filter(lambda text: text[:1] != "=" and has_text(text))
cells = texts.filter(lambda text: not text.startswith("=")) | st.integers(-(10**15) + 1, 10**15 - 1) | st.none()


@pytest.mark.parametrize("element", [b"<v>9</v>", b"<is><t>9</t></is>"])
def test_a_value_of_an_extension_behind_the_rows_changes_none(element: bytes) -> None:
    def extend(part: bytes) -> bytes:
        return part.replace(b"</worksheet>", b"<extLst><ext>" + element + b"</ext></extLst></worksheet>")

    with pytest.raises(Refused, match="workbook_format"):
        read_workbook(altered(book(SOUND), "xl/worksheets/sheet1.xml", extend), None, ITEMS, 1)


@pytest.mark.parametrize("write", [book, book_of_shared_texts])
@given(
    rows=st.lists(
        st.tuples(texts.filter(lambda text: text[:1] != "=" and has_text(text)), cells, cells, cells), min_size=1
    )
)
@settings(max_examples=50)
def test_it_reads_what_another_program_wrote(write: Callable[..., bytes], rows: list[tuple[Any, ...]]) -> None:
    table = read_workbook(write(*rows), None, ITEMS, len(rows))
    read = [["" if value is None or not has_text(str(value)) else str(value) for value in row] for row in rows]
    assert table.drop(ROW_FAULT).rows() == list(map(tuple, read))


def answered(content: bytes, rows: int) -> bool:
    """Whether the workbook is read as so many rows, or refused for a reason of the table; any other error is raised."""
    try:
        return read_workbook(content, None, ITEMS, rows).height == rows
    except Refused as refusal:
        return refusal.code in REFUSALS


def test_blank_cells_behind_the_header_are_no_columns_and_text_below_them_is_a_fault() -> None:
    def blank(_: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet["E1"], sheet["F1"], sheet["F3"] = " ", " ", "more"

    table = read_workbook(book(SOUND, ("R2", *SOUND[1:]), change=blank), None, ITEMS, 2)
    assert table[ROW_FAULT].to_list() == [None, "row_fields"]
    assert table.drop(ROW_FAULT).width == len(HEADER)


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


@settings(max_examples=100)
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
