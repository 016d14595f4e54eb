"""``kinship``: what the register's own state does to the answer, and that nothing of the relative comes out. The claims
themselves are specified in ``tests/spec/kinship.toml`` and planted in the province.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.tables import ANSWERS, export_columns
from exchange.matching.decide import decide
from exchange.matching.id_numbers import check_character
from exchange.matching.identity import Population
from exchange.matching.lookup import SortedTable
from exchange.matching.sources import Sources
from exchange.snapshots import population
from tests.examples import one_in

TODAY = date(2026, 11, 23)
HEAD, SON = "11010519491231002X", "440524198001010013"
PAIR = {"row_ref": "R", "id_number": HEAD, "name": "王刚", "relative_id_number": SON, "relative_name": "王强"}


def opened(head: dict[str, str], son: dict[str, str]) -> Population:
    sound = dict.fromkeys(export_columns("population"), "") | {"household_number": "A-1", "status": "normal"}
    rows = [
        sound | {"id_number": HEAD, "name": "王刚", "relation": "02"} | head,
        sound | {"id_number": SON, "name": "王强", "relation": "20"} | son,
    ]
    tables, _ = population.build_tables(pl.LazyFrame(rows), TODAY)
    assert tables["people"].num_rows == 2
    return Population(SortedTable(tables["people"]), SortedTable(tables["former"]))


def household(members: Sequence[tuple[str, bool]]) -> Population:
    """One household; of each its relation to the head, and whether the registration is cancelled."""
    sound = dict.fromkeys(export_columns("population"), "") | {"household_number": "A-1", "name": "王刚"}
    rows = [
        sound | {"id_number": number, "relation": relation, "status": "cancelled" if cancelled else "normal"}
        for number, (relation, cancelled) in zip(numbers(len(members)), members, strict=True)
    ]
    tables, _ = population.build_tables(pl.LazyFrame(rows), TODAY)
    return Population(SortedTable(tables["people"]), SortedTable(tables["former"]))


def numbers(of: int) -> list[str]:
    keys = pl.Series("key", [22010219900307100 + number for number in range(of)])
    return pl.select(pl.concat_str(keys.cast(pl.String), check_character(pl.lit(keys)))).to_series().to_list()


def decided(register: Population, rows: pl.DataFrame, *items: str) -> pl.DataFrame:
    return decide(rows.with_columns(pl.lit(None, pl.String).alias("row_fault")), items, Sources(register, {}), TODAY)


@pytest.mark.parametrize(
    ("head", "son", "expected"),
    [
        ({}, {}, "consistent"),
        ({}, {"household_number": "A-2"}, "not_same_household"),
        ({"household_number": ""}, {"household_number": ""}, "under_review"),
        ({}, {"household_number": ""}, "under_review"),
        ({}, {"relation": "02"}, "under_review"),
        ({}, {"relation": "01"}, "under_review"),
        ({"relation": "01"}, {}, "consistent"),
        ({}, {"relation": ""}, "under_review"),
        ({"relation": ""}, {}, "under_review"),
        ({}, {"relation": "儿子"}, "consistent"),
        ({"relation": "10"}, {}, "head_not_named"),
        ({}, {"status": "cancelled"}, "consistent"),
        ({}, {"information_level": "30"}, "under_review"),
    ],
)
def test_what_the_register_holds(head: dict[str, str], son: dict[str, str], expected: str) -> None:
    register = opened(head, son)
    one = pl.DataFrame([PAIR | {"relation": "子"}])
    other = pl.DataFrame(
        [
            {"row_ref": "R", "id_number": SON, "name": "王强", "relative_id_number": HEAD, "relative_name": "王刚"}
            | {"relation": "子"}
        ]
    )
    assert decided(register, one, "kinship")["answer.kinship"].to_list() == [expected]
    if "information_level" not in son:
        assert decided(register, other, "kinship")["answer.kinship"].to_list() == [expected]


def test_why_a_relative_is_not_established_is_not_told_and_nothing_of_the_relative_comes_out() -> None:
    changes = [
        {"relative_name": "王弱"},
        {"relative_id_number": "110105194912310046"},
        {"relative_id_number": "1101051949"},
        {"relative_id_number": "2.20104E+17"},
        {"relative_name": "9" * 9},
    ]
    rows = pl.DataFrame([PAIR | {"relation": "子"} | change for change in changes])
    found = decided(opened({}, {}), rows, "kinship")
    assert found.columns == ["row_ref", "id_number", "name", "identity", "note", "answer.kinship", "person", "causes"]
    assert set(found["answer.kinship"]) == {"relative_not_established"}
    assert found.drop("row_ref").n_unique() == 1


@one_in(3)
@given(st.lists(st.tuples(st.sampled_from(["02", "20", "51"]), st.booleans()), min_size=2, max_size=5), st.booleans())
def test_a_relation_that_may_be_to_several_heads_is_for_an_officer(
    members: Sequence[tuple[str, bool]], second_asks: bool
) -> None:
    """A standing registration's relation is to the standing heads, or, where none stands, to those of before; a
    cancelled one's to any of them.
    """
    heads = [cancelled for relation, cancelled in members if relation == "02"]
    standing = heads.count(False)
    may_be_to = [len(heads) if cancelled or not standing else standing for _, cancelled in members[:2]]
    relations = [relation for relation, _ in members[:2]]
    others = [relation for relation in relations if relation != "02"]
    if max(may_be_to) > 1:
        expected = "under_review"
    elif len(others) == 2:
        expected = "head_not_named"
    else:
        expected = "consistent" if others == ["20"] else "inconsistent"
    one, other = reversed(numbers(2)) if second_asks else numbers(2)
    claim = {"row_ref": "R", "id_number": one, "name": "王刚", "relative_id_number": other, "relative_name": "王刚"}
    found = decided(household(members), pl.DataFrame([claim | {"relation": "子"}]), "kinship")
    assert found["answer.kinship"].to_list() == [expected]


@pytest.fixture(scope="module")
def plain() -> Population:
    return opened({}, {})


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@one_in(3)
@given(st.lists(st.tuples(texts, texts, texts, texts, texts), max_size=6))
def test_any_text_gets_one_code(plain: Population, rows: Sequence[tuple[str, str, str, str, str]]) -> None:
    columns = ["relative_id_number", "relative_name", "relation", "former_name", "birthplace"]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row").with_columns(
        pl.lit("R").alias("row_ref"), pl.lit(HEAD).alias("id_number"), pl.lit("王刚").alias("name")
    )
    items = ("kinship", "former_name", "birthplace")
    found = decided(plain, frame, *items)
    assert found.height == frame.height
    for item in items:
        assert set(found[f"answer.{item}"]) <= set(ANSWERS)
