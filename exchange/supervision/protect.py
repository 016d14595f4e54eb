"""Statistics that leave the office: small counts of people are not shown, and no sum gives them away.

Rules
- A count of people from 1 to ``LEAST_SHOWN`` - 1 is not shown; any other is rounded to ``BASE``; nought stays.
- This is done to the finest cells, before anything is added up: every sum in the report is the sum of what is shown,
  so that with other small counts behind it the report would read the same. To that property the tests hold it.
- Batches, results and sets are files, not people, and are counted as they are; batch ids stay in the office.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from exchange.supervision.aggregates import Aggregates

# The office's choice, after common practice in official statistics, where cells under 10 are withheld; and rounding to
# the same number, so that somebody who knows one true count learns little of the others.
LEAST_SHOWN: Final = 10
BASE: Final = 10

_PEOPLE: Final = {
    "answers": ("people",),
    "reviews": ("decided", "open"),
    "approvals": ("people",),
    "objections": ("answered", "upheld"),
    "doubtful": ("people",),
}


def shown(n: pl.Expr) -> pl.Expr:
    """The count as it may leave; null where it may not."""
    rounded = (n + BASE // 2) // BASE * BASE
    return pl.when(n == 0).then(0).when(n >= LEAST_SHOWN).then(rounded).cast(pl.Int64)


def protected(aggregates: Aggregates) -> Aggregates:
    """The aggregates with counts of people as they may leave the office."""
    changed = {
        name: getattr(aggregates, name).with_columns(shown(pl.col(column)).alias(column) for column in columns)
        for name, columns in _PEOPLE.items()
    }
    nameless = aggregates.batches.with_columns(pl.lit("").alias("batch"))
    return aggregates.with_frames(**changed, batches=nameless)
