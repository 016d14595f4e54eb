"""``sex`` (性别): GB/T 2261.1, by number or word. A register that holds *unknown* or *not stated* does not say, so an
officer looks where male or female is claimed.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from exchange.matching.codes import sex_code
from exchange.matching.items.rule import ItemRule, compared, find_empty, meant, registered

_STATED: Final = (1, 2)

_SILENT = meant("sex").is_in(_STATED) & ~registered("sex").is_in(_STATED)

RULE = ItemRule(
    code="sex",
    reads=("sex",),
    claimed=sex_code(pl.col("sex")),
    looks_up=find_empty("sex"),
    answer=compared("sex", pl.when(~_SILENT).then(registered("sex"))),
)
