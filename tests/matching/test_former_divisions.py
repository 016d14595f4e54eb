"""Every former division leads to where its name is today, or says why not and by which source."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import polars as pl
import pytest

from exchange.matching.division_meanings import (
    FIRST_OF_NAMES,
    Meaning,
    counties_of,
    extents,
    formers,
    in_use,
    meanings,
    todays,
    told_apart,
)
from exchange.matching.division_names import stem
from exchange.matching.divisions import all_extents, division_code, division_name, division_words, place_answer
from exchange.matching.items.event import division_part

PARTED = {("51", "50"), ("44", "46"), ("42", "50")}
"""Chongqing (1997) and Hainan (1988) came out of other provinces."""

REASONS = {"renamed", "merged", "raised", "parted", "unknown"}


def within_reach(old: str, new: str) -> bool:
    return old[:2] == new[:2] or (old[:2], new[:2]) in PARTED


def test_a_former_division_leads_to_its_name_or_says_why_not() -> None:
    for row in formers():
        after = row["successors"].split()
        assert all(code in todays() and within_reach(row["code"], code) for code in after), row
        if row["reason"]:
            assert row["reason"] in REASONS, row
            assert row["source"], row
            assert (row["reason"] == "unknown") == (not after), row
        else:
            assert stem(row["name"]) in {stem(todays()[code]["name"]) for code in after}, row


def test_whose_name_stands_today_leads_there() -> None:
    """Where the one county of a name in its province is not among the successors, another took the name: few have."""
    standing = defaultdict(set)
    for code, row in todays().items():
        if code[4:] != "00":
            standing[code[:2], stem(row["name"])].add(code)
    elsewhere = {
        row["name"]
        for row in formers()
        if row["code"][4:] != "00" and not row["name"].endswith("区")
        for now in [standing[row["code"][:2], stem(row["name"])]]
        if now and not now & set(row["successors"].split())
    }
    beside_their_counties = {"承德市", "铁岭市", "朝阳市", "通化市", "吉安市", "安阳市", "新乡市"}
    assert elsewhere <= beside_their_counties | {"达川市"}


@pytest.mark.parametrize(
    ("code", "name", "today"),
    [
        ("142401", "榆次市", "山西省晋中市榆次区"),
        ("511121", "仁寿县", "四川省眉山市仁寿县"),
        ("330725", "义乌县", "浙江省金华市义乌市"),
        ("231027", "虎林县", "黑龙江省鸡西市虎林市"),
        ("379004", "莱芜市", "山东省济南市莱芜区 山东省济南市钢城区"),
        ("220123", "九台县", "吉林省长春市九台区"),
        ("232301", "绥化市", "黑龙江省绥化市北林区"),
        ("332401", "金华市", "浙江省金华市婺城区 浙江省金华市金东区"),
        ("352401", "泉州市", "福建省泉州市鲤城区 福建省泉州市丰泽区 福建省泉州市洛江区 福建省泉州市泉港区"),
        ("512221", "万县", "重庆市万州区"),
        ("512301", "涪陵市", "重庆市涪陵区"),
        ("152121", "布特哈旗", "内蒙古自治区呼伦贝尔市扎兰屯市"),
        ("110103", "崇文区", "北京市东城区"),
        ("320824", "宿迁县", "江苏省宿迁市宿城区 江苏省宿迁市宿豫区"),
        (
            "222500",
            "德惠地区",
            "吉林省长春市农安县 吉林省长春市双阳区 吉林省长春市九台区 吉林省长春市榆树市 吉林省长春市德惠市",
        ),
    ],
)
def test_known_successors(code: str, name: str, today: str) -> None:
    row = next(row for row in formers() if (row["code"], row["name"]) == (code, name))
    assert {todays()[after]["full_name"] for after in row["successors"].split()} == set(today.split())


def test_a_former_name_is_read_as_what_it_meant() -> None:
    """By its full name; what is a form of something of today, too, means that."""
    full = defaultdict(set)
    for row in formers():
        full[row["full_name"]].add(counties_of(row))
    today = {row["full_name"] for row in todays().values()}
    for name, fates in full.items():
        if name not in today and len(fates) == 1:
            number = division_words()[name]
            taken = number in in_use() or number >= FIRST_OF_NAMES
            assert {all_extents()[number].possible} == fates or taken, name


SEVERAL = [code for code, several in meanings().items() if len(several) > 1 and code not in in_use()]


def test_a_code_that_meant_several_things_is_an_officers_by_itself() -> None:
    assert 222421 in SEVERAL
    pairs = [
        (code, one)
        for code in SEVERAL
        for meaning in meanings()[code]
        for one in meaning.counties - extents()[code].sure
    ]
    claimed, registered = (pl.Series(column, dtype=pl.Int32) for column in zip(*pairs, strict=True))
    for one, other in ((claimed, registered), (registered, claimed)):
        answers = pl.select(place_answer(pl.lit(one), pl.lit(other))).to_series()
        assert set(answers) == {"under_review"}


@pytest.mark.parametrize(
    ("on", "since", "means"),
    [
        (1982, None, "延吉县"),
        (1983, None, "延吉县"),
        (1984, None, "龙井县"),
        (1988, None, "龙井县"),
        (1989, None, None),
        (None, 1981, None),
        (None, 1983, None),
        (None, 1984, "龙井县"),
        (None, 1988, "龙井县"),
        (None, 1989, None),
        (None, None, None),
    ],
)
def test_a_year_tells_the_meanings_apart(on: int | None, since: int | None, means: str | None) -> None:
    """On the day of an event; or of what was registered in that year or later."""
    year = pl.lit(on if on else since, pl.Int32)
    asked = told_apart(pl.lit(222421), on=year) if on else told_apart(pl.lit(222421), since=year)
    assert pl.select(asked).item() == (division_words()[means] if means else 222421)


REUSED = [
    (code, meaning)
    for code in in_use()
    for meaning in meanings()[code][:-1]
    if meaning.until > 1984 and not meaning.counties <= in_use()[code]
]


def test_a_code_that_is_in_use_again_is_an_officers_for_whoever_was_born_before() -> None:
    """Neither place is denied where the register's code may mean it; who was born later means today's."""
    assert (130123, 1993) in [(code, meaning.until) for code, meaning in REUSED]
    asked = [
        (code, county, meaning.until)
        for code, meaning in REUSED
        for county in meaning.counties | in_use()[code]
        if county != code
    ]
    codes = pl.DataFrame(asked, schema=dict.fromkeys(("register", "claimed", "until"), pl.Int32), orient="row")
    born, after = pl.col("until"), pl.col("until") + 1
    for year, never in (
        (pl.lit(None, pl.Int32), "inconsistent"),
        (pl.lit(1950), "inconsistent"),
        (born - 1, "inconsistent"),
        (born, "inconsistent"),
        (after, "under_review"),
    ):
        answers = codes.with_columns(
            place_answer(pl.col("claimed"), told_apart(pl.col("register"), since=year)).alias("a")
        )
        only = answers.filter(pl.col("claimed").is_in(list(in_use())), pl.col("register") % 100 > 1)
        assert never not in set(only["a"]), year


def test_an_officer_reads_every_name_of_a_code() -> None:
    assert division_name("222421") == "吉林省延边朝鲜族自治州延吉县／吉林省延边朝鲜族自治州龙井县"
    assert division_name("142401") == "山西省晋中地区榆次市"


def test_a_code_of_one_meaning_is_left_as_it_is() -> None:
    codes = pl.Series([220104, 220123, 999999, None], dtype=pl.Int32)
    found = pl.select(told_apart(pl.lit(codes), since=pl.lit(1981))).to_series()
    assert found.to_list() == codes.to_list()


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("延边州", "延边朝鲜族自治州"),
        ("吉林省延边州敦化市", "敦化市"),
        ("前郭县", "前郭尔罗斯蒙古族自治县"),
        ("长白县", "长白朝鲜族自治县"),
        ("巴州", "巴音郭楞蒙古自治州"),
        ("恩施州", "恩施土家族苗族自治州"),
        ("鄂温克旗", "鄂温克族自治旗"),
    ],
)
def test_short_names_are_read(written: str, means: str) -> None:
    assert division_words()[written] == division_words()[means]


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("榆次市", "榆次"),
        ("榆次区", "榆次"),
        ("通县", "通县"),
        ("城区", "城区"),
        ("延边朝鲜族自治州", "延边"),
        ("积石山保安族东乡族撒拉族自治县", "积石山"),
        ("东乡族自治县", "东乡"),
        ("鄂温克族自治旗", "鄂温克"),
        ("巴音郭楞蒙古自治州", "巴音郭楞"),
        ("龙胜各族自治县", "龙胜"),
        ("石拐矿区", "石拐"),
    ],
)
def test_the_stem_of_a_name(name: str, means: str) -> None:
    assert stem(name) == means


@pytest.mark.parametrize(
    ("code", "name", "of_then", "successors"),
    [
        # codes of cities were given out anew in 1982 and 1984, their 郊区 kept code and name and were others
        ("410500", "鹤壁市", "河南省鹤壁市", "410602 410603 410611"),
        ("410600", "焦作市", "河南省焦作市", "410802 410803 410804 410811"),
        ("410511", "郊区", "河南省鹤壁市郊区", "410611"),
        ("410511", "郊区", "河南省安阳市郊区", "410502 410503 410505 410506"),
        ("430300", "邵阳市", "湖南省邵阳市", "430502 430503 430511 430522 430582"),
        ("430311", "郊区", "湖南省邵阳市郊区", "430511"),
        ("430311", "郊区", "湖南省湘潭市郊区", "430302 430304"),
        ("430411", "郊区", "湖南省湘潭市郊区", "430302 430304"),
        ("430511", "郊区", "湖南省衡阳市郊区", "430408"),
    ],
)
def test_what_bore_one_code_and_one_name_in_two_cities_is_two(
    code: str, name: str, of_then: str, successors: str
) -> None:
    rows = [row for row in formers() if (row["code"], row["name"], row["full_name"]) == (code, name, of_then)]
    assert rows
    assert {row["successors"] for row in rows} == {successors}


def test_no_place_is_denied_under_a_name_that_it_bore() -> None:
    """Whoever writes what a county's place was called in full, and is registered in what came of it."""
    pairs = [(row["full_name"], county) for row in formers() for county in counties_of(row)]
    claims = pl.DataFrame(pairs, schema={"name": pl.String, "county": pl.Int32}, orient="row")
    answers = claims.with_columns(place_answer(division_code(pl.col("name")), pl.col("county")).alias("answer"))
    assert answers.filter(pl.col("answer") == "inconsistent").rows() == []
    today = pl.DataFrame([(row["full_name"], int(code)) for code, row in todays().items()], orient="row")
    todays_own = today.select(place_answer(division_code(pl.col("column_0")), pl.col("column_1").cast(pl.Int32)))
    assert set(todays_own.to_series()) == {"consistent"}


@pytest.mark.parametrize(
    ("county", "answer"),
    [(340181, "consistent"), (340124, "under_review"), (340522, "under_review"), (340111, "inconsistent")],
)
def test_a_citys_name_that_a_county_bears_today_may_mean_the_city(county: int, answer: str) -> None:
    """巢湖市 was a prefecture-level city to 2011, and is a county of 合肥市 since."""
    assert pl.select(place_answer(division_code(pl.lit("安徽省巢湖市")), pl.lit(county, pl.Int32))).item() == answer


@pytest.mark.parametrize("code_and_meaning", REUSED, ids=lambda each: f"{each[0]} to {each[1].until}")
def test_in_the_year_in_which_a_code_changed_an_event_may_mean_either(code_and_meaning: tuple[int, Meaning]) -> None:
    code, before = code_and_meaning
    among = [meaning for meaning in meanings()[code] if meaning.holds_in(before.until)]
    for county in frozenset[int]().union(*[meaning.counties for meaning in among]):
        event = told_apart(pl.lit(code, pl.Int32), on=pl.lit(before.until, pl.Int32))
        assert pl.select(place_answer(pl.lit(county, pl.Int32), event)).item() != "inconsistent", county


@pytest.mark.parametrize(
    ("claimed", "year", "agrees"),
    [
        # 130123 meant 栾城县 to 1993 and 正定县 since; a name means what bears it, in whatever year
        ("正定县", 1990, False),
        ("栾城县", 1990, True),
        ("栾城区", 1990, True),
        ("130123", 1990, True),
        ("正定县", 1993, None),
        ("栾城县", 1993, None),
        ("正定县", 1994, True),
        ("栾城县", 1994, False),
        ("正定县", 2001, True),
    ],
)
def test_a_division_of_an_event_by_name_and_by_code(claimed: str, year: int, agrees: bool | None) -> None:
    frame = pl.DataFrame({"from": [claimed], "event.from": [130123], "event.happened_on": [date(year, 6, 1)]})
    part = division_part("from", "event.from")
    assert frame.select(part.agrees.alias("agrees")).item() is agrees
