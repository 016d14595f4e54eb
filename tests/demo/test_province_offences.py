"""The synthetic offence records: overlaps, edges of sealing, numbers of other times."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from exchange.base.tables import OFFENCE_SOURCES
from exchange.demo.province.known_to import BASES, on_record
from exchange.demo.province.oddities import DOUBTS
from exchange.demo.province.offences import NOT_YET, UNKNOWN_KIND, make_offences
from exchange.demo.province.people import make_people

PEOPLE = 200_000


@pytest.fixture(scope="module")
def records() -> pl.DataFrame:
    """All records with the offender's birth date, former number and oddity."""
    people = next(make_people(1, PEOPLE))
    bearers = people.unique("id_number", keep="any").select(
        "id_number", "birth_date", "former_id_number", "oddity", "cancelled_on"
    )
    return make_offences(1, 0, people).join(bearers, on="id_number", how="left", validate="m:1")


def is_sealed(record: dict[str, object]) -> bool:
    """The rule, in plain Python: up to and on the eighteenth birthday, sixty months at most."""
    born, offence = date.fromisoformat(str(record["birth_date"])), record["offence_date"]
    assert isinstance(offence, date)
    years = offence.year - born.year
    young = years < 18 or (years == 18 and (offence.month, offence.day) <= (born.month, born.day))
    months = record["sentence_months"]
    return young and (months is None or int(str(months)) <= 60)


def test_sealed_is_as_the_rule_says_and_its_edges_are_there(records: pl.DataFrame) -> None:
    assert records["sealed_record"].to_list() == [is_sealed(record) for record in records.iter_rows(named=True)]
    eighteenth = pl.col("birth_date").str.to_date().dt.offset_by("18y")
    judgments = records.filter(pl.col("kind") == "judgment").with_columns(after=pl.col("offence_date") - eighteenth)
    on_the_day = judgments.filter(pl.col("after") == pl.duration(days=0))
    assert set(on_the_day["sealed_record"]) == {True, False}
    the_day_after = judgments.filter(pl.col("after") == pl.duration(days=1))
    assert the_day_after.height
    assert not the_day_after["sealed_record"].any()
    young = judgments.filter(pl.col("after") < pl.duration(days=0))
    assert set(young.filter(pl.col("sentence_months") == 60)["sealed_record"]) == {True}
    assert set(young.filter(pl.col("sentence_months") == 61)["sealed_record"]) == {False}


def test_some_have_sealed_records_only_and_some_others_too(records: pl.DataFrame) -> None:
    for _, held in records.group_by("id_number"):
        assert set(held["only_sealed"]) == {all(held["sealed_record"])}
    assert set(records.filter("sealed_record")["counts_as"]) == {""}
    assert records["only_sealed"].any()
    assert records.filter(pl.col("sealed_record") & ~pl.col("only_sealed")).height


def test_people_in_doubt_have_no_record(records: pl.DataFrame) -> None:
    assert not records["oddity"].is_in(DOUBTS).any()


def test_every_source_holds_some_and_they_overlap(records: pl.DataFrame) -> None:
    held = records["sources"].list.len()
    assert held.min() == 1
    assert (held > 1).mean() > 0.5  # type: ignore[operator]
    assert set(records["sources"].explode()) == set(OFFENCE_SOURCES)


def test_dates_follow_each_other(records: pl.DataFrame) -> None:
    assert (records["decided_on"] > records["offence_date"]).drop_nulls().all()
    assert (records["effective_on"] > records["decided_on"]).drop_nulls().all()
    assert set(records.filter(pl.col("effective_on") > date(2026, 1, 1))["effective_on"]) == {NOT_YET}
    effective = records.filter(pl.col("effective_on").is_not_null())
    assert set(effective["kind"]) == {"judgment"}
    assert records.filter((pl.col("kind") == "judgment") & pl.col("effective_on").is_null()).height
    assert not records.filter(pl.col("kind") == "pending")["decided_on"].is_not_null().any()
    gone = records.filter(pl.col("cancelled_on") != "")
    assert (gone["offence_date"].cast(pl.String) <= gone["cancelled_on"]).all()


def test_sources_know_some_by_another_number(records: pl.DataFrame) -> None:
    other = records.filter(pl.col("written_number") != pl.col("id_number"))
    superseded, short = other.filter(pl.col("oddity") == "superseded"), other.filter(pl.col("oddity") != "superseded")
    assert (superseded["written_number"] == superseded["former_id_number"]).all()
    by_number = superseded["written_number"].str.slice(6, 8).str.to_date("%Y%m%d").dt.offset_by("18y")
    assert superseded.filter("sealed_record", pl.col("offence_date") > by_number).height, "adult by the old number"
    assert short.height
    number = short["id_number"]
    assert (short["written_number"] == number.str.slice(0, 6) + number.str.slice(8, 9)).all()


def test_every_kind_is_there_and_counts_as_it_should(records: pl.DataFrame) -> None:
    counts_as = {kind: set(held["counts_as"]) for (kind,), held in records.group_by("kind")}
    assert counts_as == {
        "judgment": {"judgment", ""},
        **{
            kind: {kind, ""}
            for kind in ("administrative_detention", "administrative_penalty", "drug", "compulsory_isolation")
        },
        **{kind: {kind, ""} for kind in ("relative_non_prosecution", "custody_education", "labour_reeducation")},
        "pending": {""},
        "non_prosecution": {""},
        "acquittal": {""},
        UNKNOWN_KIND: {"unclear", ""},
    }
    unsealed = records.filter(~pl.col("sealed_record"), pl.col("kind") == "judgment")
    effective = (unsealed["effective_on"] < NOT_YET).fill_null(value=False)
    assert ((unsealed["counts_as"] == "judgment") == effective).all()
    known = {basis: frozenset(on_record(records, basis)) for basis in BASES}
    assert len(set(known.values())) == len(BASES), "each basis lets know something else"
    assert known["case_handling_286"] < known["school_bus_23"]
    assert known["minors_protection_62"] < known["preschool_44"]
    detained = records.filter(pl.col("counts_as") == "administrative_detention")["id_number"].value_counts()
    often = detained.filter(pl.col("count") >= 3)["id_number"]
    assert often.len()
    assert set(often) < known["security_guards_17"]
