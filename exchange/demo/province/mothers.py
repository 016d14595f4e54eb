"""The mother's number in a child's record.

Rules: the mother of a head's children is the head or the spouse, whichever is the woman; the head's own mother is the
one who lives with the family. Where the mother's number was corrected, half of the records still bear the old one.
Whoever's mother does not live in the household, or would have been too young, has none on record.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from exchange.demo.province.households import CHILD, HEAD, MOTHER, SPOUSE
from exchange.demo.province.numbers import number_of

YOUNGEST_MOTHER: Final = 15
_FEMALE: Final = 2


def mother_numbers(frame: pl.DataFrame) -> pl.Series:
    """String[n], in the people's order: each one's mother's number, empty where none is on record. ``frame``: people
    with keys and oddities.
    """
    women = frame.filter(pl.col("sex") == _FEMALE).select(
        "household",
        pl.col("role").replace_strict({HEAD: CHILD, SPOUSE: CHILD, MOTHER: HEAD}, default=None).alias("role"),
        number_of(pl.col("key")).alias("now"),
        pl.col("former_id_number").alias("before"),
        pl.col("born").dt.offset_by(f"{YOUNGEST_MOTHER}y").alias("of_age"),
    )
    mothers = women.filter(pl.col("role").is_not_null())
    of_each = frame.join(mothers, on=["household", "role"], how="left", validate="m:1", maintain_order="left")
    old = (pl.col("before") != "") & (pl.col("key") % 2 == 0)
    number = pl.when(old).then("before").otherwise("now")
    return of_each.select(pl.when(pl.col("of_age") <= pl.col("born")).then(number).otherwise(pl.lit(""))).to_series()
