"""An offence source's snapshot: one row per record, sorted by the person's key.

Rule: **sealed juvenile records are removed here, at the very first step**, so that nothing downstream can know of them:
under eighteen at the time of the offence and sentenced to five years or less (Criminal Procedure Law art. 286; national
rules on criminal-record queries 2021, art. 10). A person is eighteen from the day after the eighteenth birthday
(Supreme People's Court, 法释〔2006〕1号, art. 2), so the birthday itself still counts as under eighteen. Whether a
record counts at all is decided by the items' rules; every other record is kept.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl
import pyarrow as pa

from exchange.matching import id_numbers

KINDS: Final = {"judgment": 1, "administrative_penalty": 2, "drug": 3, "pending": 4, "non_prosecution": 5}
SEALED_BELOW_AGE: Final = 18
SEALED_UP_TO_MONTHS: Final = 60


def build_tables(export: pl.LazyFrame, as_of: date) -> tuple[dict[str, pa.Table], dict[str, float]]:
    """``records``, and the counts that the gate judges; ``rows`` counts what is kept."""
    frame = id_numbers.standardise(_typed(export), as_of).with_columns(
        id_numbers.birth_date(pl.col("key")).alias("born")
    )
    frame = frame.filter(~is_sealed())
    rows = frame.height
    counts = {
        "rows": rows,
        "bad_number_share": int(frame["key"].is_null().sum()) / max(rows, 1),
        "bad_kind_share": int(frame["kind"].is_null().sum()) / max(rows, 1),
        "bad_date_share": int(frame["offence_date"].is_null().sum()) / max(rows, 1),
    }
    kept = frame.filter(pl.col("key").is_not_null()).sort("key", "offence_date", "kind")
    columns = ["key", "kind", "offence_date", "effective_on", "sentence_months"]
    return {"records": kept.select(columns).to_arrow(compat_level=pl.CompatLevel.oldest())}, counts


def _typed(export: pl.LazyFrame) -> pl.DataFrame:
    return export.select(
        "id_number",
        pl.col("kind").replace_strict(KINDS, default=None, return_dtype=pl.UInt8),
        pl.col("offence_date").str.to_date("%Y-%m-%d", strict=False),
        pl.col("effective_on").str.to_date("%Y-%m-%d", strict=False),
        pl.col("sentence_months").cast(pl.Int32, strict=False),
    ).collect()


def is_sealed() -> pl.Expr:
    """Whether a judgment is sealed, over ``kind``, ``born``, ``offence_date`` and ``sentence_months`` (empty: no
    imprisonment).
    """
    eighteenth = pl.col("born").dt.offset_by(f"{SEALED_BELOW_AGE}y")
    young = pl.col("offence_date") <= eighteenth
    light = pl.col("sentence_months").fill_null(0) <= SEALED_UP_TO_MONTHS
    return ((pl.col("kind") == KINDS["judgment"]) & young & light).fill_null(value=False)
