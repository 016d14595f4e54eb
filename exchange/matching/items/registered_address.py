"""``registered_address`` (户籍所在地住址): compared by its county-level division; the rest of it is not judged."""

from __future__ import annotations

import polars as pl

from exchange.matching.divisions import division_code
from exchange.matching.items.rule import ItemRule, compared, registered

RULE = ItemRule(
    code="registered_address",
    reads=("registered_division",),
    answer=compared(
        pl.col("registered_address"),
        division_code(pl.col("registered_address")),
        registered("registered_division"),
    ),
)
