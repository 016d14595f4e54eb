"""``cancellation`` (注销户口情况): why and when, from the person's own record: its last state.

Rules: the parts of a claim count as in ``matching.events``; a person whose registration stands agrees with no claim of
a cancellation, also where it was cancelled once and restored.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from exchange.matching.cancellations import WORDS
from exchange.matching.items.event import ANSWER_OF_LEVEL, against_one, day_part, unreadable, word_part
from exchange.matching.items.rule import ItemRule, registered

_PARTS: Final = (
    word_part("cancellation_reason", WORDS, "register.cancelled_reason", required=True),
    day_part("cancellation_date", "register.cancelled_on"),
)

RULE = ItemRule(
    code="cancellation",
    reads=("cancelled", "cancelled_reason", "cancelled_on"),
    answer=pl.coalesce(
        unreadable(_PARTS),
        pl.when(registered("cancelled"))
        .then(against_one(_PARTS).replace_strict(dict(ANSWER_OF_LEVEL), return_dtype=pl.String))
        .otherwise(pl.lit("inconsistent")),
    ),
)
