"""Masking and writing: nobody whole leaves, no formula leaves, every word is one of the tables."""

from __future__ import annotations

import csv
import io
from datetime import date

import openpyxl
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.tables import ANSWERS, ITEMS, NOTES
from exchange.base.xlsx import MAX_WRITTEN_CELL, write_workbook
from exchange.output.masking import mask
from exchange.output.results import answer_columns, heading, notes_of, write_csv, write_xlsx
from exchange.validate.encoding import to_utf8
from exchange.validate.table import read_table
from exchange.validate.workbook import read_workbook
from exchange.wire.manifest import DataFile, RequestManifest, SnapshotDate

ITEM = ("sex",)


def masked(
    row_ref: str, id_number: str, name: str, rules: tuple[str, str] = ("keep_6_4", "keep_first")
) -> pl.DataFrame:
    answers = pl.DataFrame(
        {"row_ref": [row_ref], "id_number": [id_number], "name": [name], "identity": ["consistent"], "note": [""],
         "answer.sex": ["consistent"]}
    )  # fmt: skip
    return mask(answers, *rules)


def read(content: bytes, encoding: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(encoding), newline="")))


NUMBER = st.sampled_from(["11010519491231002X", "440524188001010014", "22010219900307123x"])


@given(NUMBER, st.text(max_size=5), st.text(max_size=5))
def test_no_whole_number_is_ever_echoed(number: str, before: str, after: str) -> None:
    frame = masked(before + number + after, before + number + after, number)
    content = write_csv(frame, ITEM, "en", "utf-8").decode()
    assert number not in content
    assert number[6:14] not in content


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "|", "%", "＝", "＋", "－", "＠"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_cell_begins_like_a_formula(start: str, language: str) -> None:
    (row,) = read(write_csv(masked(f"{start}cmd", "", f"{start}x"), ITEM, language, "utf-8"), "utf-8")
    assert not any(cell.startswith(start) for cell in row.values())
    assert next(iter(row.values())) == f"'{start}cmd"


CELL = st.one_of(
    st.text(max_size=4), st.sampled_from(["", "R1", "=1", 'a"b', "a,b", "a\r", "\n", " a ", "'", "\ufeff"])
)


@given(
    st.lists(st.tuples(CELL, CELL, CELL, st.sampled_from(["", "id_repaired", "id_repaired;name_variant"])), max_size=6)
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_row_is_written_the_same_whatever_stands_beside_it(
    language: str, rows: list[tuple[str, str, str, str]]
) -> None:
    """Alone, where each that is plain is written so, and beside a row that must stand in quotation marks."""
    columns = ("row_ref", "id_number", "name", "note")
    beside = pl.DataFrame([*rows, ("a,b", "", "", "")], schema=dict.fromkeys(columns, pl.String), orient="row")
    frame = beside.with_columns(pl.lit("consistent").alias(column) for column in ("identity", "answer.sex"))
    alone = [write_csv(row, ITEM, language, "utf-8", header=False) for row in frame.iter_slices(1)]
    assert write_csv(frame, ITEM, language, "utf-8", header=False) == b"".join(alone)


def test_no_word_of_the_tables_must_stand_in_quotation_marks() -> None:
    words = [*(answer.zh for answer in ANSWERS.values()), *(note.zh for note in NOTES.values()), *ANSWERS, *NOTES]
    headings = [heading(item) for item in ("identity", *ITEMS)]
    names = [name for item in ITEMS for name in answer_columns([item]).values()]
    assert not [word for word in (*words, *headings, *names) if not word or set(word) & set(',"\r\n')]
    assert len(words) > 20


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_words_are_those_of_the_tables(encoding: str) -> None:
    (chinese,) = read(write_csv(masked("R", "", "𬬭"), ITEM, "zh", encoding), encoding)
    assert list(chinese) == ["业务编号", "公民身份号码", "姓名", "号码与姓名", "说明", f"{ITEMS['sex'].zh}核查结果"]
    assert chinese["号码与姓名"] == ANSWERS["consistent"].zh
    assert chinese["姓名"] == "𬬭**"
    (coded,) = read(write_csv(masked("R", "", "张"), ITEM, "en", encoding), encoding)
    assert coded["sex_answer"] == "consistent"


def test_the_chinese_word_of_each_answer_is_its_own() -> None:
    assert len({answer.zh for answer in ANSWERS.values()}) == len(ANSWERS)


def sheets(content: bytes) -> dict[str, list[tuple[object, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


def test_a_workbook_says_what_the_csv_file_says() -> None:
    frame = masked("=1+1", "11010519491231002X", "𬬭三")
    (row,) = read(write_csv(masked("=1+1", "11010519491231002X", "𬬭三"), ITEM, "zh", "utf-8"), "utf-8")
    content = write_xlsx(frame, ITEM, "zh", [("批次号 batch", "x.1")])
    assert sheets(content) == {
        "核查结果": [tuple(row), ("=1+1", *[value or None for value in list(row.values())[1:]])],
        "说明": [("批次号 batch", "x.1")],
    }
    assert write_xlsx(frame, ITEM, "zh", [("批次号 batch", "x.1")]) == content


def test_no_cell_of_a_workbook_is_anything_but_text() -> None:
    content = write_xlsx(masked("=1+1", "110105491231002", "=cmd|' /C calc'!A"), ITEM, "en", [("=1+1",)])
    book = openpyxl.load_workbook(io.BytesIO(content))
    types = {cell.data_type for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.value}
    assert types <= {"s", "inlineStr"}


HARD = ["a&b<c>\"'", " x ", "a\nb\tc", "_x0041_", "_x0041_x0042_", "𬬭\ue000", "a\x01\x1f\rb", "\ufffe", "&amp;", "123"]


@pytest.mark.parametrize("reference", HARD)
def test_a_reference_comes_back_as_it_was(reference: str) -> None:
    """By our own reader, which undoes what XML cannot hold as spreadsheets do."""
    table = pl.DataFrame({"row_ref": [reference], "id_number": [""], "name": ["x"]})
    assert read_workbook(write_workbook(table, "s", [], "n"), None, (), 1)["row_ref"].item() == reference


def test_many_rows_and_a_text_that_is_too_long_for_a_cell() -> None:
    count = 20_001
    texts = [f"R{number}" for number in range(count)]
    table = pl.DataFrame({"row_ref": texts, "id_number": [""] * count, "name": ["x"] * count})
    assert read_workbook(write_workbook(table, "s", [], "n"), None, (), count)["row_ref"].to_list() == texts
    long = write_workbook(pl.DataFrame({"row_ref": ["𬬭" * 40_000]}), "s", [], "n")
    assert sheets(long)["s"][1] == ("𬬭" * MAX_WRITTEN_CELL,)


def test_what_stands_beside_the_answers() -> None:
    request = RequestManifest(
        format="exchange-request/1",
        partner="bank",
        batch="bank.1",
        cycle="monthly",
        period="2026-10",
        purpose="p",
        legal_basis="l",
        handler="h",
        items=["sex"],
        rows=2,
        data=DataFile(name="bank.1.xlsx", size=1, sha256="0" * 64),
    )
    dates = [SnapshotDate(source="population", zh="人口信息管理系统", as_of=date(2026, 11, 22))]
    counts = {"identity": {"consistent": 2}, "sex": {"consistent": 1, "inconsistent": 1}}
    notes = notes_of("bank.1", request, dates, counts)
    for said in (
        ("批次号 batch", "bank.1"),
        ("期间 period", "2026-10"),
        ("人口信息管理系统", "population", "2026-11-22"),
        ("号码与姓名 identity", "一致 consistent", "2"),
        ("性别 sex", "不一致 inconsistent", "1"),
    ):
        assert said in notes


E000 = "\ue000\ue5e5\uf8ff"
"""Private-use characters: two bytes in GB18030, and those that user-defined characters of old systems live in."""


@pytest.mark.parametrize("name", ["𠀀", "𬬭", "䶮", "\u3400", *E000, "㐂"])
def test_rare_characters_come_and_go_in_gb18030(name: str) -> None:
    """Four bytes, and private use: what the partner's GB18030 says comes back as the same bytes."""
    came = f"row_ref,id_number,name\n{name},,{name}\n".encode("gb18030")
    table = read_table(to_utf8(came, "gb18030"), (), 1)
    assert table.row(0)[:3] == (name, "", name)
    frame = table.with_columns(identity=pl.lit("consistent"), note=pl.lit("")).drop("row_fault")
    (row,) = read(write_csv(mask(frame, "hide", "keep_first"), (), "zh", "gb18030"), "gb18030")
    assert (row["业务编号"], row["姓名"]) == (name, f"{name}**")
