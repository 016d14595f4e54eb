"""``birth_date`` (出生日期): the day as the register has it, which need not be the one inside the identity number."""

from __future__ import annotations

import polars as pl

from exchange.matching.dates import claimed_date
from exchange.matching.items.rule import ItemRule, compared, find_empty, registered

RULE = ItemRule(
    code="birth_date",
    reads=("birth_date",),
    claimed=claimed_date(pl.col("birth_date")),
    looks_up=find_empty("birth_date"),
    answer=compared("birth_date", registered("birth_date")),
)
