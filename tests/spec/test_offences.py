"""The cases of ``criminal_record.toml`` and ``sealed_juvenile.toml`` through the code that answers: the five snapshots
are built from a case's records, and one row is asked.

What a case does not state: the first person is asked about, for a theft; a court asks, so that judgments count; *no
record* is approved in advance; a record is under the person's present number, in two of the sources.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

import polars as pl
import pytest
from pydantic import BaseModel, ConfigDict, Field

from exchange.base.legal_bases import legal_bases
from exchange.base.tables import ANSWERS, OFFENCE_SOURCES, export_columns
from exchange.matching.decide import decide
from exchange.matching.identity import Population
from exchange.matching.lookup import SortedTable
from exchange.matching.sources import Sources
from exchange.snapshots import offences, population

FOLDER: Final = Path(__file__).parent
FILES: Final = ("criminal_record", "sealed_juvenile")
GROWN: Final = 2018
"""The year of the eighteenth birthday in ``sealed_juvenile.toml``."""

HELD_BY: Final = ("provincial_offenders", "police_platform")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Record(Strict):
    """A record as its sources export it; ``id_number`` where they know the person by another one, ``name`` where it
    matters whom it names.
    """

    kind: str
    offence_date: str
    decided_on: str = ""
    effective_on: str = ""
    sentence_months: str = ""
    charge: str = "盗窃罪"
    political_rights: str = "no"
    intent: str = ""
    sealed: str = ""
    birth_date: str = ""
    id_number: str | None = None
    name: str = "某"
    sources: tuple[str, ...] = HELD_BY


class Case(Strict):
    """``bases``: on which the purpose rests. ``missing``: sources that are not there or too old."""

    claim: dict[str, str] | None = None
    records: tuple[Record, ...]
    bases: tuple[str, ...] = ("case_handling_286",)
    missing: tuple[str, ...] = ()
    approved: bool = True
    answer: dict[str, str]
    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Sentence(Strict):
    zh: str
    en: str


class Specification(Strict):
    """``received``: the day of receipt, and of the snapshots."""

    zh: str
    en: str
    source: str
    items: tuple[str, ...]
    received: date
    rule: tuple[Sentence, ...]
    person: tuple[dict[str, str], ...]
    case: tuple[Case, ...]


@cache
def specification(name: str) -> Specification:
    return Specification.model_validate(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")))


@cache
def register(name: str) -> Population:
    given = specification(name)
    columns = export_columns("population")
    rows = [dict.fromkeys(columns, "") | {"status": "normal"} | person for person in given.person]
    tables, _ = population.build_tables(pl.LazyFrame(rows), given.received)
    assert tables["people"].num_rows == len(given.person), "a person's number cannot be read"
    return Population(SortedTable(tables["people"]), SortedTable(tables["former"]))


def snapshot(name: str, case: Case, source: str) -> SortedTable:
    """The source's records of this case."""
    number = (case.claim or specification(name).person[0])["id_number"]
    return built(name, number, tuple(record for record in case.records if source in record.sources))


@cache
def built(name: str, number: str, records: tuple[Record, ...]) -> SortedTable:
    """A snapshot of these records: most sources of a case hold the same ones, or none."""
    given = specification(name)
    held = [record.model_dump(exclude={"sources"}) | {"id_number": record.id_number or number} for record in records]
    export = pl.LazyFrame(held, schema=dict.fromkeys(export_columns("offences"), pl.String))
    tables, counts = offences.build_tables(export, given.received, register(name))
    assert counts["bad_number_share"] == 0
    return SortedTable(tables["records"])


def cases() -> list[Any]:
    return [
        pytest.param(name, number, id=f"{name}-{number + 1}-{case.en.replace(' ', '_')}")
        for name in FILES
        for number, case in enumerate(specification(name).case)
    ]


@pytest.mark.parametrize(("name", "number"), cases())
def test_case(name: str, number: int) -> None:
    given, case = specification(name), specification(name).case[number]
    claim = case.claim or {column: given.person[0][column] for column in ("id_number", "name")}
    asked = pl.DataFrame([{"row_ref": "R", "row_fault": None} | claim]).cast({"row_fault": pl.String})
    there = {source: snapshot(name, case, source) for source in OFFENCE_SOURCES if source not in case.missing}
    rests = [legal_bases()[code] for code in case.bases]
    sources = Sources(register(name), there, approved=case.approved, bases=rests, asked_on=given.received)
    answers = decide(asked, given.items, sources, given.received).row(0, named=True)
    found = {"identity": answers["identity"]} | {item: answers[f"answer.{item}"] for item in given.items}
    assert found == {"identity": "consistent"} | case.answer
    assert (answers["causes"] != "") == ("under_review" in found.values())
    assert set(case.answer.values()) <= set(ANSWERS)


@pytest.mark.parametrize(
    "case", [case for case in specification("sealed_juvenile").case if case.answer["criminal_record"] == "no_record"]
)
def test_of_what_is_sealed_nothing_is_in_the_snapshots(case: Case) -> None:
    grown = [each for each in case.records if int(each.offence_date[:4] or 0) > GROWN and not each.sealed]
    rest = case.model_copy(update={"records": grown})
    for source in OFFENCE_SOURCES:
        held, expected = (snapshot("sealed_juvenile", each, source).table for each in (case, rest))
        assert held.equals(expected)
