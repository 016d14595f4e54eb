"""The other person of a kinship claim: who is named, in what words, and the right answer.

What happens to a claim is drawn into ``kinship.as``: nothing (a member of the household and its head), or one of
``RELATIVE_KINDS``. The answer follows from the records of the two alone: one household? is one of them the head?
what is the other one to the head?
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from exchange.demo.province.numbers import NOBODYS, kept, key_of, number_of
from exchange.demo.province.oddities import DOUBTS

RELATIVE_KINDS: Final = {
    "stranger": 0.05,
    "not_head": 0.05,
    "unknown_number": 0.02,
    "wrong_name": 0.02,
    "short_number": 0.01,
    "self": 0.01,
    "narrow": 0.05,
}
HEAD: Final = "02"
NOT_ESTABLISHED: Final = ("unknown_number", "wrong_name", "short_number")
_RIGHT: Final[Mapping[str, tuple[str, ...]]] = {
    "10": ("配偶", "10", "爱人"),
    "20": ("子", "20", "儿子", "子女", "孩子"),
    "30": ("女", "30", "女儿", "子女", "孩子"),
    "41": ("孙子", "41", "孙子女", "40"),
    "42": ("孙女", "42", "孙子女", "40"),
    "51": ("父亲", "51", "父", "父母"),
    "52": ("母亲", "52", "母", "50"),
}
_WRONG: Final[Mapping[str, tuple[str, ...]]] = {
    "10": ("弟", "子女", "71"),
    "20": ("女婿", "女", "配偶"),
    "30": ("儿媳", "子", "71"),
}
_NARROWER: Final = {"10": ("丈夫", "妻", "11"), "20": ("长子", "次子", "27"), "30": ("长女", "独生女", "33")}
_SPOUSE: Final = pl.lit("配偶")
_COLUMNS: Final = ("id_number", "former_id_number", "name", "relation", "household_number", "birth_date", "oddity")


def with_relatives(
    random: np.random.Generator, frame: pl.DataFrame, people: pl.DataFrame, *, dirt: bool
) -> pl.DataFrame:
    """Adds ``kinship.as``, the other person as ``relative.<column>``, and ``kinship.relation``: what the one who is not
    the head is to the head.
    """
    heads, members = people.filter(pl.col("relation") == HEAD), people.filter(pl.col("relation") != HEAD)
    first, last = (members.unique("household_number", keep=keep, maintain_order=True) for keep in ("first", "last"))
    kinds = random.choice(
        len(RELATIVE_KINDS) + 1, frame.height, p=[*RELATIVE_KINDS.values(), 1 - sum(RELATIVE_KINDS.values())]
    )
    drawn = pl.Series("kinship.as", [*RELATIVE_KINDS, ""]).gather(
        kinds if dirt else np.full(frame.height, len(RELATIVE_KINDS))
    )
    frame = frame.with_columns(drawn).with_row_index("_row")
    fellow = pl.concat(
        [
            _beside(frame.filter(pl.col("relation") != HEAD), heads),
            _beside(frame.filter(pl.col("relation") == HEAD), first),
        ]
    ).sort("_row")
    strangers = heads[random.integers(0, heads.height, frame.height).tolist()]
    other = _beside(frame, last).sort("_row")
    is_other = (frame["kinship.as"] == "not_head") & (other["relative.id_number"] != frame["id_number"]).fill_null(
        value=False
    )
    is_stranger = (frame["kinship.as"] == "stranger") | fellow["relative.id_number"].is_null()
    chosen = [
        pl.when(frame["kinship.as"] == "self")
        .then(frame[column])
        .when(is_stranger)
        .then(strangers[column])
        .when(is_other)
        .then(other[f"relative.{column}"])
        .otherwise(fellow[f"relative.{column}"])
        .alias(f"relative.{column}")
        for column in _COLUMNS
    ]
    of_the_other = pl.when(pl.col("relation") == HEAD).then("relative.relation").otherwise("relation")
    return frame.with_columns(chosen).with_columns(of_the_other.alias("kinship.relation")).drop("_row")


def _beside(frame: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """``_row`` and the person of the row's household."""
    others = people.select(pl.col(column).alias(f"relative.{column}") for column in _COLUMNS)
    members = frame.select("_row", "household_number").join(
        others.with_columns(pl.col("relative.household_number").alias("household_number")),
        on="household_number",
        how="left",
        validate="m:1",
    )
    return members.drop("household_number")


def relative_texts(wide: Mapping[str, str]) -> list[pl.Expr]:
    """``relative_id_number``, ``relative_name`` and ``relation`` as claimed."""
    kind, spelling, number = pl.col("kinship.as"), pl.col("spelling"), pl.col("relative.id_number")
    born = pl.col("relative.birth_date")
    superseded = (pl.col("relative.oddity") == "superseded") & (spelling % 2 == 1)
    number_text = (
        pl.when(kind == "unknown_number")
        .then(number_of(kept(key_of(number), NOBODYS)))
        .when(kind == "short_number")
        .then(number.str.slice(0, 16))
        .when(superseded)
        .then("relative.former_id_number")
        .when((spelling == 2) & born.is_between(pl.lit("1900-01-01"), pl.lit("1999-09-30")))
        .then(number.str.slice(0, 6) + number.str.slice(8, 9))
        .when(spelling == 4)
        .then(number.str.replace_many(wide))
        .otherwise(number)
    )
    name = pl.col("relative.name")
    spaced = pl.when(spelling == 5).then(name.str.slice(0, 1) + " " + name.str.slice(1)).otherwise(name)
    name_text = pl.when(kind == "wrong_name").then("冼" + name.str.slice(1)).otherwise(spaced)
    return [number_text.alias("relative_id_number"), name_text.alias("relative_name"), _relation_text()]


def _relation_text() -> pl.Expr:
    outcome, kind = pl.col("kinship.is"), pl.col("kinship.as")
    text = pl.when(outcome == "wrong").then(_one_of(_WRONG, _SPOUSE)).otherwise(_one_of(_RIGHT, _SPOUSE))
    text = pl.when((kind == "narrow") & (outcome == "right")).then(_one_of(_NARROWER, text)).otherwise(text)
    unreadable = pl.when(pl.col("spelling") % 2 == 0).then(pl.lit("邻居")).otherwise(pl.lit("户主"))
    return (
        pl.when(outcome == "missing")
        .then(pl.lit(""))
        .when(outcome == "unreadable")
        .then(unreadable)
        .otherwise(text)
        .alias("relation")
    )


def _one_of(texts: Mapping[str, tuple[str, ...]], text: pl.Expr) -> pl.Expr:
    """One of the relation's texts, by ``spelling``; ``text`` where it has none."""
    for code, words in texts.items():
        for position, word in enumerate(words):
            here = (pl.col("kinship.relation") == code) & (pl.col("spelling") % len(words) == position)
            text = pl.when(here).then(pl.lit(word)).otherwise(text)
    return text


def kinship_answer() -> pl.Expr:
    """The right answer, where the row's own person is established."""
    outcome, kind = pl.col("kinship.is"), pl.col("kinship.as")
    neither = (pl.col("relation") != HEAD) & (pl.col("relative.relation") != HEAD)
    narrow = (kind == "narrow") & pl.col("kinship.relation").is_in(list(_NARROWER)) & (outcome == "right")
    return (
        pl.when(outcome == "missing")
        .then(pl.lit("claim_missing"))
        .when(outcome == "unreadable")
        .then(pl.lit("claim_format"))
        .when(kind.is_in(NOT_ESTABLISHED))
        .then(pl.lit("relative_not_established"))
        .when((pl.col("relative.id_number") == pl.col("id_number")) & (pl.col("relative.name") == pl.col("name")))
        .then(pl.lit("claim_format"))
        .when(pl.col("relative.oddity").is_in(DOUBTS))
        .then(pl.lit("under_review"))
        .when(pl.col("household_number") != pl.col("relative.household_number"))
        .then(pl.lit("not_same_household"))
        .when(neither)
        .then(pl.lit("head_not_named"))
        .when(narrow)
        .then(pl.lit("under_review"))
        .when(outcome == "wrong")
        .then(pl.lit("inconsistent"))
        .otherwise(pl.lit("consistent"))
    )
