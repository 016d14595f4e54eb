"""The right answer to each claim, computed from what was planted in the person and in the claim, without the matching.

Rules: a number or name that cannot be read is the whole row's answer; then an unknown number; then a wrong name; then
doubt about the person or a variant of the name, which makes every item *under review*. Items are answered only for a
person who is established.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from exchange.demo.province import event_claims
from exchange.demo.province.oddities import DOUBTS
from exchange.demo.province.relatives import kinship_answer

UNREADABLE: Final = {
    "missing_number": "id_number_missing",
    "scientific": "id_number_scientific",
    "short_number": "id_number_format",
    "bad_date": "id_number_date",
    "wrong_check": "id_number_check",
    "no_name": "name_missing",
    "long_name": "name_format",
    "digits_in_name": "name_format",
}
_OF_OUTCOME: Final = {
    "right": "consistent",
    "wrong": "inconsistent",
    "missing": "claim_missing",
    "unreadable": "claim_format",
}
_OF_IDENTITY: Final = {
    "id_number": ["consistent", "under_review", "name_disagrees", "no_such_number"],
    "name": ["consistent", "under_review", "name_disagrees"],
}


def right_answers(frame: pl.DataFrame, items: Sequence[str], *, approved: bool) -> pl.DataFrame:
    """``row_ref``, ``identity``, ``note`` and a column per item for the drawn claims of ``claims.py``."""
    frame = frame.with_columns(_identity().alias("identity"))
    answers = [_answer(item, approved=approved).alias(item) for item in items]
    return frame.select("row_ref", "identity", _note().alias("note"), *answers)


def _identity() -> pl.Expr:
    fault = pl.col("fault")
    return (
        pl.when(fault.is_in(list(UNREADABLE)))
        .then(fault.replace(UNREADABLE))
        .when(fault == "unknown_number")
        .then(pl.lit("no_such_number"))
        .when(fault == "wrong_name")
        .then(pl.lit("name_disagrees"))
        .when(pl.col("oddity").is_in(list(DOUBTS)) | (pl.col("name_as") == "traditional"))
        .then(pl.lit("under_review"))
        .otherwise(pl.lit("consistent"))
    )


def _note() -> pl.Expr:
    """The codes of what was done to the number, in the order of ``schemas/answers.toml``."""
    variant = (pl.col("identity") == "under_review") & ~pl.col("oddity").is_in(list(DOUBTS))
    notes = {
        "id_repaired": pl.col("writing") != "",
        "id_from_15": pl.col("fifteen"),
        "id_superseded": pl.col("former") & ~variant,
        "name_variant": variant,
    }
    codes = [pl.when(condition).then(pl.lit(code)) for code, condition in notes.items()]
    return pl.concat_str(codes, separator=";", ignore_nulls=True)


def _answer(item: str, *, approved: bool) -> pl.Expr:
    identity = pl.col("identity")
    if item in _OF_IDENTITY:
        return pl.when(identity.is_in(_OF_IDENTITY[item])).then(identity).otherwise(pl.lit("not_answered"))
    if item == "criminal_record":
        clean = pl.lit("no_record" if approved else "awaiting_approval")
        own = pl.when("offender").then(pl.lit("under_review")).otherwise(clean)
    elif item in event_claims.ITEMS:
        own = event_claims.answer(item)
    elif item == "kinship":
        own = kinship_answer()
    elif item == "native_place":
        unread = pl.col(f"{item}.is").is_in(["missing", "unreadable"])
        not_on_record = (pl.col(item) == "") & ~unread
        own = (
            pl.when(not_on_record)
            .then(pl.lit("under_review"))
            .otherwise(pl.col(f"{item}.is").replace_strict(_OF_OUTCOME))
        )
    else:
        own = pl.col(f"{item}.is").replace_strict(_OF_OUTCOME)
    return (
        pl.when(identity == "consistent")
        .then(own)
        .when(identity == "under_review")
        .then(identity)
        .otherwise(pl.lit("not_answered"))
    )
