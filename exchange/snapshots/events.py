"""The snapshot of household events: one row per migration, change of address or correction, sorted by the person's key.

Rules: an event of an unknown kind, or of a person whose number cannot be read, is left out and counted; the gate says
how many are too many. An event without its day is kept: what is claimed of its day is then for an officer.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl
import pyarrow as pa

from exchange.matching import id_numbers
from exchange.matching.items.event import KINDS, plain_address

_COLUMNS: Final = (
    "key", "event", "happened_on", "from_division", "to_division", "from_address", "to_address", "item",
)  # fmt: skip


def build_tables(export: pl.LazyFrame, as_of: date) -> tuple[dict[str, pa.Table], dict[str, float]]:
    """``records``, and the counts that the gate judges."""
    frame = id_numbers.standardise(_typed(export), as_of)
    rows = frame.height
    counts = {
        "rows": rows,
        "bad_number_share": int(frame["key"].is_null().sum()) / max(rows, 1),
        "bad_event_share": int(frame["event"].is_null().sum()) / max(rows, 1),
        "undated_share": int(frame["happened_on"].is_null().sum()) / max(rows, 1),
    }
    kept = frame.filter(pl.col("key").is_not_null() & pl.col("event").is_not_null()).select(_COLUMNS).sort(_COLUMNS)
    return {"records": kept.to_arrow(compat_level=pl.CompatLevel.oldest())}, counts


def _typed(export: pl.LazyFrame) -> pl.DataFrame:
    return export.select(
        "id_number",
        pl.col("event").replace_strict(dict(KINDS), default=None, return_dtype=pl.UInt8),
        pl.col("happened_on").str.to_date("%Y-%m-%d", strict=False),
        pl.col("from_division", "to_division").cast(pl.Int32, strict=False),
        plain_address(pl.col("from_address")),
        plain_address(pl.col("to_address")),
        "item",
    ).collect()
