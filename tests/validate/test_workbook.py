"""XLSX requests: what spreadsheets keep in cells, rows, headers and sheets."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from exchange.base.errors import Refused
from exchange.validate.cells import has_text
from exchange.validate.sheet import MAX_CELL_LETTERS
from exchange.validate.table import ROW_FAULT
from exchange.validate.workbook import read_workbook
from tests.examples import one_in

from .workbooks import HEADER, ITEMS, SHARED, SHEET, SOUND, altered, book, book_of_shared_texts, refused, without

INLINE = (
    '<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData>'
    + "".join(
        "<x:row>" + "".join(f'<x:c t="inlineStr"><x:is><x:t>{text}</x:t></x:is></x:c>' for text in row) + "</x:row>"
        for row in (HEADER, SOUND)
    )
    + "</x:sheetData></x:worksheet>"
).encode()
"""The rows of one sheet with prefixes, texts inside the cells, and no references."""


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


def test_rich_text_without_its_phonetic_hints() -> None:
    rich = "<si><r><t>张</t></r><r><rPr><b/></rPr><t>三</t></r><rPh sb='0' eb='1'><t>zhang</t></rPh></si>".encode()
    content = altered(
        book_of_shared_texts(SOUND), SHARED, lambda xml: xml.replace("<si><t>张三</t></si>".encode(), rich)
    )
    assert content != book_of_shared_texts(SOUND)
    assert read_workbook(content, None, ITEMS, 1)["name"].to_list() == ["张三"]


@pytest.mark.parametrize("part", ["xl/styles.xml", SHARED])
def test_a_part_that_was_left_out_is_missed_only_by_what_needs_it(part: str) -> None:
    """As templates name parts that a program which fills them does not write."""
    content = without(altered(book_of_shared_texts(SOUND), SHEET, lambda _: INLINE), part)
    assert read_workbook(content, None, ITEMS, 1).row(0) == (*SOUND, None)
    assert refused(without(book_of_shared_texts(SOUND), SHARED)).code == "workbook_format"
    for needed in ("xl/workbook.xml", SHEET):
        assert refused(without(book(SOUND), needed)).code == "workbook_format"


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


def test_another_programs_prefixes_and_inline_texts() -> None:
    """As some programs write them: every element with a prefix, texts inside the cells, no references."""
    table = read_workbook(altered(book(SOUND), SHEET, lambda _: INLINE), None, ITEMS, 1)
    assert table.row(0) == (*SOUND, None)


@pytest.mark.parametrize("cell", ["A1", "D1", "A2", "C2", "D2"])
@pytest.mark.parametrize("twin", ["<v>1</v>", '<is><t xml:space="preserve">李四</t></is>'])
def test_a_cell_that_stands_twice_refuses_the_set(cell: str, twin: str) -> None:
    """The last one was taken, where Excel repairs the file and others show the first: another person was asked about
    than was seen. A twin without text says nothing.
    """

    def doubled(again: str) -> bytes:
        kind = "inlineStr" if again.startswith("<is>") else "n"
        row = f'<row r="{cell[1]}"'.encode()
        ended = f'<c r="{cell}" t="{kind}">{again}</c></row>'.encode()

        def change(part: bytes) -> bytes:
            before, of_row, rest = part.partition(row)
            return before + of_row + rest.replace(b"</row>", ended, 1)

        return altered(book(SOUND), SHEET, change)

    assert refused(doubled(twin)).code == "workbook_format"
    for nothing in ("", "<v></v>", "<is><t> </t></is>"):
        assert read_workbook(doubled(nothing), None, ITEMS, 1).row(0) == (*SOUND, None)


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
@one_in(2)
def test_it_reads_what_another_program_wrote(write: Callable[..., bytes], rows: list[tuple[Any, ...]]) -> None:
    table = read_workbook(write(*rows), None, ITEMS, len(rows))
    read = [["" if value is None or not has_text(str(value)) else str(value) for value in row] for row in rows]
    assert table.drop(ROW_FAULT).rows() == list(map(tuple, read))


def test_blank_cells_behind_the_header_are_no_columns_and_text_below_them_is_a_fault() -> None:
    def blank(_: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet["E1"], sheet["F1"], sheet["F3"] = " ", " ", "more"

    table = read_workbook(book(SOUND, ("R2", *SOUND[1:]), change=blank), None, ITEMS, 2)
    assert table[ROW_FAULT].to_list() == [None, "row_fields"]
    assert table.drop(ROW_FAULT).width == len(HEADER)
