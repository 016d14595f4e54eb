"""The snapshot of household events: one row per migration, change of address or correction, sorted by the person's key.

Rules: an event of a person whose number cannot be read is left out and counted; the gate says how many are too many. An
event of an unknown kind may be any, and one under a number that is wrong in its check character alone may be this
person's: it is kept as *unclear*, and counted. An event without its day, or a correction without its item, is kept,
too: what is claimed of any of these is then for an officer.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl
import pyarrow as pa

from exchange.matching import id_numbers
from exchange.matching.codes import plain_word
from exchange.matching.distinct import map_distinct
from exchange.matching.divisions import address_text
from exchange.matching.items.event import EVENT_KINDS, UNCLEAR_EVENT
from exchange.matching.items.item_correction import WORDS
from exchange.snapshots.columns import Gathered, in_parts, order_of
from exchange.snapshots.source_texts import has_lost
from exchange.snapshots.wrong_checks import WRONG_CHECK

_COLUMNS: Final = (
    "key", "event", "happened_on", "from_division", "to_division", "from_address", "to_address", "item",
)  # fmt: skip


def build_tables(export: pl.LazyFrame, as_of: date) -> tuple[dict[str, pa.Table], dict[str, float]]:
    """The table ``records`` (``_COLUMNS``, sorted by them), and the counts that the gate judges. ``export``: the
    columns of ``schemas/exports.toml``, String; ``as_of``: the day by which numbers are read.
    """
    gathered = Gathered()
    rows = bad_numbers = bad_events = undated = 0
    for part in in_parts(export):
        frame = _with_wrong_checks(id_numbers.standardise(_typed(part), as_of))
        rows += frame.height
        bad_numbers += int(frame["bad_number"].sum())
        bad_events += int(frame["bad_event"].sum())
        undated += frame["happened_on"].null_count()
        gathered.add(frame.filter(pl.col("key").is_not_null()).select(_COLUMNS))
    table = gathered.table()
    counts = {
        "rows": rows,
        "bad_number_share": bad_numbers / max(rows, 1),
        "bad_event_share": bad_events / max(rows, 1),
        "undated_share": undated / max(rows, 1),
    }
    return {"records": table.take(order_of(table, _COLUMNS))}, counts


def _typed(part: pl.DataFrame) -> pl.DataFrame:
    return part.select(
        "id_number",
        pl.col("event").replace_strict(dict(EVENT_KINDS), default=None, return_dtype=pl.UInt8),
        pl.col("happened_on").str.to_date("%Y-%m-%d", strict=False),
        pl.col("from_division", "to_division").cast(pl.Int32, strict=False),
        map_distinct(pl.col("from_address"), _address, pl.String),
        map_distinct(pl.col("to_address"), _address, pl.String),
        map_distinct(pl.col("item"), _item, pl.String),
    )


def _with_wrong_checks(frame: pl.DataFrame) -> pl.DataFrame:
    """The ``key`` also of numbers that are wrong in their check character alone, what is unclear as such, and
    ``bad_number`` and ``bad_event`` (Boolean).
    """
    wrong_check = pl.col("id_fault").eq_missing(pl.lit(WRONG_CHECK))
    return frame.with_columns(
        pl.when(wrong_check).then(id_numbers.by_form(frame["id_number"])).otherwise("key").alias("key"),
        pl.when(~wrong_check).then("event").fill_null(UNCLEAR_EVENT).alias("event"),
        pl.col("key").is_null().alias("bad_number"),
        pl.col("event").is_null().alias("bad_event"),
    )


def _item(text: pl.Expr) -> pl.Expr:
    """The item's code, or what else is written there; null where nothing is, or a character was lost, for then it may
    be any item.
    """
    word = plain_word(text).str.to_lowercase()
    return pl.when((word != "") & ~has_lost(word)).then(word.replace(WORDS))


def _address(text: pl.Expr) -> pl.Expr:
    return pl.when(~has_lost(text)).then(address_text(text)).otherwise(pl.lit(""))
