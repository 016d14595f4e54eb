"""``sex`` (性别): GB/T 2261.1, by number or word."""

from __future__ import annotations

import polars as pl

from exchange.matching.codes import sex_code
from exchange.matching.items.rule import ItemRule, compared, registered

RULE = ItemRule(
    code="sex",
    reads=("sex",),
    answer=compared(pl.col("sex"), sex_code(pl.col("sex")), registered("sex")),
)
