"""Whose records count, and as what: the two ways to ask agree, for people who bear one another's numbers, too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import permutations
from typing import Final

import numpy as np
import polars as pl
import pytest

from exchange.base.legal_bases import LegalBasis, legal_bases
from exchange.base.tables import OFFENCE_SOURCES
from exchange.matching.identity import NOBODY, Population
from exchange.matching.lookup import SortedTable
from exchange.matching.offence_records import counted_records, grounds_of
from exchange.matching.sources import Sources

FIRST, SECOND, *_, LAST = OFFENCE_SOURCES
DAY: Final = date(2026, 11, 23)
GUARDS: Final = legal_bases()["security_guards_17"]
"""Three administrative detentions count, of which two days of decision may be one's."""

OLD, YOUNG, CLEAN, UNDATED, PETTY = range(5)
"""Rows of the population. The old one bore the young one's number before, and another one."""

NUMBERS: Final = {OLD: 40, YOUNG: 50, CLEAN: 60, UNDATED: 70, PETTY: 80}
FORMER: Final = {30: OLD, 50: OLD}


def records(*rows: tuple[int, str, str | None]) -> SortedTable:
    """Key, day of the offence and day of the decision of administrative detentions, by key."""
    days = {"offence_date": pl.Date, "decided_on": pl.Date, "effective_on": pl.Date}
    frame = pl.DataFrame(
        [
            {
                "key": key, "note": f"of {key}", "kind": "administrative_detention", "charge": "盗窃", "intent": "",
                "political_rights": "no", "sentence_months": None, "sentence_unread": False, "effective_on": None,
                "offence_date": date.fromisoformat(offence), "decided_on": decided and date.fromisoformat(decided),
            }
            for key, offence, decided in rows
        ],
        schema_overrides={**days, "sentence_months": pl.Int16},
    )  # fmt: skip
    return SortedTable(frame.to_arrow())


HELD: Final = {
    FIRST: records((30, "2011-01-01", "2011-01-02"), (50, "2013-01-01", "2013-01-02"), (99, "2011-01-01", None)),
    SECOND: records(
        (70, "2011-01-01", None), (70, "2012-01-01", None), (70, "2013-01-01", None), (80, "2011-01-01", "2011-01-02")
    ),
    LAST: records((40, "2012-01-01", "2012-01-02"), (50, "2014-01-01", None), (50, "2015-01-01", None)),
}
"""Of the old one five detentions, three of them of known days of decision; of the young one three, one of them so; of
another three undated ones, and of the last one a single one, which is too few.
"""

COUNTED: Final = [
    (FIRST, 0, OLD), (FIRST, 1, OLD), (FIRST, 1, YOUNG), (LAST, 0, OLD),
    (LAST, 1, OLD), (LAST, 1, YOUNG), (LAST, 2, OLD), (LAST, 2, YOUNG),
]  # fmt: skip


def sources(
    held: dict[str, SortedTable] = HELD, *, rests: bool = True, basis: LegalBasis = GUARDS, day: date = DAY
) -> Sources:
    people = SortedTable(pl.DataFrame({"key": list(NUMBERS.values())}).to_arrow())
    former = pl.DataFrame({"key": list(FORMER), "person": list(FORMER.values()), "sound": True})
    population = Population(people, SortedTable(former.to_arrow()))
    return Sources(population, held, bases=(basis,) if rests else (), asked_on=day)


@pytest.mark.parametrize("persons", list(permutations((OLD, YOUNG, PETTY, NOBODY))), ids=str)
def test_records_stand_by_source_and_row_for_each_who_bears_their_number(persons: Sequence[int]) -> None:
    found = counted_records(np.array(persons), sources(), ("note",))
    assert found.columns == ["person", "source", "row", "note"]
    rows = [(source, row, persons[person]) for person, source, row, _ in found.iter_rows()]
    assert sorted(rows) == sorted(COUNTED)
    assert [row[:2] for row in rows] == [row[:2] for row in COUNTED], "by source and row"
    assert set(found["note"]) == {"of 30", "of 40", "of 50"}


@pytest.mark.parametrize("persons", list(permutations((OLD, YOUNG, NOBODY))), ids=str)
def test_each_record_is_shown_once_as_it_counts_for_whom_it_counts(persons: Sequence[int]) -> None:
    shown = grounds_of(np.array(persons), sources())
    assert shown.columns == ["source", "row", "counts", "by"]
    assert sorted(shown.rows()) == sorted(
        (source, row, "counts", f"{GUARDS.name}第一项") for source, row in {row[:2] for row in COUNTED}
    )


def test_of_the_young_one_alone_it_is_unclear() -> None:
    shown = grounds_of(np.array([YOUNG]), sources())
    assert {(source, row, counts) for source, row, counts, _ in shown.rows()} == {
        (source, row, "unclear") for source, row, person in COUNTED if person == YOUNG
    }


@pytest.mark.parametrize("persons", list(permutations((OLD, UNDATED, PETTY))), ids=str)
def test_what_counts_is_shown_before_what_may_and_nothing_else_is(persons: Sequence[int]) -> None:
    shown = grounds_of(np.array(persons), sources())["counts"].to_list()
    assert shown == ["counts"] * 5 + ["unclear"] * 3


@pytest.mark.parametrize("persons", [[CLEAN], [PETTY], [PETTY, NOBODY], [NOBODY], []], ids=str)
@pytest.mark.parametrize(
    "asked",
    [sources(), sources(rests=False), sources({}), sources({SECOND: HELD[SECOND]})],
    ids=["nothing held", "no basis", "no source", "one source"],
)
def test_of_whom_nothing_counts_there_are_no_rows_of_the_same_columns(persons: list[int], asked: Sources) -> None:
    places = np.array(persons, np.int64)
    found, shown = counted_records(places, asked, ("note",)), grounds_of(places, asked)
    assert found.schema == {"person": pl.Int64, "source": pl.String, "row": pl.Int64, "note": pl.String}
    assert shown.schema == {"source": pl.String, "row": pl.Int64, "counts": pl.String, "by": pl.String}
    assert (found.height, shown.height) == (0, 0)


@pytest.mark.parametrize("person", [OLD, YOUNG])
def test_without_a_basis_nothing_of_anybody_is_held(person: int) -> None:
    assert counted_records(np.array([person]), sources(rests=False)).is_empty()
    assert grounds_of(np.array([person]), sources(rests=False)).is_empty()


def test_a_source_that_is_not_there_is_passed_by() -> None:
    there = {source: HELD[source] for source in (FIRST, SECOND)}
    found = counted_records(np.array([OLD, YOUNG]), sources(there))
    assert found.is_empty(), "two of three detentions are not enough"
    alone = {LAST: HELD[LAST]}
    assert set(counted_records(np.array([OLD, YOUNG]), sources(alone))["source"]) == {LAST}


@pytest.mark.parametrize(("day", "counts"), [(date(2013, 6, 1), ["counts"]), (date(2026, 11, 23), [])], ids=str)
def test_a_span_is_reckoned_from_the_day_of_receipt(day: date, counts: list[str]) -> None:
    """Accountants: less than five years after the punishment ended."""
    judged = {
        "kind": "judgment", "charge": "盗窃罪", "sentence_months": 6, "effective_on": date(2010, 1, 1),
    }  # fmt: skip
    table = pl.DataFrame(records((60, "2009-01-01", None)).table)
    table = table.with_columns(pl.lit(value, table.schema[name]).alias(name) for name, value in judged.items())
    asked = sources({FIRST: SortedTable(table.to_arrow())}, basis=legal_bases()["accountants_10"], day=day)
    assert counted_records(np.array([CLEAN]), asked).height == len(counts)
    assert grounds_of(np.array([CLEAN]), asked)["counts"].to_list() == counts
