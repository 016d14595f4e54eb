"""``unregistered`` (未登记户口): whether somebody who has no number yet stands in the register, never whose
record it is.

Asked alone, in one of two forms (opinion of twelve ministries, 2016; which one, the agreement's purpose says)

mother   health, before a birth certificate is reissued: the mother's number, the birth date, perhaps the sex. People
         in whose record this mother stands, under any number that she bore:
         registered      one was born on that day, and is of that sex where it is given
         under_review    one is near: born up to ``NEAR_DAYS`` away, on a day that is not registered, on the day but of
                         another sex, in doubt, or cancelled; or the mother is in doubt herself; or more rows of the
                         request ask the same than are registered, or rows with the sex and without it stand side by
                         side (twins of whom one may be missing)
         not_registered  none
name     notaries: name, birth date and sex. Namesakes cannot be told apart by machine, so there is no *registered*:
         under_review    somebody of this birth date and sex (or whose sex is not registered) bears this name, a
                         variant of it, or bore it before
         not_registered  nobody

A mother's number that cannot be read or is not registered says so, as for any number; a man's is no mother's and reads
as ``claim_format``. A woman's number under which a man is registered is for an officer: sexes change, and clerks err.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from exchange.base.errors import Halt
from exchange.matching import id_numbers
from exchange.matching.codes import nothing_claimed, sex_code
from exchange.matching.dates import claimed_date
from exchange.matching.former_names import registered_names
from exchange.matching.id_numbers import of_exit_entry
from exchange.matching.identity import ASK_EXIT_ENTRY, Population
from exchange.matching.lookup import Rows, SortedTable
from exchange.matching.names import compare, name_fault, standard_name

CODE: Final = "unregistered"
NEAR_DAYS: Final = 3
"""A birth date this many days away may be the same birth, written down by mistake (the office's choice)."""

MALE: Final = 1
UNKNOWN_SEXES: Final = (0, 9)
_SEXES: Final = (0, 1, 2, 9)
_MOTHER: Final = "mother_id_number"
_SLICE: Final = 1_000  # rows by name at a time: on one day and of one sex some 400 of 27 million people were born


def birth_key(born: pl.Expr, sex: pl.Expr) -> pl.Expr:
    """Int64 of the date's digits and the sex; not stated where it is not known."""
    day = born.dt.year().cast(pl.Int64) * 10_000 + born.dt.month().cast(pl.Int64) * 100 + born.dt.day()
    return day * 10 + sex.fill_null(9)


def standardise(table: pl.DataFrame, today: date) -> pl.DataFrame:
    """Adds ``fault`` (String: answer code or null), ``born`` (Date) and ``asked_sex`` (UInt8), and ``key`` of the
    mother (Int64) or ``asked_name`` (String); null where it cannot be read. Rows as they came.
    """
    by_mother = _MOTHER in table.columns
    if by_mother:
        numbers = id_numbers.standardise(table.select(pl.col(_MOTHER).alias("id_number")), today)
        elsewhere = of_exit_entry(pl.col("key")) & ~pl.col("id_from_15")
        table = table.with_columns(
            numbers["key"],
            numbers["id_fault"].alias("_fault"),
            numbers.select(elsewhere.alias("elsewhere")).to_series(),
        )
    else:
        table = table.with_columns(standard_name(pl.col("name")).alias("asked_name"))
        table = table.with_columns(name_fault(pl.col("asked_name")).alias("_fault"))
    table = table.with_columns(
        claimed_date(pl.col("birth_date")).alias("born"), sex_code(pl.col("sex")).alias("asked_sex")
    )
    no_day = _unreadable("birth_date", pl.col("born").is_null() | (pl.col("born") > today))
    no_sex = _unreadable("sex", pl.col("asked_sex").is_null())
    if by_mother:
        no_sex = pl.when(~nothing_claimed(pl.col("sex"))).then(no_sex)
    return table.with_columns(pl.coalesce("row_fault", "_fault", no_day, no_sex).alias("fault")).drop("_fault")


def _unreadable(column: str, condition: pl.Expr) -> pl.Expr:
    missing = pl.when(nothing_claimed(pl.col(column))).then(pl.lit("claim_missing"))
    return missing.when(condition).then(pl.lit("claim_format"))


def decide(table: pl.DataFrame, population: Population, today: date) -> pl.DataFrame:
    """The columns of ``matching.decide.decide`` that partners see, all String, for a table with the columns of one
    form; a row for each of its rows, in their order. Identity is not asked; no number is echoed. Halt where the
    snapshot has no table of mothers and births.
    """
    frame = standardise(table, today)
    answer = _by_mother(frame, population) if _MOTHER in frame.columns else _by_name(frame, population)
    return frame.select(
        "row_ref",
        pl.lit("").alias("id_number"),
        "name",
        pl.coalesce("row_fault", pl.lit("not_applicable")).alias("identity"),
        pl.lit("").alias("note"),
        answer.alias(f"answer.{CODE}"),
    )


def candidates(table: pl.DataFrame, population: Population, today: date) -> Rows:
    """The people whom an officer must look at for these rows: the mother and her children near that birth, or the
    namesakes; rows of the population, int64[m], each once, rising. Halt as ``decide``.
    """
    frame = standardise(table, today)
    asked = _asked(frame)
    if _MOTHER in frame.columns:
        mothers = _mothers(asked, population)
        people = pl.concat([found.select("person") for found in (mothers, _children(asked, mothers, population))])
    else:
        people = _namesakes(asked, population)
    persons: Rows = people["person"].unique().sort().to_numpy()
    return persons


def _needed(table: SortedTable | None) -> SortedTable:
    if table is None:
        msg = "the population snapshot has no table of mothers and births; build it anew"
        raise Halt(msg)
    return table


def _asked(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that can be read, with their place in the frame as ``row``."""
    return frame.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64)).filter(pl.col("fault").is_null())


def _by_mother(frame: pl.DataFrame, population: Population) -> pl.Series:
    asked = _asked(frame).select("row", "key", "born", "asked_sex")
    mothers = _mothers(asked, population)
    children = _children(asked, mothers, population).group_by("row").agg(pl.col("certain").sum())
    asked = asked.join(
        mothers.group_by("row").agg(
            pl.col("person").min(),
            (pl.col("doubt").any() | (pl.len() > 1)).alias("in_doubt"),
            (pl.col("sex") == MALE).all().alias("male"),
        ),
        on="row",
    ).join(children, on="row", how="left")
    mans_number = pl.col("key") % 2 == 1
    alike = pl.len().over("person", "born", "asked_sex")
    mixed = pl.col("asked_sex").is_null().n_unique().over("person", "born") > 1
    answers = asked.select(
        "row",
        pl.when(pl.col("male") & mans_number)
        .then(pl.lit("claim_format"))
        .when(pl.col("in_doubt") | pl.col("male"))
        .then(pl.lit("under_review"))
        .when((pl.col("certain") >= alike) & ~mixed)
        .then(pl.lit("registered"))
        .when(pl.col("certain").is_not_null())
        .then(pl.lit("under_review"))
        .otherwise(pl.lit("not_registered"))
        .alias("answer"),
    )
    nobody = pl.when("elsewhere").then(pl.lit(ASK_EXIT_ENTRY)).otherwise(pl.lit("no_such_number"))
    return _in_place(frame, answers, otherwise=frame.select(nobody).to_series())


def _mothers(asked: pl.DataFrame, population: Population) -> pl.DataFrame:
    """``row``, ``person``, ``doubt`` and ``sex`` of everybody who bears or bore the number."""
    keys, rows = asked["key"].to_numpy(), asked["row"].to_numpy()
    now, before = population.people.find(keys), population.former.find(keys)
    bearer = population.bearers(before.row)
    persons = np.concatenate([now.row, bearer])
    sound = np.append(np.ones(len(now.row), dtype=bool), population.former.take(before.row, ["sound"])["sound"])
    bearers = pl.DataFrame(
        {"row": rows[np.concatenate([now.wanted, before.wanted])], "person": persons, "sound": sound}
    )
    bearers = bearers.hstack(population.people.take(persons, ["doubt", "sex"]))
    doubt = pl.col("doubt") | ~pl.col("sound")
    return bearers.group_by("row", "person", "sex", maintain_order=True).agg(doubt.any())


def _children(asked: pl.DataFrame, mothers: pl.DataFrame, population: Population) -> pl.DataFrame:
    """``row``, ``person`` and ``certain`` of every child that is certain or near."""
    persons, rows = mothers["person"].to_numpy(), mothers["row"].to_numpy()
    position, former = population.former_keys(persons)
    keys = np.concatenate([population.people.keys[persons], former])
    table = _needed(population.mothers)
    hits = table.find(keys)
    children = table.numbers(hits.row, "person")
    asked_by = np.concatenate([rows, rows[position]])[hits.wanted]
    of_rows = pl.DataFrame({"row": asked_by, "person": children}).hstack(table.take(hits.row, ["sound"]))
    records = population.people.take(children, ["birth_date", "sex", "doubt", "cancelled"])
    days = (pl.col("birth_date") - pl.col("born")).dt.total_days().abs()
    near = days.is_null() | (days <= NEAR_DAYS)
    same_sex = pl.col("asked_sex").is_null() | (pl.col("asked_sex") == pl.col("sex")).fill_null(value=False)
    certain = (days == 0) & same_sex & ~pl.col("doubt") & ~pl.col("cancelled") & pl.col("sound")
    return (
        of_rows.hstack(records)
        .sort("sound", descending=True)
        .unique(["row", "person"], keep="first")
        .join(asked.select("row", "born", "asked_sex"), on="row")
        .filter(near)
        .select("row", "person", certain.fill_null(value=False).alias("certain"))
    )


def _by_name(frame: pl.DataFrame, population: Population) -> pl.Series:
    asked = _asked(frame).select("row", "born", "asked_sex", "asked_name")
    met = _namesakes(asked, population)["row"].unique()
    answers = asked.select(
        "row",
        pl.when(pl.col("row").is_in(met.implode()))
        .then(pl.lit("under_review"))
        .otherwise(pl.lit("not_registered"))
        .alias("answer"),
    )
    return _in_place(frame, answers, otherwise=pl.lit("not_registered"))


def _namesakes(asked: pl.DataFrame, population: Population) -> pl.DataFrame:
    """``row`` and ``person`` of everybody of that birth who bears or bore the name."""
    nobody = pl.DataFrame(schema={"row": pl.Int64, "person": pl.Int64})
    parts = [pair for part in asked.iter_slices(_SLICE) for pair in _named(part, population)]
    return pl.concat([nobody, *parts]).unique()


def _named(asked: pl.DataFrame, population: Population) -> Iterator[pl.DataFrame]:
    """``row`` and ``person`` of those who bear the name; then of those who bore it."""
    table = _needed(population.births)
    wanted = asked.join(pl.DataFrame({"sex": _SEXES}, schema={"sex": pl.UInt8}), how="cross").filter(
        (pl.col("sex") == pl.col("asked_sex")) | pl.any_horizontal(pl.col("sex", "asked_sex").is_in(UNKNOWN_SEXES))
    )
    keys = wanted.select(birth_key(pl.col("born"), pl.col("sex"))).to_series().to_numpy()
    hits = table.find(keys)
    persons = table.numbers(hits.row, "person")
    pairs = wanted.select("row", "asked_name")[hits.wanted].with_columns(pl.Series("person", persons))
    pairs = pairs.hstack(population.people.take(persons, ["name", "former_name"]))
    differs = compare(pl.col("asked_name"), pl.col("name")) == "different"
    yield pairs.filter(~differs).select("row", "person")
    before = pairs.filter(pl.col("former_name") != "").with_columns(
        registered_names(pl.col("former_name")).alias("name")
    )
    yield before.explode("name", empty_as_null=False).filter(~differs).select("row", "person")


def _in_place(frame: pl.DataFrame, answers: pl.DataFrame, otherwise: pl.Expr | pl.Series) -> pl.Series:
    """The answers at their rows, the faults at theirs, and ``otherwise`` for the rest."""
    placed = frame.select(pl.int_range(pl.len()).alias("row"), "fault").join(
        answers, on="row", how="left", maintain_order="left"
    )
    return placed.select(pl.coalesce("fault", "answer", otherwise).alias("answer")).to_series()
