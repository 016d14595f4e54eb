"""``unregistered``: both forms against what was planted, and the cases that chance does not make."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.errors import Halt
from exchange.base.tables import ANSWERS, ITEMS, export_columns
from exchange.demo.province import unregistered_claims
from exchange.demo.province.claims import Claims
from exchange.demo.province.people import make_people
from exchange.matching.decide import decide
from exchange.matching.identity import NOBODY, Population
from exchange.matching.lookup import SortedTable
from exchange.matching.sources import Sources
from exchange.snapshots import population
from exchange.validate.columns import columns_for
from tests.examples import one_in

TODAY = date(2026, 11, 23)
PEOPLE = 20_000
ITEM = ("unregistered",)
MOTHER, OTHER_WOMAN, MAN = "220102199003071227", "220102199103071224", "220102198803071212"


def opened(export: pl.DataFrame) -> Population:
    tables, _ = population.build_tables(export.lazy(), TODAY)
    return Population(*[SortedTable(tables[name]) for name in ("people", "former", "mothers", "births")])


def answers(register: Population, rows: pl.DataFrame) -> pl.DataFrame:
    form = "mother" if "mother_id_number" in rows.columns else "name"
    columns = {"row_ref", "id_number", "name", *(column.code for column in columns_for(ITEM, form))}
    empty = [pl.lit("").alias(column) for column in sorted(columns - set(rows.columns))]
    table = rows.with_columns(*empty, pl.lit(None, pl.String).alias("row_fault"))
    return decide(table, ITEM, Sources(register, {}), TODAY)


@pytest.fixture(scope="module")
def province() -> pl.DataFrame:
    return next(make_people(7, PEOPLE))


@pytest.fixture(scope="module")
def register(province: pl.DataFrame) -> Population:
    return opened(province.drop("oddity"))


def hold(claims: Claims, register: Population) -> None:
    found = answers(register, claims.rows).rename({"answer.unregistered": "unregistered"})
    assert found.select(claims.expected.columns).equals(claims.expected)
    assert set(found["id_number"]) == {""}


def test_by_mother_as_planted(province: pl.DataFrame, register: Population) -> None:
    claims = unregistered_claims.by_mother(province, 3_000, seed=4)
    hold(claims, register)
    assert set(claims.expected["unregistered"]) == {
        "registered", "not_registered", "under_review", "no_such_number", "id_number_format", "claim_missing",
        "claim_format",
    }  # fmt: skip


def test_by_name_as_planted(province: pl.DataFrame, register: Population) -> None:
    claims = unregistered_claims.by_name(province, 3_000, seed=4)
    hold(claims, register)
    assert "registered" not in set(claims.expected["unregistered"])
    assert set(claims.expected["unregistered"]) == {
        "not_registered", "under_review", "name_missing", "claim_missing", "claim_format",
    }  # fmt: skip


def person(id_number: str, name: str, **values: str) -> dict[str, str]:
    sound = dict.fromkeys(export_columns("population"), "") | {
        "id_number": id_number, "name": name, "sex": "1" if int(id_number[16]) % 2 else "2", "ethnicity": "01",
        "birth_date": f"{id_number[6:10]}-{id_number[10:12]}-{id_number[12:14]}", "registered_division": "220102",
        "household_number": "220102000000001", "relation": "20", "status": "normal",
    }  # fmt: skip
    return sound | values


def child(number: str, **values: str) -> dict[str, str]:
    return person(number, "张小小", **{"mother_id_number": MOTHER} | values)


# Sons and daughters by number: a boy and a girl of 5 May 2020, another boy of that day.
BOY, GIRL, OTHER_BOY = "220102202005050010", "220102202005050029", "220102202005050037"


@pytest.mark.parametrize(
    ("children", "asked", "expected"),
    [
        ([child(BOY), child(GIRL)], [("2020-5-5", "")], ["registered"]),
        ([child(BOY), child(GIRL)], [("2020-5-5", ""), ("2020-5-5", "")], ["registered", "registered"]),
        ([child(BOY)], [("2020-5-5", ""), ("2020-5-5", "")], ["under_review", "under_review"]),
        ([child(BOY)], [("2020-5-5", "男"), ("2020-5-5", "男")], ["under_review", "under_review"]),
        ([child(BOY)], [("2020-5-5", "男"), ("2020-5-5", "女")], ["registered", "under_review"]),
        ([child(BOY), child(OTHER_BOY)], [("2020-5-5", "女")], ["under_review"]),
        ([child(BOY)], [("2020-5-2", "")], ["under_review"]),
        ([child(BOY)], [("2020-5-8", "男")], ["under_review"]),
        ([child(BOY)], [("2020-5-1", "")], ["not_registered"]),
        ([child(BOY)], [("2020-5-9", "男")], ["not_registered"]),
        ([child(BOY, sex="9")], [("2020-5-5", "男")], ["under_review"]),
        ([child(BOY, sex="9")], [("2020-5-5", "")], ["registered"]),
        ([child(BOY, information_level="30")], [("2020-5-5", "男")], ["under_review"]),
        ([child(BOY, status="cancelled")], [("2020-5-5", "男")], ["under_review"]),
        ([child(BOY, mother_id_number="")], [("2020-5-5", "男")], ["not_registered"]),
        ([child(BOY, mother_id_number=OTHER_WOMAN)], [("2020-5-5", "男")], ["not_registered"]),
        ([], [("2026-11-23", "")], ["not_registered"]),
        ([], [("2026-11-24", "")], ["claim_format"]),
        ([], [("05/05/2020", "")], ["claim_format"]),
    ],
)
def test_the_mothers_children(
    children: list[dict[str, str]], asked: list[tuple[str, str]], expected: list[str]
) -> None:
    register = opened(pl.DataFrame([person(MOTHER, "李芳"), person(OTHER_WOMAN, "王芳"), *children]))
    rows = pl.DataFrame(
        {"row_ref": "R", "mother_id_number": MOTHER, "birth_date": day, "sex": sex} for day, sex in asked
    )
    assert answers(register, rows)["answer.unregistered"].to_list() == expected


@pytest.mark.parametrize("written", [MOTHER, OTHER_WOMAN])
@pytest.mark.parametrize("asked", [MOTHER, OTHER_WOMAN])
def test_a_mother_whose_number_was_corrected(written: str, asked: str) -> None:
    """The child's record, and the claim, may bear either number."""
    mother = person(MOTHER, "李芳", former_id_number=OTHER_WOMAN)
    register = opened(pl.DataFrame([mother, child(BOY, mother_id_number=written)]))
    rows = pl.DataFrame([{"row_ref": "R", "mother_id_number": asked, "birth_date": "2020-05-05"}])
    assert answers(register, rows)["answer.unregistered"].to_list() == ["registered"]


def test_a_mother_in_doubt_and_a_man() -> None:
    doubtful = person(MOTHER, "李芳", information_level="30")
    register = opened(pl.DataFrame([doubtful, person(MAN, "李强"), child(BOY)]))
    rows = pl.DataFrame(
        {"row_ref": "R", "mother_id_number": number, "birth_date": "2020-05-05"} for number in (MOTHER, MAN)
    )
    assert answers(register, rows)["answer.unregistered"].to_list() == ["under_review", "claim_format"]


@pytest.mark.parametrize(
    ("name", "day", "sex", "expected"),
    [
        ("张小小", "2020-5-5", "男", "under_review"),
        ("张 小小", "20200505", "1", "under_review"),
        ("张大大", "2020-5-5", "男", "under_review"),
        ("张中", "2020-5-5", "男", "under_review"),
        ("张小小", "2020-5-5", "女", "not_registered"),
        ("张小小", "2020-5-6", "男", "not_registered"),
        ("张小", "2020-5-5", "男", "not_registered"),
        ("张小小", "2020-5-5", "未知", "under_review"),
        ("张小小", "2020-5-5", "", "claim_missing"),
        ("", "2020-5-5", "男", "name_missing"),
    ],
)
def test_namesakes(name: str, day: str, sex: str, expected: str) -> None:
    register = opened(pl.DataFrame([person(BOY, "张小小", former_name="张大大、张中")]))
    rows = pl.DataFrame([{"row_ref": "R", "name": name, "birth_date": day, "sex": sex}])
    assert answers(register, rows)["answer.unregistered"].to_list() == [expected]


def test_somebody_whose_sex_is_not_registered_is_a_namesake_too() -> None:
    for sex in ("0", "9", ""):
        register = opened(pl.DataFrame([person(BOY, "张小小", sex=sex)]))
        rows = pl.DataFrame([{"row_ref": "R", "name": "张小小", "birth_date": "2020-5-5", "sex": "女"}])
        assert answers(register, rows)["answer.unregistered"].to_list() == ["under_review"]


def test_a_row_with_too_many_fields_says_so(register: Population) -> None:
    rows = pl.DataFrame([{"row_ref": "R", "name": "张", "birth_date": "2020-5-5", "sex": "女", "id_number": ""}])
    found = decide(rows.with_columns(row_fault=pl.lit("row_fields")), ITEM, Sources(register, {}), TODAY)
    assert found.row(0, named=True) == {
        "row_ref": "R", "id_number": "", "name": "张", "identity": "row_fields", "note": "",
        "answer.unregistered": "row_fields", "person": NOBODY, "causes": "",
    }  # fmt: skip


def test_an_old_snapshot_halts(register: Population) -> None:
    rows = pl.DataFrame([{"row_ref": "R", "name": "张", "birth_date": "2020-5-5", "sex": "女"}])
    with pytest.raises(Halt, match="build it anew"):
        answers(Population(register.people, register.former), rows)


def test_the_forms_ask_for_no_number_of_the_subject() -> None:
    for form in ITEMS["unregistered"].forms:
        assert "id_number" not in {column.code for column in columns_for(ITEM, form)}


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@one_in(3)
@given(st.sampled_from(["mother_id_number", "name"]), st.lists(st.tuples(texts, texts, texts), max_size=6))
def test_any_text_gets_one_code(register: Population, known: str, rows: list[tuple[str, str, str]]) -> None:
    frame = pl.DataFrame(rows, schema=dict.fromkeys([known, "birth_date", "sex"], pl.String), orient="row")
    found = answers(register, frame.with_columns(row_ref=pl.lit("R")))
    assert found.height == frame.height
    assert set(found["answer.unregistered"]) <= set(ANSWERS)


@pytest.mark.parametrize(("born", "found"), [(0, "not_registered"), (1, "under_review"), (2, "under_review")])
def test_twins_asked_with_and_without_the_sex_are_an_officers(born: int, found: str) -> None:
    """Whether the row without it means the same child nobody can tell."""
    children = [("220102202308080014", "1"), ("220102202308080022", "2")][:born]
    people = [(MOTHER, "2", "1990-03-07", ""), *[(number, sex, "2023-08-08", MOTHER) for number, sex in children]]
    columns = export_columns("population")
    export = pl.DataFrame(people, schema=["id_number", "sex", "birth_date", "mother_id_number"], orient="row")
    export = export.with_columns(pl.lit("").alias(name) for name in columns if name not in export.columns)
    export = export.with_columns(pl.lit("王芳").alias("name"))
    rows = pl.DataFrame({
        "row_ref": ["1", "2"], "mother_id_number": [MOTHER] * 2, "birth_date": ["2023-08-08"] * 2, "sex": ["1", ""]
    })  # fmt: skip
    asked = answers(opened(export.with_columns(pl.lit("normal").alias("status"))), rows)
    assert set(asked["answer.unregistered"]) == {found}
