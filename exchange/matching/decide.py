"""The table of answers: one code for the identity of each row and one per item, in the order of the request.

Rules: number and name first, everything else only after they agree (the three answers of the national service); a row
in doubt is *under review* as a whole; as many rows out as in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

import polars as pl

from exchange.base.tables import NOTES, TEST_NOTE
from exchange.matching import id_numbers, unregistered
from exchange.matching.distinct import names_of, set_of
from exchange.matching.identity import ASK_EXIT_ENTRY, NOBODY, Population, identify
from exchange.matching.items import RULES, ItemRule
from exchange.matching.sources import Sources

IDENTITY_COLUMN = "identity"
NOTE = "note"
PERSON = "person"
CAUSES_COLUMN = "causes"
_VARIANT = "name_variant"
FOR_THE_OFFICE = (PERSON, CAUSES_COLUMN)
"""Columns that no partner sees."""

_NOTES = tuple(code for code in NOTES if code != TEST_NOTE)
_NOTED = set_of(pl.col(code) for code in _NOTES).alias(NOTE)
"""What was done to the number."""

# Whose answer is the identity itself, once the number was readable.
_OF_IDENTITY = {
    "id_number": ("consistent", "under_review", "no_such_number", ASK_EXIT_ENTRY, "name_disagrees"),
    "name": ("consistent", "under_review", "name_disagrees"),
}


def decide(
    table: pl.DataFrame,
    items: Sequence[str],
    sources: Sources,
    today: date,
    *,
    settled: bool = False,
) -> pl.DataFrame:
    """A row for each of ``table`` (String columns of ``validate.table.read_table``), in its order: ``row_ref``,
    ``id_number``, ``name`` as claimed, ``identity``, ``note``, one column of answer codes per item, in the order of
    ``items``, all String; and, for the office only, ``person`` (Int64: row of the population, NOBODY where nobody is
    established) and ``causes`` (String: why an officer must look, joined by a semicolon; empty where none must).
    Halt where a snapshot lacks a column that an item reads.

    ``today`` is the office's day of receipt, so that a re-run on another day decides the same. ``settled``: what the
    answers would be if the people in doubt were who they seem; an officer's proposal, never an answer.
    """
    if unregistered.CODE in items:  # asked alone, of somebody who has no number
        asked = unregistered.decide(table, sources.population, today)
        asked = asked.with_columns(pl.lit(NOBODY, pl.Int64).alias(PERSON))
        return _with_causes(asked, pl.Series([False]).new_from_index(0, asked.height), items)
    frame = identify(id_numbers.standardise(table, today), sources.population)
    return _answered(_settled(frame) if settled else frame, items, sources)


def make_ready(items: Sequence[str]) -> None:
    """Makes, in this thread, the tables that deciding these items needs and that are made once in a process: threads
    that began together would each make them (ADR 21).
    """
    for makes_ready in {RULES[item].makes_ready for item in items if item in RULES}:
        if makes_ready is not None:
            makes_ready()


def decide_both(
    table: pl.DataFrame, items: Sequence[str], sources: Sources, today: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """``decide``, and ``decide`` with ``settled``, in one match, which for few rows costs hardly more than one of the
    two. Both with the rows, columns and dtypes of ``decide``.
    """
    if unregistered.CODE in items:
        answers = decide(table, items, sources, today)
        return answers, answers
    frame = identify(id_numbers.standardise(table, today), sources.population)
    both = _answered(pl.concat([frame, _settled(frame)]), items, sources)
    return both[: frame.height], both[frame.height :]


def _settled(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(IDENTITY_COLUMN).replace("under_review", "consistent"))


def _answered(frame: pl.DataFrame, items: Sequence[str], sources: Sources) -> pl.DataFrame:
    """The answers to rows whose identity is decided."""
    rules = [RULES[item] for item in items if item in RULES]
    frame = _with_register(frame, rules, sources.population)
    cancelled = pl.col("register.cancelled") & (pl.col(IDENTITY_COLUMN) == "consistent") & sources.tells_cancellation
    claimed = [rule.claimed.alias(f"claimed.{rule.code}") for rule in rules if rule.claimed is not None]
    frame = frame.with_columns(cancelled.alias("registration_cancelled"), *claimed)
    for rule in rules:
        if rule.looks_up is not None:
            frame = rule.looks_up(frame, sources)
    answers = frame.select(
        "row_ref",
        "id_number",
        "name",
        IDENTITY_COLUMN,
        _NOTED,
        *[_answer(item).alias(f"answer.{item}") for item in items],
        PERSON,
    )
    answers.replace_column(answers.get_column_index(NOTE), names_of(answers[NOTE], _NOTES))
    return _with_causes(answers, frame[_VARIANT], items)


def _with_register(frame: pl.DataFrame, rules: Sequence[ItemRule], population: Population) -> pl.DataFrame:
    """Adds the register's columns that the items read, as ``register.<column>``, null where nobody is established."""
    columns = sorted({"cancelled", *(column for rule in rules for column in rule.reads)})
    values = population.people.take(frame[PERSON].to_numpy(), columns)
    return frame.hstack([values[column].alias(f"register.{column}") for column in columns])


@cache
def _answer(item: str) -> pl.Expr:
    """The item's code: of the identity where it decides, else of the item's own rule."""
    identity = pl.col(IDENTITY_COLUMN)
    if item in _OF_IDENTITY:
        return pl.when(identity.is_in(_OF_IDENTITY[item])).then(identity).otherwise(pl.lit("not_answered"))
    return (
        pl.when(identity == "consistent")
        .then(RULES[item].answer)
        .when(identity == "under_review")
        .then(identity)
        .otherwise(pl.lit("not_answered"))
    )


def follows(item: str, identity: str) -> str:
    """The item's code where the identity is not established: the identity's own, or *not answered*."""
    return identity if identity in _OF_IDENTITY.get(item, ()) else "not_answered"


def _with_causes(answers: pl.DataFrame, variant: pl.Series, items: Sequence[str]) -> pl.DataFrame:
    """Adds the codes of ``schemas/reviews.toml`` that say why an officer must look at a row."""
    judged = tuple(item for item in items if item not in _OF_IDENTITY)
    caused = answers.hstack([variant.alias(_VARIANT)]).select(_caused(judged)).to_series()
    return answers.hstack([names_of(caused, (_VARIANT, "identity", *judged)).alias(CAUSES_COLUMN)])


@cache
def _caused(judged: Sequence[str]) -> pl.Expr:
    """The bit set of causes: a variant of the name or the identity, then these items."""
    in_doubt = pl.col(IDENTITY_COLUMN) == "under_review"
    of_identity = [in_doubt & pl.col(_VARIANT), in_doubt & ~pl.col(_VARIANT)]
    return set_of([*of_identity, *[~in_doubt & (pl.col(f"answer.{item}") == "under_review") for item in judged]])
