"""Items that name a division and are compared as places: birthplace and native place.

When they were registered is not exported. It was not before the birth, so a code of several meanings, on either side,
means none that had ended before (``division_meanings.told_apart``). A name means what bore it. Where a claim goes on
behind a province or a city that agrees, an officer reads the rest (``divisions.goes_on``).
"""

from __future__ import annotations

import polars as pl

from exchange.matching.codes import nothing_claimed
from exchange.matching.division_meanings import told_apart
from exchange.matching.divisions import division_code, goes_on, is_code, make_ready, place_answer
from exchange.matching.items.rule import ItemRule, meant, registered
from exchange.matching.sources import Sources


def place_rule(code: str) -> ItemRule:
    """The rule of an item whose claim and register column both bear its code."""
    claimed, register, named = pl.col(code), registered(code), meant(code)
    born = registered("birth_date").dt.year()
    asked = pl.when(is_code(claimed)).then(told_apart(named, since=born)).otherwise(named)
    compared = place_answer(asked, told_apart(register, since=born))

    def look_up(frame: pl.DataFrame, _: Sources) -> pl.DataFrame:
        """Adds ``<item>.place``: how the two places stand to each other, and ``<item>.goes_on``."""
        return frame.with_columns(compared.alias(f"{code}.place"), goes_on(claimed, named).alias(f"{code}.goes_on"))

    return ItemRule(
        code=code,
        reads=(code, "birth_date"),
        claimed=division_code(claimed),
        looks_up=look_up,
        makes_ready=make_ready,
        answer=(
            pl.when(nothing_claimed(claimed))
            .then(pl.lit("claim_missing"))
            .when(named.is_null())
            .then(pl.lit("claim_format"))
            .when(register.is_null() | ((pl.col(f"{code}.place") == "consistent") & pl.col(f"{code}.goes_on")))
            .then(pl.lit("under_review"))
            .otherwise(f"{code}.place")
        ),
    )
