"""The table of answers against what was planted in the synthetic province, and the rules that hold for every
request.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.legal_bases import legal_bases
from exchange.base.tables import ANSWERS, ITEMS, OFFENCE_SOURCES, absent_columns, export_columns
from exchange.demo.province.claims import make_claims
from exchange.demo.province.events import make_events
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.matching import division_meanings, divisions
from exchange.matching.decide import decide, make_ready
from exchange.matching.identity import Population
from exchange.matching.items import RULES
from exchange.matching.lookup import SortedTable
from exchange.matching.sources import Sources
from exchange.snapshots import events, offences, population
from tests.examples import one_in

TODAY = date(2026, 11, 23)
PEOPLE = 20_000
COURT = (legal_bases()["case_handling_286"],)
ALL = tuple(item for item in ITEMS if not ITEMS[item].forms)


@pytest.fixture(scope="module")
def province() -> pl.DataFrame:
    return pl.concat(make_people(7, PEOPLE))


@pytest.fixture(scope="module")
def records(province: pl.DataFrame) -> pl.DataFrame:
    return make_offences(7, 0, province)


@pytest.fixture(scope="module")
def register(province: pl.DataFrame) -> Population:
    tables, _ = population.build_tables(province.drop("oddity").lazy(), TODAY)
    return Population(SortedTable(tables["people"]), SortedTable(tables["former"]))


@pytest.fixture(scope="module")
def sources(province: pl.DataFrame, records: pl.DataFrame, register: Population) -> dict[str, SortedTable]:
    columns = export_columns("offences")
    records = records.with_columns(pl.lit("").alias(name) for name in absent_columns("offences"))
    records = records.with_columns(id_number="written_number")
    household = events.build_tables(make_events(province).lazy(), TODAY)[0]["records"]
    found = {"household_events": SortedTable(household)}
    for source in OFFENCE_SOURCES:
        held = records.filter(pl.col("sources").list.contains(source)).select(
            pl.col(columns).cast(pl.String).fill_null("")
        )
        found[source] = SortedTable(offences.build_tables(held.lazy(), TODAY, register)[0]["records"])
    return found


def asked(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.lit(None, pl.String).alias("row_fault"))


@pytest.mark.parametrize("approved", [True, False])
def test_every_answer_is_the_one_that_was_planted(
    province: pl.DataFrame,
    records: pl.DataFrame,
    register: Population,
    sources: dict[str, SortedTable],
    approved: bool,
) -> None:
    offenders = on_record(records)
    claims = make_claims(province, offenders, ALL, 10_000, seed=11, approved=approved)
    answers = decide(asked(claims.rows), ALL, Sources(register, sources, approved=approved, bases=COURT), TODAY)
    assert answers["row_ref"].equals(claims.rows["row_ref"])
    found = answers.select("identity", "note", *[pl.col(f"answer.{item}").alias(item) for item in ALL])
    wrong = [column for column in found.columns if not found[column].equals(claims.expected[column])]
    assert wrong == []
    assert set(claims.expected["identity"].unique()) > {
        "consistent",
        "under_review",
        "no_such_number",
        "name_disagrees",
    }


def test_a_missing_source_is_never_no_record(
    province: pl.DataFrame, records: pl.DataFrame, register: Population, sources: dict[str, SortedTable]
) -> None:
    claims = make_claims(province, records["id_number"], ("criminal_record",), 500, seed=3, dirt=False)
    for missing in OFFENCE_SOURCES:
        rest = {source: table for source, table in sources.items() if source != missing}
        asked_for = ("criminal_record",)
        answers = decide(asked(claims.rows), asked_for, Sources(register, rest, approved=True, bases=COURT), TODAY)
        assert set(answers["answer.criminal_record"]) <= {"source_not_ready", "under_review"}


@pytest.mark.parametrize("item", [item for item in ALL if item in RULES])
def test_an_item_asks_all_the_sources_that_it_names_and_no_others(
    province: pl.DataFrame, records: pl.DataFrame, register: Population, sources: dict[str, SortedTable], item: str
) -> None:
    """By them a batch's snapshots are chosen, and whether it has waited for one."""
    claims = make_claims(province, on_record(records), (item,), 500, seed=5, dirt=False)

    def answers(known: Iterable[str]) -> pl.Series:
        found = {source: sources[source] for source in known}
        decided = decide(asked(claims.rows), (item,), Sources(register, found, approved=True, bases=COURT), TODAY)
        return decided[f"answer.{item}"]

    named = set(RULES[item].needs)
    assert answers(named).equals(answers(sources))
    assert "source_not_ready" not in answers(named)
    for missing in named:
        assert "source_not_ready" in answers(named - {missing})


def test_sealed_people_are_answered_like_clean_ones(
    province: pl.DataFrame, records: pl.DataFrame, register: Population, sources: dict[str, SortedTable]
) -> None:
    only_sealed = records.filter("only_sealed")["id_number"]
    assert only_sealed.len() > 3
    people = province.filter(pl.col("id_number").is_in(only_sealed.implode()))
    rows = people.select(pl.lit("R").alias("row_ref"), "id_number", "name")
    answers = decide(asked(rows), ("criminal_record",), Sources(register, sources, approved=True, bases=COURT), TODAY)
    assert set(answers["answer.criminal_record"]) == {"no_record"}


def test_a_record_under_a_superseded_number_is_found(province: pl.DataFrame, register: Population) -> None:
    person = province.filter(pl.col("oddity") == "superseded").row(0, named=True)
    record = dict.fromkeys(absent_columns("offences"), "") | {
        "id_number": person["former_id_number"], "name": person["name"], "kind": "judgment",
        "offence_date": "2020-01-01", "decided_on": "2020-06-01", "effective_on": "2020-06-11",
        "sentence_months": "120", "charge": "盗窃罪", "political_rights": "no", "intent": "",
    }  # fmt: skip
    table = SortedTable(offences.build_tables(pl.LazyFrame([record]), TODAY)[0]["records"])
    empty = SortedTable(offences.build_tables(pl.LazyFrame([record]).clear().lazy(), TODAY)[0]["records"])
    held = dict.fromkeys(OFFENCE_SOURCES, empty) | {"drug_control": table}
    rows = pl.DataFrame({"row_ref": ["R"], "id_number": [person["id_number"]], "name": [person["name"]]})
    answers = decide(asked(rows), ("criminal_record",), Sources(register, held, approved=True, bases=COURT), TODAY)
    assert answers["answer.criminal_record"].to_list() == ["under_review"]


@pytest.mark.parametrize("item", ALL)
def test_threads_that_decide_an_item_find_its_tables_of_divisions_made(
    province: pl.DataFrame, register: Population, sources: dict[str, SortedTable], item: str
) -> None:
    claims = make_claims(province, pl.Series([], dtype=pl.String), (item,), 2_000, seed=5)
    tables = [made for module in (divisions, division_meanings) for made in vars(module).values() if is_table(made)]
    for table in tables:
        table.cache_clear()
    make_ready((item,))
    made = [table.cache_info().misses for table in tables]
    decide(asked(claims.rows), (item,), Sources(register, sources, approved=True, bases=COURT), TODAY)
    assert [table.cache_info().misses for table in tables] == made
    assert len(tables) > 5


def is_table(thing: object) -> bool:
    """Whether it is a function without arguments whose result is kept."""
    return hasattr(thing, "cache_info") and not inspect.signature(thing).parameters  # type: ignore[arg-type]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=25)


@one_in(3)
@given(st.lists(st.tuples(texts, texts, texts, texts), min_size=1, max_size=8))
def test_rows_out_are_rows_in_with_a_code_each(
    register: Population, sources: dict[str, SortedTable], rows: Sequence[tuple[str, str, str, str]]
) -> None:
    items = ("id_number", "name", "sex", "birth_date", "criminal_record")
    columns = list(zip(*rows, strict=True))
    frame = pl.DataFrame(
        {
            "row_ref": columns[0], "id_number": columns[1], "name": columns[2], "sex": columns[3],
            "birth_date": columns[3],
        },
        schema=dict.fromkeys(["row_ref", "id_number", "name", "sex", "birth_date"], pl.String),
    )  # fmt: skip
    answers = decide(asked(frame), items, Sources(register, sources, approved=False), TODAY)
    assert answers["row_ref"].to_list() == list(columns[0])
    for column in ("identity", *[f"answer.{item}" for item in items]):
        assert set(answers[column]) <= set(ANSWERS)
