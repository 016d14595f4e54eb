"""``registered_address`` (户籍所在地住址): the division, and the street behind it where the claim names one.

Rules
- The division is judged first (``divisions.place_answer``): another place disagrees, whatever the street.
- A claim without street text agrees by its division alone, a broader one (the city, the province) too.
- Street text is compared as letters, numbers and characters only; where it is not the register's, a part of the claim
  agrees; where the register has none, an officer looks.
"""

from __future__ import annotations

import polars as pl

from exchange.matching.codes import nothing_claimed
from exchange.matching.distinct import map_distinct
from exchange.matching.divisions import PLACE, make_ready, place, place_answer
from exchange.matching.items.rule import ItemRule, registered
from exchange.matching.sources import Sources

_CODE, _STREET, _DIVISION = (f"registered_address.{name}" for name in ("code", "street", "division"))


def _look_up(frame: pl.DataFrame, _: Sources) -> pl.DataFrame:
    """Adds ``registered_address.code`` and ``.street`` of the claim, and ``.division``: the answer by that alone."""
    claimed = frame.select(map_distinct(pl.col("registered_address"), place, PLACE)).to_series().struct.unnest()
    address = frame.with_columns(claimed["code"].alias(_CODE), claimed["street"].alias(_STREET))
    return address.with_columns(place_answer(pl.col(_CODE), registered("registered_division")).alias(_DIVISION))


RULE = ItemRule(
    code="registered_address",
    reads=("registered_division", "registered_address"),
    looks_up=_look_up,
    makes_ready=make_ready,
    answer=(
        pl.when(nothing_claimed(pl.col("registered_address")))
        .then(pl.lit("claim_missing"))
        .when(pl.col(_CODE).is_null())
        .then(pl.lit("claim_format"))
        .when(registered("registered_division").is_null())
        .then(pl.lit("under_review"))
        .when(pl.col(_DIVISION) != "consistent")
        .then(_DIVISION)
        .when((pl.col(_STREET) == "") | pl.col(_STREET).eq_missing(registered("registered_address")))
        .then(pl.lit("consistent"))
        .when(registered("registered_address").fill_null("") == "")
        .then(pl.lit("under_review"))
        .otherwise(pl.lit("partly_consistent"))
    ),
)
