"""Masking and writing: nobody whole leaves, no formula leaves, every word is one of the tables."""

from __future__ import annotations

import csv
import io

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.masking import HIDDEN, mask
from exchange.results import write_csv
from exchange.tables import ANSWERS, ITEMS

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


@pytest.mark.parametrize(
    ("claim", "echo"),
    [
        ("11010519491231002X", "110105********002X"),
        ("１１０１０５１９４９１２３１００２ｘ", "110105********002X"),
        ("110105491231002", "110105*****1002"),
        ("1101051949123100", HIDDEN),
        ("张三", HIDDEN),
        ("", HIDDEN),
    ],
)
def test_id_numbers(claim: str, echo: str) -> None:
    assert masked("R", claim, "张三")["id_number"].item() == echo
    assert masked("R", claim, "张三", ("hide", "hide")).row(0)[1:3] == (HIDDEN, HIDDEN)


@pytest.mark.parametrize(("claim", "echo"), [("张三", "张**"), ("欧阳修", "欧**"), (" 张三", "张**"), ("", HIDDEN)])
def test_names(claim: str, echo: str) -> None:
    assert masked("R", "", claim)["name"].item() == echo


def test_an_identity_number_used_as_a_reference_is_masked_too() -> None:
    assert masked("no-11010519491231002X-1", "", "")["row_ref"].item() == "no-110105********002X-1"


NUMBER = st.sampled_from(["11010519491231002X", "440524188001010014", "22010219900307123x"])


@given(NUMBER, st.text(max_size=5), st.text(max_size=5))
def test_no_whole_number_is_ever_echoed(number: str, before: str, after: str) -> None:
    frame = masked(before + number + after, before + number + after, number)
    content = write_csv(frame, ITEM, "en", "utf-8").decode()
    assert number not in content
    assert number[6:14] not in content


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "|", "%"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_cell_begins_like_a_formula(start: str, language: str) -> None:
    (row,) = read(write_csv(masked(f"{start}cmd", "", f"{start}x"), ITEM, language, "utf-8"), "utf-8")
    assert not any(cell.startswith(start) for cell in row.values())
    assert next(iter(row.values())) == f"'{start}cmd"


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
