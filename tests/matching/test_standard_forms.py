"""Names, codes, dates and divisions as people write them."""

from __future__ import annotations

from datetime import date
from time import process_time

import polars as pl
import pytest

from exchange.matching.codes import ethnicity_code, sex_code
from exchange.matching.dates import claimed_date, claimed_period
from exchange.matching.divisions import division_code
from exchange.matching.names import MAX_NAME_LETTERS, name_fault, standard_name


def evaluate(text: str, expression: pl.Expr) -> object:
    return pl.DataFrame({"text": [text]}).select(expression).item()


@pytest.mark.parametrize(
    ("claim", "same_as"),
    [
        ("张 三", "张三"),
        ("张　三", "张三"),
        (" 张三\t", "张三"),
        ("阿依古丽·买买提", "阿依古丽·买买提"),
        *[(f"阿依古丽{dot}买买提", "阿依古丽·买买提") for dot in "•・‧．.∙⋅･●᛫"],
        ("ＴＯＭ", "TOM"),
        ("Tom", "TOM"),
        ("𬬭\u200b", "𬬭"),
    ],
)
def test_names_in_one_form(claim: str, same_as: str) -> None:
    assert evaluate(claim, standard_name(pl.col("text"))) == same_as


@pytest.mark.parametrize(
    ("claim", "fault"),
    [
        ("张三", None),
        ("O'Neil", None),
        ("\ue000某", None),  # a private-use character of an older system
        ("", "name_missing"),
        ("　", "name_missing"),
        ("阿" * MAX_NAME_LETTERS, None),
        ("阿" * (MAX_NAME_LETTERS + 1), "name_format"),
        ("阿" * 200, "name_format"),
        ("张3", "name_format"),
        ("=cmd|' /C calc'!A0", "name_format"),
        ("张\ufffd", "name_format"),
        ("张?", "name_format"),
        ("张\x07", "name_format"),
    ],
)
def test_names_that_cannot_be_read(claim: str, fault: str | None) -> None:
    assert evaluate(claim, name_fault(standard_name(pl.col("text")))) == fault


@pytest.mark.parametrize(
    ("claim", "code"),
    [("男", 1), ("1", 1), ("男性", 1), ("Ｍ", 1), ("女", 2), (" 2 ", 2), ("f", 2), ("9", 9), ("未知", 0),
     ("3", None), ("男女", None), ("", None)],
)  # fmt: skip
def test_sex(claim: str, code: int | None) -> None:
    assert evaluate(claim, sex_code(pl.col("text"))) == code


@pytest.mark.parametrize(
    ("claim", "code"),
    [("汉", 1), ("汉族", 1), ("01", 1), ("1", 1), ("朝鲜族", 10), ("10", 10), ("56", 56), ("97", 97), ("其他", 97),
     ("57", None), ("00", None), ("汉人", None)],
)  # fmt: skip
def test_ethnicity(claim: str, code: int | None) -> None:
    assert evaluate(claim, ethnicity_code(pl.col("text"))) == code


@pytest.mark.parametrize(
    "claim",
    ["1990-1-5", "1990-01-05", "1990/1/5", "1990.1.5", "19900105", "1990年1月5日", "1990年01月05", "１９９０－１－５",
     "1990-01-05 00:00:00", "1990/1/5 0:00", " 1990-1-5 ", "32878"],
)  # fmt: skip
def test_dates_as_people_write_them(claim: str) -> None:
    assert evaluate(claim, claimed_date(pl.col("text"))) == date(1990, 1, 5)


@pytest.mark.parametrize(
    "claim", ["90-1-5", "5/1/1990", "1990-13-01", "1990-02-30", "1990-1", "1990", "", "昨天", "999999", "1990-1-5 8:30"]
)
def test_dates_that_are_none_or_leave_open_which(claim: str) -> None:
    assert evaluate(claim, claimed_date(pl.col("text"))) is None


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ("220104", 220104),
        ("２２０１０４", 220104),
        ("220104001001", 220104),
        ("吉林省长春市朝阳区", 220104),
        ("长春市朝阳区", 220104),
        ("吉林省长春市朝阳区人民大街1号", 220104),
        ("吉林省 长春市 朝阳区", 220104),
        ("吉林省延边朝鲜族自治州延吉市公园街", 222401),
        ("吉林省长春市", 220100),
        ("吉林", None),
        ("220113", 220113),
        ("某地", None),
        ("2201", None),
        ("", None),
    ],
)
def test_divisions_by_code_or_name(claim: str, code: int | None) -> None:
    assert evaluate(claim, division_code(pl.col("text"))) == code


@pytest.mark.parametrize("written", ["20", "2015-", "至", "1-", "2015-03-01至", "某"])
def test_a_cell_that_no_span_of_days_is_as_long_as_is_none_at_once(written: str) -> None:
    """Each pattern went through the whole of it, at 0.3 MB a second."""
    frame = pl.DataFrame({"text": [written * (20_000 // len(written))] * 200})
    began = process_time()
    periods = frame.select(claimed_period(pl.col("text"))).to_series().struct.unnest()
    assert process_time() - began < 3
    assert periods["first"].null_count() == 200
