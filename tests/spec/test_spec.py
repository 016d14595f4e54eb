"""Every case of the specification through the code that answers: a request's data file is read, the register is
built from the file's people and events, the answers are decided.

What a case does not state holds: the identity is *consistent*, the note is empty. A key that is not known fails.
Files of another form are run by the tests beside this one, see ``RUN_ELSEWHERE``.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

import polars as pl
import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exchange.base.paths import ROOT
from exchange.base.tables import ANSWERS, ITEMS, NOTES, export_columns
from exchange.docs.specifications import ORDER, Specification, read_specifications
from exchange.matching.decide import CAUSES_COLUMN, PERSON, decide, decide_both
from exchange.matching.identity import NOBODY, Population
from exchange.matching.items.event import SOURCE
from exchange.matching.lookup import SortedTable
from exchange.matching.sources import Sources
from exchange.snapshots import events, population
from exchange.validate.columns import columns_for
from exchange.validate.table import read_table

RUN_ELSEWHERE: Final = {
    "criminal_record": "test_offences.py",
    "sealed_juvenile": "test_offences.py",
    "legal_bases": "test_legal_bases.py",
    "elsewhere": "test_requests.py",
    "requests": "test_requests.py",
    "data": "test_data.py",
    "deadlines": "test_days_and_masks.py",
    "freshness": "test_days_and_masks.py",
    "masking": "test_days_and_masks.py",
}
"""Files of another form, and who runs them."""

ALL: Final = {each.name: each for each in read_specifications()}
SPECIFICATIONS: Final = {name: each for name, each in ALL.items() if name not in RUN_ELSEWHERE}

ROW: Final = ("identity", "note")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Case(Strict):
    """``times``: so many rows of one request ask the same. ``missing``: sources whose snapshot is not there.
    ``tells_cancellation``: what the agreement says.
    """

    claim: dict[str, str]
    answer: dict[str, str]
    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]
    tells_cancellation: bool = False
    missing: tuple[str, ...] = ()
    times: int = 1


class Form(Strict):
    """``received``: the day of receipt, which is the snapshot's day too."""

    items: tuple[str, ...]
    received: date = date(2026, 11, 23)
    person: tuple[dict[str, str], ...] = ()
    event: tuple[dict[str, str], ...] = ()
    case: tuple[Case, ...]


@cache
def form(name: str) -> Form:
    found = SPECIFICATIONS[name]
    return Form(case=found.cases, **found.settings, **found.tables)


def exported(rows: Sequence[dict[str, str]], table: Any, **sound: str) -> pl.LazyFrame:
    """What is not stated of a person or an event is empty in the export."""
    columns = export_columns(table)
    assert {key for row in rows for key in row} <= set(columns)
    schema = dict.fromkeys(columns, pl.String)
    return pl.LazyFrame([dict.fromkeys(columns, "") | sound | row for row in rows], schema=schema)


@cache
def register(name: str) -> tuple[Population, dict[str, SortedTable]]:
    given = form(name)
    people, _ = population.build_tables(exported(given.person, "population", status="normal"), given.received)
    assert people["people"].num_rows == len(given.person), "a person's number cannot be read"
    happened, _ = events.build_tables(exported(given.event, "events"), given.received)
    assert happened["records"].num_rows == len(given.event), "an event's number or kind cannot be read"
    tables = [SortedTable(people[each]) for each in ("people", "former", "mothers", "births")]
    return Population(*tables), {SOURCE: SortedTable(happened["records"])}


def asked(given: Form, cases: Sequence[Case]) -> pl.DataFrame:
    """The cases as rows of one data file, as it is read."""
    unregistered_by = {"mother_id_number": "mother"}.get(next(iter(cases[0].claim)), "name")
    asked_in = unregistered_by if given.items == ("unregistered",) else None
    columns = columns_for(given.items, asked_in)
    needed = {column.code for column in columns if not column.optional} - {"row_ref"}
    for case in cases:
        assert needed <= set(case.claim) <= {column.code for column in columns}, f"the claim's columns: {case.en}"
    rows = [{"row_ref": "R"} | case.claim for case in cases for _ in range(case.times)]
    schema = {key: pl.String for row in rows for key in row}
    content = io.BytesIO()
    pl.DataFrame(rows, schema=schema).with_columns(pl.all().fill_null("")).write_csv(content)
    return read_table(content.getvalue(), given.items, len(rows), asked_in)


@cache
def answered(name: str) -> dict[int, list[dict[str, str]]]:
    """Number of the case → its answers; cases of the same circumstances are asked as one request, unless their rows
    tell on each other.
    """
    given = form(name)
    people, records = register(name)
    requests = defaultdict(list)
    for number, case in enumerate(given.case):
        alone = number if given.items == ("unregistered",) else -1
        requests[case.tells_cancellation, case.missing, alone].append(number)
    found: dict[int, list[dict[str, str]]] = {}
    for (tells, missing, _), numbers in requests.items():
        assert set(missing) <= set(records)
        ready = {source: table for source, table in records.items() if source not in missing}
        cases = [given.case[number] for number in numbers]
        answers = decide(
            asked(given, cases), given.items, Sources(people, ready, tells_cancellation=tells), given.received
        )
        answers = answers.select(*ROW, *[pl.col(f"answer.{item}").alias(item) for item in given.items])
        rows = answers.iter_rows(named=True)
        for number, case in zip(numbers, cases, strict=True):
            found[number] = [next(rows) for _ in range(case.times)]
    return found


def cases() -> list[Any]:
    return [
        pytest.param(name, number, id=f"{name}-{number + 1}-{case['en'].replace(' ', '_')}")
        for name, found in SPECIFICATIONS.items()
        for number, case in enumerate(found.cases)
    ]


@pytest.mark.parametrize(("name", "number"), cases())
def test_case(name: str, number: int) -> None:
    given = form(name)
    expected = {"identity": "consistent", "note": ""} | given.case[number].answer
    assert set(expected) == {*ROW, *given.items}
    assert {code for key, code in expected.items() if key != "note"} <= set(ANSWERS)
    assert set(filter(None, expected["note"].split(";"))) <= set(NOTES)
    for row in answered(name)[number]:
        assert {key: row[key] for key in expected} == expected


CLAIMED: Final = [(item.code, claim.code) for item in ITEMS.values() for claim in item.claims]


@pytest.mark.parametrize(("item", "column"), CLAIMED)
def test_two_cases_differ_in_a_column_alone_and_in_the_answer(item: str, column: str) -> None:
    """So that no column of a claim can go unread, whatever else is claimed."""
    alike = defaultdict(set)
    for case in form(item).case:
        others = {key: text for key, text in case.claim.items() if key != column}
        around = case.model_copy(update={"claim": others, "answer": {}, "zh": "", "en": ""})
        alike[str(around)].add(str(case.answer))
    assert max(map(len, alike.values())) > 1


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_answers_and_proposals_at_once_are_those_of_each_alone(name: str) -> None:
    given = form(name)
    people, records = register(name)
    alike = [case for case in given.case if case.claim.keys() == given.case[0].claim.keys()]
    about = (asked(given, alike), given.items, Sources(people, records, tells_cancellation=True), given.received)
    answers, settled = decide_both(*about)
    assert answers.equals(decide(*about))
    assert settled.equals(decide(*about, settled=True))
    codes = [f"answer.{item}" for item in given.items]
    texts = ["row_ref", "id_number", "name", *ROW, *codes]
    assert answers.schema == dict.fromkeys(texts, pl.String) | {PERSON: pl.Int64, CAUSES_COLUMN: pl.String}
    assert answers.columns == [*texts, PERSON, CAUSES_COLUMN]
    if given.items == ("unregistered",):
        assert settled.equals(answers), "nobody is established whose doubt could be settled"
        assert set(answers[PERSON]) == {NOBODY}
    else:
        assert "under_review" not in settled["identity"]
    of_officers = answers.select(pl.any_horizontal(pl.col("identity", *codes) == "under_review")).to_series()
    assert (answers[CAUSES_COLUMN] != "").equals(of_officers), "why, where an officer must look, and nowhere else"


@pytest.mark.parametrize("specification", ALL.values(), ids=list(ALL))
def test_every_file_can_be_read_by_a_person(specification: Specification) -> None:
    assert specification.name in ORDER
    assert specification.rules
    assert len({str(case) for case in specification.cases}) == len(specification.cases) > 0
    assert all(text.strip() for rule in specification.rules for text in (rule.zh, rule.en))
    assert all(case["zh"].strip() and case["en"].strip() for case in specification.cases)


def test_a_tables_cases_are_found_by_its_name() -> None:
    """CONTRIBUTING: ``-k name`` runs them; one that changes a table would else see others pass."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(Path(__file__).parent),
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600, cwd=ROOT).stdout
    found = {name: sum(name in line for line in listed.splitlines()) for name in ALL}
    assert {name for name, each in ALL.items() if found[name] < len(each.cases)} == set()


def test_every_item_has_its_file() -> None:
    """Its own, or one that all items share."""
    assert set(ITEMS) - {"criminal_record"} <= set(SPECIFICATIONS)
    assert {"identity", "elsewhere", "requests", "data", "deadlines", "masking"} <= set(ALL)


ONE: Final = {"claim": {"sex": "1"}, "answer": {"sex": "consistent"}, "zh": "一", "en": "one"}
SOUND: Final[dict[str, Any]] = {"items": ["sex"], "case": [ONE]}


@pytest.mark.parametrize(
    "typo",
    [
        {"item": ["sex"]},
        {"persons": []},
        {"received": "yesterday"},
        {"case": [ONE | {"note": "id_repaired"}]},
        {"case": [ONE | {"en": ""}]},
        {"case": [{"claim": {}, "zh": "一", "en": "one"}]},
    ],
)
def test_what_nobody_knows_fails(typo: dict[str, Any]) -> None:
    Form(**SOUND)
    with pytest.raises(ValidationError):
        Form(**SOUND | typo)


def test_a_column_that_nobody_knows_fails() -> None:
    with pytest.raises(AssertionError):
        exported([{"sexx": "1"}], "population")
    for claim in ({"id_number": "", "name": ""}, {"id_number": "", "name": "", "sex": "", "age": ""}):
        case = Case(claim=claim, answer={}, zh="一", en="one")
        with pytest.raises(AssertionError, match="the claim's columns"):
            asked(Form(items=("sex",), case=(case,)), [case])
