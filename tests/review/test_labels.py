"""What an officer reads: every column has a Chinese word, every code its own."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

import polars as pl
import pytest

from exchange.base.tables import OFFENCE_KINDS
from exchange.matching.cancellations import CANCELLATION_REASONS
from exchange.matching.codes import SEX, ethnicity_words
from exchange.matching.items.event import EVENT_KINDS
from exchange.matching.relations import relation_words
from exchange.review.labels import in_words, labels, line
from exchange.snapshots import population
from tests.spec.test_spec import exported

CODES: Final = {
    "sex": SEX.values(),
    "ethnicity": ethnicity_words().values(),
    "relation": relation_words().values(),
    "cancelled_reason": CANCELLATION_REASONS.values(),
    "event": EVENT_KINDS.values(),
    "kind": OFFENCE_KINDS,
}
DIVISIONS: Final = {"registered_division", "birthplace", "native_place"}
NOT_SHOWN_AS_WORDS: Final = {"key", "household"}


@pytest.mark.parametrize(
    ("column", "value", "label", "text"),
    [
        ("key", 11010519491231002, "公民身份号码", "11010519491231002X"),
        ("sex", 1, "性别", "男"),
        ("sex", 9, "性别", "未说明的性别"),
        ("ethnicity", 1, "民族", "汉族"),
        ("registered_division", 220102, "户籍地区划", "吉林省长春市南关区"),
        ("birthplace", 110103, "出生地", "北京市崇文区"),
        ("birthplace", 999999, "出生地", "999999"),
        ("relation", 2, "与户主关系", "户主"),
        ("doubt", True, "身份存疑", "是"),
        ("sentence_unread", "false", "刑期无法识别", "否"),
        ("cancelled_reason", 1, "注销原因", "死亡"),
        ("cancelled_reason", 5, "注销原因", "其他"),
        ("kind", "administrative_penalty", "记录种类", "行政拘留以外的行政处罚"),
        ("counts", "counts", "对本用途", "计入 counts"),
        ("counts", "unclear", "对本用途", "不明，由民警判断 unclear"),
        ("by", "教师法第十四条", "依据条文", "教师法第十四条"),
        ("event", "1", "业务种类", "迁入"),
        ("item", "ethnicity", "变更更正项目", "民族"),
        ("statement", "持有户口簿", "异议说明", "持有户口簿"),
        ("unheard_of", 7, "unheard_of", "7"),
    ],
)
def test_in_words(column: str, value: Any, label: str, text: str) -> None:
    assert in_words({column: value}) == {label: text}


@pytest.mark.parametrize("column", CODES)
def test_no_code_is_left_to_the_officer(column: str) -> None:
    for code in sorted(set(CODES[column]), key=str):
        (text,) = in_words({column: code}).values()
        assert not re.search("[0-9A-Za-z]", text), code


def test_each_code_of_a_person_has_words() -> None:
    """Whoever adds a column that holds numbers says what an officer reads in their place."""
    person = exported([{"id_number": "11010519491231002X", "name": "虚构"}], "population", status="normal")
    people = pl.DataFrame(population.build_tables(person, date(2026, 11, 23))[0]["people"])
    coded = {name for name, kind in people.schema.items() if kind.is_integer()}
    assert coded - NOT_SHOWN_AS_WORDS - DIVISIONS <= set(CODES)
    assert set(people.columns) <= set(labels())


def test_what_is_empty_is_left_out() -> None:
    assert line({"name": "虚构", "former_name": "", "sex": None}) == "姓名 虚构"


def test_every_column_of_the_snapshots_has_a_word() -> None:
    columns = (
        "key", "name", "sex", "birth_date", "ethnicity", "registered_division", "registered_address", "doubt",
        "cancelled", "cancelled_reason", "cancelled_on", "former_name", "birthplace", "native_place", "household",
        "relation", "source", "counts", "by", "kind", "offence_date", "effective_on", "sentence_months", "event",
        "happened_on",
    )  # fmt: skip
    assert set(columns) <= set(labels())
