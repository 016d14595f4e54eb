"""The synthetic population: real codes, sound numbers, families that can be, oddities as planted."""

from __future__ import annotations

import tomllib

import polars as pl
import pytest

from exchange.base.paths import SCHEMAS
from exchange.base.tables import export_columns
from exchange.demo.province import numbers, people
from exchange.demo.province.divisions import ABOLISHED, ELSEWHERE, county_codes
from exchange.demo.province.people import make_people

PEOPLE = 20_000


@pytest.fixture(scope="module")
def province() -> pl.DataFrame:
    return next(make_people(1, PEOPLE))


def check_character(digits: str) -> str:
    """GB 11643-1999, written down once more from the standard."""
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(digits))
    return "10X98765432"[total % 11]


def test_the_standards_own_examples() -> None:
    assert check_character("11010519491231002") == "X"
    assert check_character("44052418800101001") == "4"
    keys = pl.DataFrame({"key": [11010519491231002, 44052418800101001]})
    made = keys.select(numbers.number_of(pl.col("key"))).to_series()
    assert made.to_list() == ["11010519491231002X", "440524188001010014"]


def test_columns_are_those_of_the_contract(province: pl.DataFrame) -> None:
    assert province.columns == [*export_columns("population"), "oddity"]
    assert set(province.dtypes) == {pl.String}
    content = tomllib.loads((SCHEMAS / "exports.toml").read_text(encoding="utf-8"))
    needed = [column["name"] for column in content["population"]["columns"] if not column.get("optional")]
    assert province.select(pl.any_horizontal(pl.col(needed) == "").sum()).item() == 0
    assert province.null_count().sum_horizontal().item() == 0


def test_same_seed_same_people_other_seed_other_people(province: pl.DataFrame) -> None:
    assert next(make_people(1, PEOPLE)).equals(province)
    assert not next(make_people(2, PEOPLE)).equals(province)


def test_numbers_are_sound(province: pl.DataFrame) -> None:
    known = {str(code) for code in (*county_codes(), *ELSEWHERE.tolist(), *[code for code, _ in ABOLISHED.values()])}
    for number, birth_date, sex in province.select("id_number", "birth_date", "sex").iter_rows():
        assert number[17] == check_character(number[:17])
        assert number[6:14] == birth_date.replace("-", "")
        assert int(number[16]) % 2 == int(sex) % 2
        assert number[:6] in known


def test_abolished_codes_are_only_those_of_their_time(province: pl.DataFrame) -> None:
    for county, (before, until) in ABOLISHED.items():
        bearers = province.filter(
            pl.col("id_number").str.starts_with(str(before)) & (pl.col("oddity") != "centenarian")
        )
        assert bearers.height
        assert set(bearers["birthplace"]) == {str(county)}
        assert (bearers["birth_date"] < str(until)).all()


def test_nobody_shares_a_number_unless_it_was_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also across chunks, and in crowded days."""
    monkeypatch.setattr(people, "CHUNK", 5_000)
    whole = pl.concat(make_people(3, 400_000))
    assert whole.height > 395_000
    alone = whole.filter(pl.col("oddity") != "shared")
    assert not alone["id_number"].is_duplicated().any()
    formers = whole.filter(pl.col("oddity") == "superseded")["former_id_number"]
    assert not formers.is_in(whole["id_number"].implode()).any()


def test_more_chunks_than_numbers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "CHUNK", 10)
    with pytest.raises(ValueError, match="at most 494 chunks"):
        next(make_people(1, 10 * (numbers.CAPACITY + 1)))


def test_households_can_be(province: pl.DataFrame) -> None:
    plain = province.filter(~pl.col("household_number").str.starts_with("9"))
    sizes = plain.group_by("household_number").agg(
        size=pl.len(), heads=(pl.col("relation") == "02").sum(), homes=pl.col("registered_division").n_unique()
    )
    assert set(sizes["size"]) == set(range(1, 8))
    assert set(sizes["heads"]) == {1}
    assert set(sizes["homes"]) == {1}
    born = pl.col("birth_date").str.to_date().dt.year()
    heads = plain.filter(pl.col("relation") == "02").select("household_number", head=born, head_sex="sex")
    years = plain.join(heads, on="household_number").with_columns(younger=born - pl.col("head"))
    younger = {relation: rows["younger"] for (relation,), rows in years.group_by("relation")}
    assert set(younger) == {"02", "10", "20", "30", "41", "42", "51", "52"}
    for relation, bounds in {"10": (-10, 10), "20": (19, 41), "30": (19, 41), "41": (41, 71), "51": (-41, -19)}.items():
        assert younger[relation].is_between(*bounds).all(), relation
    spouses = years.filter(pl.col("relation") == "10")
    assert (spouses["sex"] != spouses["head_sex"]).all()
    sexes = dict(years.group_by("relation").agg(pl.col("sex").unique()).iter_rows())
    assert (sexes["20"], sexes["30"], sexes["41"], sexes["42"]) == (["1"], ["2"], ["1"], ["2"])
    assert plain["birth_date"].max() <= "2026-06-30"  # type: ignore[operator]


def test_names_are_of_many_kinds(province: pl.DataFrame) -> None:
    names = province["name"]
    dotted = province.filter(pl.col("name").str.contains("\u00b7"))
    assert set(dotted["ethnicity"]) == {"02", "05"}
    assert names.str.contains(r"[\x{20000}-\x{3ffff}]").any()
    assert names.str.contains(r"\p{Co}").any()
    assert (province["former_name"] != "").mean() == pytest.approx(0.03, abs=0.01)
    assert (province["ethnicity"] == "01").mean() == pytest.approx(0.88, abs=0.04)
    for name in names:
        assert name.encode("gb18030").decode("gb18030") == name


def test_oddities_are_what_they_say(province: pl.DataFrame) -> None:
    by_kind = {kind: rows for (kind,), rows in province.group_by("oddity")}
    assert set(by_kind) == {"", "doubtful", "superseded", "cancelled", "shared", "doubled", "centenarian"}
    assert (province["information_level"] == "30").equals(province["oddity"] == "doubtful")
    assert (province["former_id_number"] != "").sum() == by_kind["superseded"].height + by_kind["doubled"].height // 2
    cancelled = province.filter(pl.col("status") == "cancelled")
    assert set(cancelled["oddity"]) == {"cancelled", "centenarian"}
    assert (cancelled["cancelled_on"] >= cancelled["birth_date"]).all()
    shared = by_kind["shared"].group_by("id_number").agg(pl.len(), names=pl.col("name").n_unique())
    assert set(shared.select("len", "names").rows()) == {(2, 2)}
    second = by_kind["doubled"].filter(pl.col("former_id_number") != "")
    first = by_kind["doubled"].filter(pl.col("former_id_number") == "")
    assert dict(second.select("former_id_number", "name").iter_rows()) == dict(
        first.select("id_number", "name").iter_rows()
    )
    centenarians = by_kind["centenarian"]
    assert (centenarians["id_number"].str.slice(6, 2) == "18").all()
    assert centenarians["id_number"].str.slice(14, 3).is_in(["996", "997", "998", "999"]).all()


@pytest.mark.parametrize("few", [1, 2, 7, 50])
def test_a_hamlet_can_be_made(few: int) -> None:
    assert next(make_people(1, few)).height >= few


def test_divisions_are_whole() -> None:
    rows = pl.read_csv(SCHEMAS / "divisions.csv", infer_schema=False)
    names = dict(rows.select("code", "full_name").iter_rows())
    assert not rows["code"].is_duplicated().any()
    assert rows["code"].is_sorted()
    assert len(county_codes()) == 60
    for code, name, full_name in rows.iter_rows():
        wider = [each for each in (f"{code[:4]}00", f"{code[:2]}0000") if each in names and each != code]
        above = names[wider[0]] if wider else ""
        assert full_name == above + name
