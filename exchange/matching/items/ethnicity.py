"""``ethnicity`` (民族): GB/T 3304, by number, name or short name (汉, 汉族, 01)."""

from __future__ import annotations

import polars as pl

from exchange.matching.codes import ethnicity_code
from exchange.matching.items.rule import ItemRule, compared, find_empty, registered

RULE = ItemRule(
    code="ethnicity",
    reads=("ethnicity",),
    claimed=ethnicity_code(pl.col("ethnicity")),
    looks_up=find_empty("ethnicity"),
    answer=compared("ethnicity", registered("ethnicity")),
)
