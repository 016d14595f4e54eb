"""What partners ask about the province's people: claims with the dirt that people produce, and the right answer to
each.

The right answers come from what was planted here, not from the matching; tests hold the one against the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from exchange.demo.province.people import number_of

DIRT: Final = {
    "full_width_number": 0.02,
    "spaced_number": 0.02,
    "spaced_name": 0.02,
    "fifteen_digits": 0.01,
    "wrong_check": 0.01,
    "scientific": 0.005,
    "wrong_name": 0.02,
    "unknown_number": 0.02,
    "long_name": 0.002,
    "no_name": 0.005,
    "formula_reference": 0.002,
    "wrong_sex": 0.01,
    "unreadable_date": 0.01,
    "no_ethnicity": 0.01,
    "wrong_address": 0.01,
}
_DOUBTS: Final = ("doubtful", "shared", "doubled")
_UNREADABLE: Final = {
    "wrong_check": "id_number_check",
    "scientific": "id_number_scientific",
    "long_name": "name_format",
    "no_name": "name_missing",
}
_IDENTITY_ITEMS: Final = ("id_number", "name")
_WIDE: Final = {str(digit): chr(0xFF10 + digit) for digit in range(10)}


@dataclass(frozen=True)
class Claims:
    """``rows``: a request's columns, all String. ``expected``: ``identity``, ``note`` and a column per item, row
    by row.
    """

    rows: pl.DataFrame
    expected: pl.DataFrame


def make_claims(
    people: pl.DataFrame,
    offenders: pl.Series,
    items: Sequence[str],
    rows: int,
    seed: int,
    *,
    approved: bool = False,
    dirt: bool = True,
) -> Claims:
    """Claims about ``rows`` people drawn from the population export ``people``. ``offenders``: id numbers with a
    record that is not sealed. ``approved``: whether a *no record* answer may leave at once.
    """
    random = np.random.default_rng([seed, rows])
    frame = people[random.integers(0, people.height, rows).tolist()]
    shares = [1 - sum(DIRT.values()), *DIRT.values()]
    kinds = random.choice(np.array(["", *DIRT]), rows, p=shares) if dirt else np.full(rows, "")
    frame = frame.with_columns(
        dirt=_possible(pl.Series(kinds)), offender=pl.col("id_number").is_in(offenders.implode())
    )
    frame = frame.with_columns(
        use_former=(pl.col("oddity") == "superseded") & (pl.col("dirt") == "") & pl.Series(random.random(rows) < 0.5)
    )
    return Claims(_claimed(frame, items), _expected(frame, items, approved=approved))


def _possible(kind: pl.Series) -> pl.Expr:
    """Only people of the last century have a 15-digit form."""
    old = pl.col("birth_date").str.starts_with("19")
    return pl.when((kind == "fifteen_digits") & ~old).then(pl.lit("")).otherwise(kind)


def _is(kind: str) -> pl.Expr:
    return pl.col("dirt") == kind


def _claimed(frame: pl.DataFrame, items: Sequence[str]) -> pl.DataFrame:
    number, name = pl.col("id_number"), pl.col("name")
    key = number.str.slice(0, 17).cast(pl.Int64)
    last = number.str.slice(17, 1)
    claims = {
        "id_number": pl.when(pl.col("use_former"))
        .then(pl.col("former_id_number"))
        .when(_is("full_width_number"))
        .then(number.str.replace_many(_WIDE))
        .when(_is("spaced_number"))
        .then(
            pl.concat_str("'" + number.str.slice(0, 6), number.str.slice(6, 8), number.str.slice(14, 4), separator=" ")
        )
        .when(_is("fifteen_digits"))
        .then(number.str.slice(0, 6) + number.str.slice(8, 9))
        .when(_is("wrong_check"))
        .then(number.str.slice(0, 17) + pl.when(last == "1").then(pl.lit("2")).otherwise(pl.lit("1")))
        .when(_is("scientific"))
        .then(number.str.slice(0, 1) + "." + number.str.slice(1, 5) + "E+17")
        .when(_is("unknown_number"))
        .then(number_of(key // 1000 * 1000 + 994))
        .otherwise(number),
        "name": pl.when(_is("spaced_name"))
        .then(name.str.slice(0, 1) + "　" + name.str.slice(1))
        .when(_is("wrong_name"))
        .then("冼" + name.str.slice(1))
        .when(_is("long_name"))
        .then(pl.lit("阿" * 200))
        .when(_is("no_name"))
        .then(pl.lit(""))
        .otherwise(name),
        "sex": pl.when(_is("wrong_sex") == (pl.col("sex") == "1")).then(pl.lit("女")).otherwise(pl.lit("男")),
        "birth_date": pl.when(_is("unreadable_date"))
        .then(pl.lit("90-1-5"))
        .otherwise(pl.col("birth_date").str.replace_all("-", "/")),
        "ethnicity": pl.when(_is("no_ethnicity")).then(pl.lit("")).otherwise(pl.col("ethnicity")),
        "registered_address": pl.when(_is("wrong_address"))
        .then(pl.lit("110105"))
        .otherwise(pl.col("registered_division") + ""),
    }
    wanted = ["id_number", "name", *[item for item in items if item in claims and item not in _IDENTITY_ITEMS]]
    reference = pl.concat_str(
        pl.when(_is("formula_reference")).then(pl.lit("=")).otherwise(pl.lit("R")), pl.int_range(1, pl.len() + 1)
    )
    return frame.select(reference.alias("row_ref"), *[claims[column].alias(column) for column in wanted])


def _expected(frame: pl.DataFrame, items: Sequence[str], *, approved: bool) -> pl.DataFrame:
    unreadable = pl.col("dirt").replace_strict(_UNREADABLE, default=None, return_dtype=pl.String)
    identity = (
        pl.when(unreadable.is_not_null())
        .then(unreadable)
        .when(_is("unknown_number"))
        .then(pl.lit("no_such_number"))
        .when(_is("wrong_name"))
        .then(pl.lit("name_disagrees"))
        .when(pl.col("oddity").is_in(_DOUBTS))
        .then(pl.lit("under_review"))
        .otherwise(pl.lit("consistent"))
    )
    note = (
        pl.when(pl.col("use_former"))
        .then(pl.lit("id_superseded"))
        .when(pl.col("dirt").is_in(["full_width_number", "spaced_number"]))
        .then(pl.lit("id_repaired"))
        .when(_is("fifteen_digits"))
        .then(pl.lit("id_from_15"))
        .otherwise(pl.lit(""))
    )
    frame = frame.with_columns(identity=identity, note=note)
    return frame.select("identity", "note", *[_expected_answer(item, approved=approved).alias(item) for item in items])


def _expected_answer(item: str, *, approved: bool) -> pl.Expr:
    identity = pl.col("identity")
    if item in _IDENTITY_ITEMS:
        told = ["consistent", "under_review", "name_disagrees", *(["no_such_number"] if item == "id_number" else [])]
        return pl.when(identity.is_in(told)).then(identity).otherwise(pl.lit("not_answered"))
    fault = {
        "sex": ("wrong_sex", "inconsistent"),
        "birth_date": ("unreadable_date", "claim_format"),
        "ethnicity": ("no_ethnicity", "claim_missing"),
        "registered_address": ("wrong_address", "inconsistent"),
    }
    if item in fault:
        kind, code = fault[item]
        own = pl.when(_is(kind)).then(pl.lit(code)).otherwise(pl.lit("consistent"))
    else:
        clean = pl.lit("no_record" if approved else "awaiting_approval")
        own = pl.when("offender").then(pl.lit("under_review")).otherwise(clean)
    return (
        pl.when(identity == "consistent")
        .then(own)
        .when(identity == "under_review")
        .then(identity)
        .otherwise(pl.lit("not_answered"))
    )
