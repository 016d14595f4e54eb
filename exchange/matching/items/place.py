"""Items that name a division and are compared as places: birthplace and native place."""

from __future__ import annotations

import polars as pl

from exchange.matching.divisions import division_code, place_answer
from exchange.matching.items.rule import ItemRule, meant, registered


def place_rule(code: str) -> ItemRule:
    """The rule of an item whose claim and register column both bear its code."""
    claimed, register, named = pl.col(code), registered(code), meant(code)
    return ItemRule(
        code=code,
        reads=(code,),
        claimed=division_code(claimed),
        answer=(
            pl.when(claimed.str.strip_chars() == "")
            .then(pl.lit("claim_missing"))
            .when(named.is_null())
            .then(pl.lit("claim_format"))
            .when(register.is_null())
            .then(pl.lit("under_review"))
            .otherwise(place_answer(named, register))
        ),
    )
