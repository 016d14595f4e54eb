"""What an officer sees of the sources: records that count with their article, business of the register beside."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from exchange.base.legal_bases import legal_bases
from exchange.base.tables import SOURCES, export_columns
from exchange.matching.identity import Population
from exchange.matching.lookup import SortedTable
from exchange.matching.sources import Sources
from exchange.review.case import _records
from exchange.snapshots import offences, population

DAY = date(2026, 11, 23)
NUMBER = "220102197001011002"
THEFT = {
    "kind": "judgment", "charge": "盗窃罪", "offence_date": "2019-05-05", "decided_on": "2020-02-01",
    "effective_on": "2020-03-01", "sentence_months": "12", "political_rights": "no",
}  # fmt: skip


@pytest.fixture(scope="module")
def register() -> Population:
    person = dict.fromkeys(export_columns("population"), "") | {"id_number": NUMBER, "name": "某", "status": "normal"}
    tables, _ = population.build_tables(pl.LazyFrame([person | {"birth_date": "1970-01-01"}]), DAY)
    return Population(SortedTable(tables["people"]), SortedTable(tables["former"]))


def held(*records: dict[str, str]) -> SortedTable:
    rows = [{"id_number": NUMBER, "name": "某"} | record for record in records]
    schema = dict.fromkeys(export_columns("offences"), pl.String)
    tables, counts = offences.build_tables(pl.LazyFrame(rows, schema=schema), DAY)
    assert counts["bad_number_share"] == 0
    return SortedTable(tables["records"])


@pytest.mark.parametrize(
    ("bases", "seen"),
    [
        (["judges_13"], [("counts", "法官法第十三条第一项"), ("unclear", "法官法第十三条第一项")]),
        (["teachers_14"], [("counts", "教师法第十四条")]),
        ([], []),
    ],
)
def test_records_with_their_articles_beside_business(
    register: Population, bases: list[str], seen: list[tuple[str, str]]
) -> None:
    business = pl.DataFrame({"key": register.people.keys.astype(np.int64), "event": [1]}).to_arrow()
    there = {
        "household_events": SortedTable(business),
        "police_platform": held(THEFT, THEFT | {"sentence_months": "", "offence_date": "2020-01-01"}),
        "drug_control": held(),
    }
    rests = [legal_bases()[code] for code in bases]
    found = _records(Sources(register, there, approved=True, bases=rests, asked_on=DAY), np.array([0]), np.array([0]))
    assert found["source"].to_list() == [SOURCES["household_events"].zh] + [SOURCES["police_platform"].zh] * len(seen)
    if seen:
        assert sorted(found.select("counts", "by").drop_nulls().rows()) == seen


def test_of_a_relative_no_offences_are_seen(register: Population) -> None:
    """Business of both is shown; records of whoever is asked about alone."""
    business = pl.DataFrame({"key": register.people.keys.astype(np.int64), "event": [1]}).to_arrow()
    there = {"household_events": SortedTable(business), "police_platform": held(THEFT)}
    sources = Sources(register, there, bases=[legal_bases()["judges_13"]], asked_on=DAY)
    found = _records(sources, np.array([0]), np.array([], np.int64))
    assert found["source"].to_list() == [SOURCES["household_events"].zh]
