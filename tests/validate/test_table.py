"""Header and rows of a request's data file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.errors import Refused
from exchange.validate import table
from exchange.validate.cells import has_text
from exchange.validate.columns import read_header
from exchange.validate.encoding import to_utf8
from exchange.validate.table import (
    ROW_FAULT,
    _first_filled,
    _read_fast,
    _read_slowly,
    read_parts,
    read_table,
    read_words,
)

ITEMS = ("id_number", "sex")
HEADER = b"row_ref,id_number,name,sex\n"
CODES = ["row_ref", "id_number", "name", "sex"]


def test_columns_in_any_order_by_any_of_their_names() -> None:
    assert read_header(["性别", "姓名", " 身份证号 ", "序号"], ITEMS) == ["sex", "name", "id_number", "row_ref"]
    assert read_header(["ＲＯＷ_REF", "Id_Number", "name", "sex"], ITEMS) == CODES
    assert read_header(["row_ref\u200b", "id_\u00adnumber", "na\x00me", "se x", "\u200b", "\x01"], ITEMS) == CODES


@pytest.mark.parametrize(
    ("header", "code", "column"),
    [
        (["row_ref", "id_number", "name"], "column_missing", "sex"),
        ([*CODES, "ethnicity"], "column_unknown", "#5"),
        (["110105194912310020", *CODES], "column_unknown", "#1"),
        ([*CODES, "\u200b", "more"], "column_unknown", "#6"),
        ([*CODES, "性别"], "column_doubled", "sex"),
        ([*CODES, "", "more"], "column_unknown", "#6"),
        ([], "data_empty", None),
        (["", "\u200b"], "data_empty", None),
    ],
)
def test_headers_that_do_not_fit(header: list[str], code: str, column: str | None) -> None:
    with pytest.raises(Refused) as refused:
        read_header(header, ITEMS)
    assert (refused.value.code, refused.value.column) == (code, column)


def test_a_row_with_a_wrong_number_of_fields_keeps_its_place() -> None:
    body = b'R1,1,a,1\nR2,1,a\nR3,1,a,1,more\n\n"R4","1","a, b",1\n'
    table = read_table(HEADER + body, ITEMS, 4)
    assert table["row_ref"].to_list() == ["R1", "R2", "R3", "R4"]
    assert table[ROW_FAULT].to_list() == [None, "row_fields", "row_fields", None]
    assert table["name"].to_list() == ["a", "a", "a", "a, b"]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b""])
def test_the_last_line_needs_no_ending(ending: bytes) -> None:
    assert read_table(HEADER + b"R1,1,a,1" + ending, ITEMS, 1).row(0) == ("R1", "1", "a", "1", None)


cells = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffd"), max_size=8
) | st.sampled_from(['a"b', "a,b", '"', "NA", "null", ""])


@given(st.lists(st.tuples(cells, cells, cells, cells), min_size=1, max_size=10), st.integers(60, 200))
def test_the_fast_way_reads_what_the_slow_way_reads(rows: list[tuple[str, ...]], part: int) -> None:
    rows = [type(row)(("R" + row[0], *row[1:])) for row in rows]  # one without any text is no row
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    content = HEADER + text.getvalue().encode()
    slow = pl.concat(_read_slowly(content, len(HEADER), CODES))
    assert slow.select(CODES).rows() == list(rows)
    assert pl.concat(_read_fast(content, len(HEADER), CODES, part)).equals(slow)
    assert pl.concat(read_parts(content, ITEMS, len(rows), part=part)).equals(slow)


@pytest.mark.parametrize("before", [b"", b"R0,too few\n"], ids=["fast", "slowly"])
@pytest.mark.parametrize(("lines", "is_read"), [(128, True), (131, False), (5_000, False)])
def test_a_field_over_many_lines_is_as_long_as_it_may_be_either_way(before: bytes, lines: int, is_read: bool) -> None:
    """No line of it is too long; the slow way and the desk take 128 Ki characters."""
    field = b'"' + (b"x" * 1000 + b"\n") * lines + b'"'
    content = HEADER + before + b"R1,1,a,b\n" + field + b",1,a,b\n"
    if is_read:
        assert read_table(content, ITEMS, 2 + bool(before))["row_ref"].str.len_chars().max() == 1001 * lines
        return
    with pytest.raises(Refused) as refused:
        read_table(content, ITEMS, 2 + bool(before))
    assert refused.value.code == "csv_format"


lines = st.lists(cells, min_size=1, max_size=6).filter(lambda row: row != [""])


@given(st.lists(lines, min_size=1, max_size=12), st.integers(60, 200))
def test_ragged_rows_stay_where_they_are_in_parts_of_any_size(rows: list[list[str]], part: int) -> None:
    rows = [type(row)(("R" + row[0], *row[1:])) for row in rows]  # one without any text is no row
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    content = HEADER + text.getvalue().encode()
    read = pl.concat(read_parts(content, ITEMS, len(rows), part=part))
    assert read.equals(pl.concat(_read_slowly(content, len(HEADER), CODES)))
    assert read[ROW_FAULT].to_list() == [
        "row_fields" if len(row) < 4 or any(map(has_text, row[4:])) else None for row in rows
    ]


@pytest.mark.parametrize("body", [b"R1,1,a,1\n,,,\n , ,\n,,,,,\n", b"R1,1,a,1,,\n", b'="R1",1,a,1\n'])
def test_rows_and_cells_without_text_are_none(body: bytes) -> None:
    for header in (HEADER, HEADER.replace(b"\n", b",,\n"), HEADER.replace(b"name", b'"na\nme"')):
        assert read_table(header + body, ITEMS, 1).rows() == [("R1", "1", "a", "1", None)]


@given(
    st.lists(st.sampled_from(["", " ", "\u200b"]), min_size=5, max_size=5),
    st.lists(st.tuples(cells, cells, cells, cells), min_size=1, max_size=5),
    st.sampled_from([60, 200]),
)
def test_a_column_without_header_and_text_is_none_wherever_it_stands(
    blanks: list[str], rows: list[tuple[str, ...]], part: int
) -> None:
    rows = [type(row)(("R" + row[0], *row[1:])) for row in rows]

    def text(between: Sequence[str]) -> bytes:
        written = io.StringIO()
        table = [CODES, *rows]
        widened = [
            [*(cell for pair in zip(between, row, strict=False) for cell in pair), *between[4:]] for row in table
        ]
        csv.writer(written, lineterminator="\n").writerows(widened if between else table)
        return written.getvalue().encode()

    plain = read_table(text([]), ITEMS, len(rows))
    assert pl.concat(read_parts(text(blanks), ITEMS, len(rows), part=part)).equals(plain)


@pytest.mark.parametrize(("content", "column"), [(b",row_ref,id_number,name,sex\n,R1,1,a,1\n1,R2,1,a,1\n", "#1"),
                                                 (b"row_ref,,,id_number,name,sex\nR1,,x,1,a,1\n", "#3"),
                                                 (b"," * 65 + HEADER, "#1")])  # fmt: skip
def test_a_text_in_a_column_without_header_is_named_by_its_place(content: bytes, column: str) -> None:
    found = refused(content, rows=2)
    assert (found.code, found.column) == ("column_unknown", column)


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n,,,\r\n", b"sep=,\r\n", "\u3000".encode(), b",,,", b'"",""'])
def test_a_file_without_any_text_is_said_to_be_empty(content: bytes) -> None:
    assert refused(content).code == "data_empty"


def refused(content: bytes, rows: int = 1) -> Refused:
    with pytest.raises(Refused) as found:
        read_table(content, ITEMS, rows)
    return found.value


EMPTY_CELLS = st.sampled_from(["", " ", "\t", '""', '" "', "\u3000", "\xa0", "\u200b", '"\ufeff"', "\x7f", "\x1a"])


@given(st.lists(st.lists(EMPTY_CELLS, min_size=1, max_size=5), max_size=4), st.sampled_from(["\n", "\r\n"]))
def test_lines_without_text_before_the_header_and_before_the_rows_are_none(lines: list[list[str]], end: str) -> None:
    empty, plain = "".join(",".join(line) + end for line in lines).encode(), HEADER + b"R1,1,a,1\n"
    for content in (empty + plain, b"sep=,\r\n" + empty + plain, HEADER + empty + b"R1,1,a,1\n"):
        assert read_table(content, ITEMS, 1).equals(read_table(plain, ITEMS, 1))
        assert read_words(content) == read_words(HEADER)


def test_a_header_that_is_written_as_formulas() -> None:
    assert read_header([f'="{code}"' for code in CODES], ITEMS) == read_header(CODES, ITEMS)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line", ["", "sep={}\r\n", '"sep={}"\n'])
def test_whatever_parts_the_fields_the_rows_are_the_same(separator: str, line: str) -> None:
    text = io.StringIO(line.format(separator))
    text.seek(0, io.SEEK_END)
    rows = [("R1", "1", f"a{separator}b", "1"), ("R2", "2", 'c"d', "2")]
    csv.writer(text, delimiter=separator).writerows([CODES, *rows])
    quoted = io.StringIO()
    csv.writer(quoted, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([CODES, *rows, ("R3",)])
    assert read_table(text.getvalue().encode(), ITEMS, 2).select(CODES).rows() == rows
    assert read_table(quoted.getvalue().encode(), ITEMS, 3)[ROW_FAULT].to_list() == [None, None, "row_fields"]


@given(st.lists(st.sampled_from(["\r", "\n", "\r\n"]), min_size=2, max_size=8), st.sampled_from(["", "sep=,", ",,,"]))
def test_no_row_is_lost_whichever_ends_the_lines_have(ends: list[str], first: str) -> None:
    rows = [f"R{n},{n},a,1" for n in range(1, len(ends))]
    content = "".join(line + end for line, end in zip([HEADER.decode().rstrip(), *rows], ends, strict=True))
    read = read_table(to_utf8((first + ends[0] + content if first else content).encode()), ITEMS, len(rows))
    assert read["row_ref"].to_list() == [f"R{n}" for n in range(1, len(ends))]


@pytest.mark.parametrize(("separator", "behind"), [(",", "\t"), (";", "\t"), ("\t", ";"), ("\t", ","), (",", "")])
@pytest.mark.parametrize("header", [CODES, ["业务编号", "身份证号", "姓名", "性别"]])
def test_known_words_decide_what_parts_the_fields(header: list[str], separator: str, behind: str) -> None:
    """What stands behind each cell, or behind each line, parts nothing."""
    lines = [header, ["R1", "1", "a", "1"]]
    ends = separator.join("{}" for _ in header) + behind
    at_the_end = "".join(ends.format(*line) + "\n" for line in lines).encode()
    assert read_words(at_the_end)[:3] == header[:3]
    if behind == "\t":  # a blank
        each = "".join(separator.join(f"{cell}{behind}" for cell in line) + "\n" for line in lines).encode()
        assert [cell.strip() for cell in read_table(each, ITEMS, 1).row(0)[:4]] == ["R1", "1", "a", "1"]


@pytest.mark.parametrize("separator", ["|", "，", "；", "、", ":", " ", "   ", "\u3000", "~", "^", "\x1f", "/"])
def test_another_sign_between_the_fields_is_named(separator: str) -> None:
    content = HEADER.decode().replace(",", separator).encode()
    assert (refused(content).code, refused(content).row) == ("csv_separator", 0)


@pytest.mark.parametrize("references", [[""], ["", " ", "\u200b"]])
def test_a_reference_that_is_empty_in_every_row(references: list[str]) -> None:
    body = "".join(f"{reference},1,a,1\n" for reference in references).encode()
    assert refused(HEADER + body, len(references)).code == "row_refs_empty"
    assert read_table(HEADER + body + b"R,1,a,1\n", ITEMS, len(references) + 1).height == len(references) + 1


@given(st.lists(st.text(st.sampled_from([*"R1~ \t\u3000\u200b\x7f\x1f张é"]), max_size=3), max_size=6))
def test_rows_of_which_each_has_a_text_are_told_by_the_least_and_the_most(texts: list[str]) -> None:
    assert table._all_seen(pl.Series(texts, dtype=pl.String)) == all(map(has_text, texts))


def test_a_reference_that_lost_a_character_is_marked() -> None:
    table = read_table(HEADER + "R\ufffd1,1,a,1\nR2,1,\ufffd,1\nR\ufffd3,1\n".encode(), ITEMS, 3)
    assert table[ROW_FAULT].to_list() == ["row_ref_damaged", None, "row_fields"]


@pytest.mark.parametrize("stated", [0, 1, 3])
def test_how_many_rows_were_found(stated: int) -> None:
    found = refused(HEADER + b"R1,1,a,1\nR2,1,a,1\n", stated)
    assert (found.code, found.row, found.column) == ("row_count", 2, "rows")


@pytest.mark.parametrize("commas", [1, 63, 64, 65, 16_000])
def test_empty_columns_behind_the_header_are_cut_off_however_many(commas: int) -> None:
    """A spreadsheet that saves up to its last column; each as a column of its own took a gigabyte."""
    wide = HEADER.rstrip() + b"," * commas + b"\n"
    full = b"".join(b"R%d,1,a,1" % row + b"," * commas + b"\n" for row in range(3))
    rows = [(f"R{row}", "1", "a", "1", None) for row in range(3)]
    assert read_table(wide + full, ITEMS, 3).rows() == rows
    assert read_table(wide + b"R0,1,a,1\nR1,1,a,1\nR2,1,a,1\n", ITEMS, 3).rows() == rows
    assert read_table(wide + full.replace(b"R1,1,a,1,", b"R1,1,a,1,x"), ITEMS, 3)[ROW_FAULT].to_list() == [
        None,
        "row_fields",
        None,
    ]


def test_what_is_read_slowly_is_held_in_chunks_of_rows_and_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_SLOW_BYTES", 100_000)
    monkeypatch.setattr(table, "_SLOW_ROWS", 1000)
    long = [frame.height for frame in _read_slowly(HEADER + (b"R,1,a,1" + b"," * 9000 + b"\n") * 100, 0, CODES)]
    short = [frame.height for frame in _read_slowly(HEADER + b"R\n" * 5000, 0, CODES)]
    assert max(long) < 20
    assert max(short) == 1000
    assert (sum(long), sum(short)) == (101, 5001)


def test_what_is_read_fast_is_held_in_parts_of_rows_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of commas alone: a part of 8 MiB held two million."""
    monkeypatch.setattr(table, "_FAST_ROWS", 1000)
    content = HEADER + b",,,\n" * 4500 + b"R1,1,a,1\n"
    parts = list(_read_fast(content, len(HEADER), CODES, part=1 << 20))
    assert [part.height for part in parts] == [1000, 1000, 1000, 1000, 501]
    assert read_table(content, ITEMS, 1)["row_ref"].to_list() == ["R1"]


@pytest.mark.parametrize("of_header", [",", ";", "\t"])
@pytest.mark.parametrize("of_rows", [",", ";", "\t"])
@pytest.mark.parametrize("behind", ["", "{0}{0}"])
def test_a_header_and_rows_that_are_parted_by_other_signs(of_header: str, of_rows: str, behind: str) -> None:
    header = of_header.join(CODES) + behind.format(of_header)
    rows = ["", of_rows.join(["R1", "1", '"a\nb"', "1"]), of_rows.join(["R2", "1", "", ""])]
    content = "\n".join([header, *rows, ""]).encode()
    assert read_table(content, ITEMS, 2).rows() == [("R1", "1", "a\nb", "1", None), ("R2", "1", "", "", None)]


@pytest.mark.parametrize("sign", ["|", "，", "、", "；"])
def test_another_sign_between_the_fields_of_rows_is_named(sign: str) -> None:
    with pytest.raises(Refused) as refused:
        read_table(HEADER + sign.join(["R1", "1", "a", "1"]).encode(), ITEMS, 1)
    assert (refused.value.code, refused.value.row) == ("csv_separator", 1)


@pytest.mark.parametrize("row", ["R1", "R1;1;a", "R1;1;a;1;2", "R1|1|a"])
def test_rows_of_which_none_fits_the_header_are_told_one_by_one(row: str) -> None:
    assert read_table(HEADER + row.encode(), ITEMS, 1)[ROW_FAULT].to_list() == ["row_fields"]


def test_a_row_of_the_headers_own_sign_shows_that_another_rows_sign_is_text() -> None:
    rows = b"R1;1;a;1\nR2,1,a,1\n"
    assert read_table(HEADER + rows, ITEMS, 2)[ROW_FAULT].to_list() == ["row_fields", None]


@given(st.lists(st.tuples(cells, cells, cells).filter(lambda row: '"' not in "".join(row)), min_size=1, max_size=5))
def test_quotation_marks_behind_a_blank_are_none(rows: list[tuple[str, str, str]]) -> None:
    rows = [(one.replace(",", ""), two.replace(",", ""), three.replace(",", "")) for one, two, three in rows]

    def written(opened: str, closed: str) -> bytes:
        lines = [CODES, *[("R1", *row) for row in rows]]
        return "".join(", ".join(f"{opened}{cell}{closed}" for cell in line) + "\n" for line in lines).encode()

    found = read_table(written('"', '"'), ITEMS, len(rows))
    assert found.drop(ROW_FAULT).rows() == [("R1", *row) for row in rows]


def _first_with_text(utf8: bytes) -> int:
    """The rule, line by line."""
    start = 0
    for line in io.BytesIO(utf8):
        if line.count(b'"') % 2 or has_text(line.decode().translate(str.maketrans("", "", ',;\t"'))):
            break
        start += len(line)
    return start


@given(st.lists(st.sampled_from(['"', '""', ",", ";", "\t", " ", "\n", "\n", "\r\n", "x", "\u200b"]), max_size=30))
def test_lines_without_text_are_passed_over_as_the_rule_says(pieces: list[str]) -> None:
    utf8 = "".join(pieces).encode()
    assert _first_filled(utf8, 0) == _first_with_text(utf8)


@pytest.mark.parametrize("line", [b'""\n', b'"",""\r\n', b',"" ;\n'])
def test_lines_of_empty_texts_are_not_looked_at_one_by_one(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def look(text: str) -> bool:
        looked.append(text)
        return has_text(text)

    monkeypatch.setattr(table, "has_text", look)
    assert _first_filled(line * 1000 + b"x\n", 0) == len(line) * 1000
    assert len(looked) <= 2
