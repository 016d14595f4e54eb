"""Requests that ask whether somebody is registered at all, in both forms, and the right answers.

Rules: what happens to a claim is drawn first (``MOTHER_KINDS``, ``NAME_KINDS``); the answer follows from it and from
what was planted in the records. Each mother is asked about once, and none whose children were born within days of
each other, so that no answer hangs on chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from exchange.demo.province.claim_texts import OTHER_SURNAME
from exchange.demo.province.claims import Claims
from exchange.demo.province.numbers import NOBODYS, kept, key_of, number_of
from exchange.demo.province.oddities import DOUBTS

UNREADABLE: Final = {"no_day": "claim_missing", "bad_day": "claim_format", "bad_sex": "claim_format"}
MOTHER_KINDS: Final = {
    "born": 0.4,
    "newborn": 0.25,
    "near": 0.08,
    "other_sex": 0.05,
    "unknown_number": 0.05,
    "short_number": 0.03,
    "father": 0.05,
    **dict.fromkeys(UNREADABLE, 0.03),
}
NAME_KINDS: Final = {
    "born": 0.3,
    "former": 0.1,
    "nobody": 0.2,
    "newborn": 0.15,
    "other_sex": 0.1,
    "no_name": 0.02,
    "no_sex": 0.04,
    **dict.fromkeys(UNREADABLE, 0.03),
}
NEWBORN: Final = "2026-10-01"
"""Nobody of the province was born then, or within days of it."""

_CANCELLED: Final = ("cancelled", "centenarian")


def by_mother(people: pl.DataFrame, rows: int, seed: int) -> Claims:
    """At most ``rows`` claims by the mother's number."""
    random = np.random.default_rng([seed, 1])
    frame = _children(people)
    frame = frame.sample(min(rows, frame.height), seed=seed, shuffle=True).with_row_index("row_ref")
    frame = frame.with_columns(
        _drawn(random, MOTHER_KINDS, frame.height),
        pl.Series("days", random.choice([-3, -2, -1, 1, 2, 3], frame.height)),
        pl.Series("tells_sex", random.random(frame.height) < 0.5),
    )
    number = _of_kind(
        {
            "unknown_number": number_of(kept(key_of(pl.col("mother_id_number")), NOBODYS)),
            "short_number": pl.col("mother_id_number").str.slice(0, 16),
            "father": pl.lit(_a_man(people)),
        },
        pl.col("mother_id_number"),
    )
    near = pl.col("birth_date").str.to_date() + pl.duration(days=pl.col("days"))
    day = _of_kind({"near": near.cast(pl.String)}, _day())
    sex = pl.when(pl.col("tells_sex") | pl.col("kind").is_in(["other_sex", "bad_sex"])).then(_sex())
    doubt = pl.col("oddity").is_in(DOUBTS)
    mother_doubt = pl.col("mother_oddity").is_in(DOUBTS)
    answer = (
        pl.when(pl.col("kind").is_in(list(UNREADABLE)))
        .then(pl.col("kind").replace(UNREADABLE))
        .when(pl.col("kind") == "short_number")
        .then(pl.lit("id_number_format"))
        .when(pl.col("kind") == "unknown_number")
        .then(pl.lit("no_such_number"))
        .when(pl.col("kind") == "father")
        .then(pl.lit("claim_format"))
        .when(mother_doubt | pl.col("kind").is_in(["near", "other_sex"]))
        .then(pl.lit("under_review"))
        .when(pl.col("kind") == "newborn")
        .then(pl.lit("not_registered"))
        .when(doubt | pl.col("oddity").is_in(_CANCELLED))
        .then(pl.lit("under_review"))
        .otherwise(pl.lit("registered"))
    )
    claimed = [number.alias("mother_id_number"), day.alias("birth_date"), sex.fill_null("").alias("sex")]
    return _claims(frame, claimed, answer)


def by_name(people: pl.DataFrame, rows: int, seed: int) -> Claims:
    """``rows`` claims by name, birth date and sex."""
    random = np.random.default_rng([seed, 2])
    frame = people[random.integers(0, people.height, rows).tolist()].with_row_index("row_ref")
    frame = frame.with_columns(_drawn(random, NAME_KINDS, rows))
    bore_another = pl.col("former_name") != ""
    former = pl.when(bore_another).then(pl.col("former_name").str.split("、").list.last()).otherwise("name")
    name = _of_kind(
        {"former": former, "nobody": OTHER_SURNAME + pl.col("name").str.slice(1), "no_name": pl.lit("")}, pl.col("name")
    )
    unreadable = UNREADABLE | {"no_name": "name_missing", "no_sex": "claim_missing"}
    answer = (
        pl.when(pl.col("kind").is_in(list(unreadable)))
        .then(pl.col("kind").replace(unreadable))
        .when(pl.col("kind").is_in(["born", "former"]))
        .then(pl.lit("under_review"))
        .otherwise(pl.lit("not_registered"))
    )
    return _claims(frame, [name.alias("name"), _day().alias("birth_date"), _sex().alias("sex")], answer)


def _claims(frame: pl.DataFrame, claimed: list[pl.Expr], answer: pl.Expr) -> Claims:
    row_ref = pl.concat_str(pl.lit("U"), "row_ref").alias("row_ref")
    expected = frame.select(
        row_ref, pl.lit("not_applicable").alias("identity"), pl.lit("").alias("note"), answer.alias("unregistered")
    )
    return Claims(frame.select(row_ref, *claimed), expected)


def _drawn(random: np.random.Generator, kinds: Mapping[str, float], rows: int) -> pl.Series:
    shares = np.array(list(kinds.values()))
    return pl.Series("kind", list(kinds)).gather(random.choice(len(shares), rows, p=shares / shares.sum()))


def _of_kind(texts: Mapping[str, pl.Expr], otherwise: pl.Expr) -> pl.Expr:
    for kind, text in texts.items():
        otherwise = pl.when(pl.col("kind") == kind).then(text).otherwise(otherwise)
    return otherwise


def _day() -> pl.Expr:
    texts = {"newborn": pl.lit(NEWBORN), "no_day": pl.lit(""), "bad_day": pl.lit("去年")}
    return _of_kind(texts, pl.col("birth_date").str.replace_all("-", "/"))


def _sex() -> pl.Expr:
    right = pl.col("sex").replace_strict({"1": "男", "2": "女"})
    other = pl.col("sex").replace_strict({"1": "女", "2": "男"})
    return _of_kind({"other_sex": other, "bad_sex": pl.lit("不详"), "no_sex": pl.lit("")}, right)


def _a_man(people: pl.DataFrame) -> str:
    return str(people.filter((pl.col("sex") == "1") & (pl.col("oddity") == ""))["id_number"][0])


def _children(people: pl.DataFrame) -> pl.DataFrame:
    """One child of each mother, with ``mother_oddity``."""
    mothers = people.filter(pl.col("sex") == "2").select(
        "id_number", "former_id_number", pl.col("oddity").alias("mother_oddity")
    )
    under = pl.concat(
        [
            mothers.select(
                pl.col("id_number").alias("mother_id_number"), pl.col("id_number").alias("_mother"), "mother_oddity"
            ),
            mothers.filter(pl.col("former_id_number") != "").select(
                pl.col("former_id_number").alias("mother_id_number"),
                pl.col("id_number").alias("_mother"),
                "mother_oddity",
            ),
        ]
    ).unique("mother_id_number", maintain_order=True)
    children = people.filter(pl.col("mother_id_number") != "").join(under, on="mother_id_number", maintain_order="left")
    born = pl.col("birth_date").str.to_date()
    apart = (born.max() - born.min()).dt.total_days() / (pl.len() - 1).clip(1) > 10
    children = children.filter(apart.over("_mother") | (pl.len().over("_mother") == 1))
    return children.unique("_mother", maintain_order=True)
