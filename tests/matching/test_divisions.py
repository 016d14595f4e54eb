"""Codes of today and of before, and whether two of them mean the same place."""

from __future__ import annotations

from typing import cast

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchange.matching import divisions
from exchange.matching.division_meanings import todays
from exchange.matching.divisions import division_code, goes_on, members, place, place_answer
from exchange.matching.identity import Population
from exchange.matching.items import RULES
from exchange.matching.sources import Sources

ROW = {"code": pl.Int32, "name": pl.String}
CHANGCHUN, CHAOYANG, JIUTAI, JIUTAI_CITY, JIUTAI_COUNTY = 220100, 220104, 220113, 220181, 220123


@pytest.mark.parametrize(
    ("claimed", "registered", "answer"),
    [
        (CHAOYANG, CHAOYANG, "consistent"),
        (CHANGCHUN, CHAOYANG, "consistent"),  # a broader claim
        (220000, CHAOYANG, "consistent"),
        (220101, CHAOYANG, "consistent"),  # the districts of Changchun
        (CHAOYANG, CHANGCHUN, "under_review"),  # the register itself is broader
        (CHAOYANG, 220102, "inconsistent"),
        (110105, CHAOYANG, "inconsistent"),  # Beijing has a district of the same name
        (JIUTAI, JIUTAI_CITY, "consistent"),  # a city, 2014 a district
        (JIUTAI_CITY, JIUTAI, "consistent"),
        (JIUTAI, JIUTAI_COUNTY, "consistent"),
        (110101, 110103, "consistent"),  # Chongwen became a part of Dongcheng in 2010
        (512221, 220104, "inconsistent"),
        (220381, 220184, "consistent"),  # Gongzhuling went from Siping to Changchun in 2020
        (220300, 220184, "inconsistent"),
    ],
)
def test_places_agree_by_the_counties_of_today(claimed: int, registered: int, answer: str) -> None:
    found = pl.select(place_answer(pl.lit(claimed), pl.lit(registered))).item()
    assert found == answer


def test_a_code_whose_successors_are_not_known_is_for_an_officer() -> None:
    lost = next(code for code, counties in members().items() if not counties)
    assert pl.select(place_answer(pl.lit(lost), pl.lit(CHAOYANG))).item() == "under_review"


def test_every_county_of_today_means_itself_and_lies_in_its_city_and_province() -> None:
    for code in (code for code in members() if members()[code] == {code} and code % 100):
        province = code // 10000 * 10000
        assert code in members()[province]
        assert members().get(code // 100 * 100, {code}) >= {code}


@pytest.mark.parametrize(
    ("text", "code", "street"),
    [
        ("吉林省长春市朝阳区人民大街 12号", CHAOYANG, "人民大街12号"),
        ("长春市朝阳区，人民大街（甲）12号", CHAOYANG, "人民大街甲12号"),
        ("中国 吉林省长春市", CHANGCHUN, ""),
        ("220104 人民大街12号", CHAOYANG, "人民大街12号"),
        ("220104", CHAOYANG, ""),
        ("220104001001", CHAOYANG, ""),
        ("北京市崇文区", 110103, ""),
        ("四平市公主岭市", 220381, ""),
        ("朝阳区", None, "朝阳区"),  # several cities have one
        ("人民大街12号", None, "人民大街12号"),
        ("999999", None, "999999"),
        ("", None, ""),
        (None, None, None),
    ],
)
def test_text_is_parted_into_division_and_street(text: str | None, code: int | None, street: str | None) -> None:
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    found = frame.select(place(pl.col("text")).alias("place"), code=division_code(pl.col("text"))).row(0, named=True)
    assert found["place"]["code"] == found["code"] == code
    assert found["place"]["street"] == street


def test_more_text_behind_a_province_or_a_city_may_be_one_of_its_counties() -> None:
    """Behind a county, or a city without counties, it lies within what the register knows."""
    rows = pl.DataFrame([(int(code), row["full_name"]) for code, row in todays().items()], orient="row", schema=ROW)
    several = rows["code"].is_in([code for code in rows["code"] if code % 100 == 0 and len(members()[code]) > 1])
    once_more = pl.concat_str(pl.col("code"), pl.lit(" "), "name")
    found = rows.select(
        alone=goes_on(pl.col("name"), pl.col("code")),
        twice=goes_on(once_more, pl.col("code")),
        behind=goes_on(pl.col("name") + "某地", pl.col("code")),
        behind_code=goes_on(once_more + "某地", pl.col("code")),
    )
    assert not found["alone"].any()
    assert not found["twice"].any()
    assert found["behind"].equals(several.alias("behind"))
    assert found["behind_code"].equals(several.alias("behind_code"))
    assert several.sum() > 300


WORDS = (
    "吉林省",
    "长春市",
    "朝阳区",
    "延边州",
    "220104",
    "220104000000",
    "中国",
    "北京市",
    "市辖区",
    "人民大街",
    *"号3３aAéǆß𬬭",
)
PIECES = st.sampled_from([*WORDS, *"-·(（） \u3000\u200b'\n"])


@given(st.lists(st.lists(PIECES, max_size=6).map("".join), max_size=5))
def test_a_text_that_is_written_plainly_means_what_it_means_evened_out(texts: list[str]) -> None:
    written = pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(place(pl.col("text")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(divisions, "_PLAIN", r"^\b\B$")  # no text is
        evened = pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(place(pl.col("text")))
    assert written.equals(evened)


@given(st.lists(PIECES, max_size=8).map("".join))
@example("220104人民大街12号\n3单元")
@example("220104\r\n人民大街\n12号")
def test_a_line_break_in_a_cell_is_a_blank_there(text: str) -> None:
    """Behind a code it made of the address one that cannot be read: who fills in a workbook breaks lines in a cell."""
    broken, blank = ([each] for each in (text, text.replace("\r\n", " ").replace("\n", " ")))
    schema = {"text": pl.String}
    found, same = (
        pl.DataFrame({"text": each}, schema=schema).select(place(pl.col("text"))) for each in (broken, blank)
    )
    assert found.equals(same)


@pytest.mark.parametrize("claim", ["full_name", "code"])
def test_the_registers_own_name_of_a_county_in_front_is_no_part_of_the_street_wherever_others_bear_it(
    claim: str,
) -> None:
    """Of 朝阳区, 铁西区 and some hundred more, the street was answered as another one."""
    counties = [(code, row["name"], row["full_name"]) for code, row in todays().items() if not code.endswith("00")]
    rows = pl.DataFrame(counties, schema=["code", "name", "full_name"], orient="row").select(
        pl.format("{} 某街1号", pl.col(claim)).alias("registered_address"),
        pl.col("code").cast(pl.Int32).alias("register.registered_division"),
        pl.format("{}某街1号", "name").alias("register.registered_address"),
    )
    sources = Sources(cast("Population", None), {})
    assert RULES["registered_address"].looks_up is not None
    answers = RULES["registered_address"].looks_up(rows, sources).select(RULES["registered_address"].answer)
    assert set(answers.to_series()) == {"consistent"}
