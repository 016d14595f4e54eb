"""``registered_address`` (户籍所在地住址): the division, and the street behind it where the claim names one.

Rules
- The division is judged first (``divisions.place_answer``): another place disagrees, whatever the street.
- A claim without street text agrees by its division alone, a broader one (the city, the province) too.
- Street text is compared as letters, numbers and characters only; where it is not the register's, a part of the claim
  agrees; where the register has none, an officer looks. So where the digits are the register's, parted otherwise into
  numbers (1-2号 and 12号).
- The register's own text may begin with the division, too, also as it was called before or in short (九台市 of what is
  九台区 today): that is left out on either side where it may mean the division that is registered, also where its bare
  name is that of several (朝阳区).
"""

from __future__ import annotations

import polars as pl

from exchange.matching.codes import nothing_claimed
from exchange.matching.distinct import map_distinct
from exchange.matching.divisions import PLACE, make_ready, place, place_answer, run_together, without_own_name
from exchange.matching.items.rule import ItemRule, registered
from exchange.matching.sources import Sources

_CODE, _STREET, _DIVISION, _HELD = (f"registered_address.{name}" for name in ("code", "street", "division", "held"))


def _look_up(frame: pl.DataFrame, _: Sources) -> pl.DataFrame:
    """Adds ``registered_address.code`` and ``.street`` of the claim, ``.division``: the answer by that alone, and
    ``.held``: the register's street, in the claim's words where it is the same.
    """
    claimed = frame.select(map_distinct(pl.col("registered_address"), place, PLACE)).to_series().struct.unnest()
    held = registered("registered_address").fill_null("").alias(_HELD)
    address = frame.with_columns(claimed["code"].alias(_CODE), claimed["street"].alias(_STREET), held)
    address = address.with_columns(place_answer(pl.col(_CODE), registered("registered_division")).alias(_DIVISION))
    unlike = pl.col(_DIVISION).eq("consistent") & pl.col(_STREET).ne("") & pl.col(_STREET).ne(pl.col(_HELD))
    rows = address.select(unlike.fill_null(value=False)).to_series().arg_true()
    return address.with_columns(address[_HELD].scatter(rows, _held(address[rows]))) if len(rows) else address


def _held(unlike: pl.DataFrame) -> pl.Series:
    """The register's street without the division's name; the claimed one where that is the same without it."""
    claimed, behind_claimed, behind_held = (
        unlike[_STREET],
        *(_behind_division(unlike, text) for text in (_STREET, _HELD)),
    )
    return behind_held.zip_with(behind_held != behind_claimed, claimed)


def _behind_division(rows: pl.DataFrame, column: str) -> pl.Series:
    """What stands behind the name in front of the text, where that may mean the registered division; else the text."""
    parted = place(pl.col(column)).struct
    answer = place_answer(parted.field("code"), registered("registered_division"))
    behind = rows.select(pl.when(answer != "inconsistent").then(parted.field("street"))).to_series()
    unnamed = behind.is_null().arg_true()
    divisions = rows.select(registered("registered_division")).to_series()
    bare = without_own_name(rows[column].gather(unnamed), divisions.gather(unnamed))
    return behind.scatter(unnamed, bare)


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
        .when((pl.col(_STREET) == "") | (pl.col(_STREET) == pl.col(_HELD)))
        .then(pl.lit("consistent"))
        .when((pl.col(_HELD) == "") | (run_together(pl.col(_STREET)) == run_together(pl.col(_HELD))))
        .then(pl.lit("under_review"))
        .otherwise(pl.lit("partly_consistent"))
    ),
)
