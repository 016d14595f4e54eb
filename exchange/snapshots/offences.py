"""An offence source's snapshot: one row per record that somebody may be told of, sorted by the person's key.

Rules
- **Sealed juvenile records are removed here, at the very first step**, before anything is counted, so that nothing
  downstream can know of them: under eighteen at the time of the offence, and sentenced to five years or less or not
  sentenced to imprisonment at all. Whether a judgment is effective makes no difference.
- A person is eighteen from the day after the eighteenth birthday; who was born on 29 February, from 1 March. Five years
  are sixty months and are included. Whom a record names, and which birth date counts: ``birth_dates.py``.
- Each record is judged by itself: a record of an offence at twenty leaves the sealed one of sixteen sealed. One
  judgment over offences before and after the birthday has one offence date, that of its main offence, and the sentence
  that was decided in all.
- An offence without its day happened on the day of the decision at the latest. A sentence that cannot be read is not
  taken for a light one: the record stays, and an officer sees it.
- What is no record for anybody (``schemas/offences.toml``: never) is not kept, nor a judgment that is not effective on
  the day of the snapshot: while an appeal is open it has no effective day.
- A record whose kind or effective day cannot be read is kept as *unclear*, with what was written, for an officer.
- A record whose number cannot be read is left out and counted; the gate says how many are too many.

Sources
- Criminal Procedure Law art. 286; national rules on criminal-record queries of 2021, articles 2 and 10.
- Measures for sealing juveniles' criminal records of 2022 (关于未成年人犯罪记录封存的实施办法): exemption from
  punishment, one judgment over offences before and after eighteen, coercive measures and non-prosecution.
- Law on Preventing Juvenile Delinquency (2020) art. 59: penalties and coercive measures likewise. Drug use is a matter
  of penalties (Public Security Administration Punishments Law 2025, art. 136).
- Supreme People's Court, 法释〔2006〕1号, art. 2: eighteen from the day after; Civil Code art. 202: 29 February;
  Criminal Law art. 99: *or less* includes the number.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl
import pyarrow as pa

from exchange.base.tables import OFFENCE_KINDS
from exchange.matching import id_numbers
from exchange.matching.identity import Population
from exchange.matching.sources import UNCLEAR
from exchange.snapshots.birth_dates import named_births
from exchange.snapshots.columns import laid_out

JUDGMENT: Final = "judgment"
NEVER: Final = tuple(kind.code for kind in OFFENCE_KINDS.values() if kind.counts == "never")
SEALED_BELOW_AGE: Final = 18
SEALED_UP_TO_MONTHS: Final = 60
FREE: Final = 10

_COLUMNS: Final = (
    "key", "name", "kind", "offence_date", "decided_on", "effective_on", "sentence_months", "as_written",
)  # fmt: skip
_DATES: Final = ("offence_date", "decided_on", "effective_on")


def build_tables(
    export: pl.LazyFrame, as_of: date, population: Population | None = None
) -> tuple[dict[str, pa.Table], dict[str, float]]:
    """``records``, and the counts that the gate judges. Sealed records are in neither. ``population``: whose birth
    dates count beside those inside the numbers.
    """
    frame = id_numbers.standardise(_typed(export), as_of)
    frame = frame.with_columns(named_births(frame, population).alias("born"))
    frame = frame.filter(~is_sealed(as_of))
    rows = frame.height
    frame = frame.with_columns(_kind().alias("kind"))
    counts = {
        "rows": rows,
        "bad_number_share": _share(frame["key"].is_null()),
        "unclear_share": _share(frame["kind"] == UNCLEAR),
        "bad_date_share": _share(frame["offence_date"].is_null()),
        "bad_sentence_share": _share(frame["sentence_unread"]),
    }
    kept = frame.filter(pl.col("key").is_not_null() & _is_record(as_of)).with_columns(_as_written()).select(_COLUMNS)
    return {"records": laid_out(kept.sort(_COLUMNS))}, counts


def _share(bad: pl.Series) -> float:
    """The share of these records, of which the first few are free: they must not hold up a small source."""
    return max(int(bad.sum()) - FREE, 0) / max(len(bad), 1)


def _typed(export: pl.LazyFrame) -> pl.DataFrame:
    """The export with dates and months read; the texts of kind and effective day stay beside them."""
    texts = [pl.col(name).str.strip_chars().fill_null("") for name in ("kind", "sentence_months", *_DATES)]
    months = pl.col("sentence_months").cast(pl.Int32, strict=False)
    readable = months.is_not_null() & (months >= 0)
    return (
        export.select("id_number", "name", *texts)
        .with_columns(
            pl.col("kind").alias("kind_text"),
            pl.col("effective_on").alias("effective_text"),
            *[pl.col(name).str.to_date("%Y-%m-%d", strict=False) for name in _DATES],
            pl.when(readable).then(months).alias("sentence_months"),
            ((pl.col("sentence_months") != "") & ~readable).alias("sentence_unread"),
        )
        .collect()
    )


def is_sealed(as_of: date) -> pl.Expr:
    """Whether a record is sealed, over ``kind``, ``born``, the dates, ``sentence_months`` (empty: no imprisonment) and
    ``sentence_unread``.
    """
    known_by = pl.min_horizontal("decided_on", "effective_on", pl.lit(as_of))
    happened = pl.coalesce("offence_date", known_by)
    young = happened <= pl.col("born").dt.offset_by(f"{SEALED_BELOW_AGE}y")
    may_have_sentence = (pl.col("kind") == JUDGMENT) | ~_kind_read()
    light = ~pl.col("sentence_unread") & (pl.col("sentence_months").fill_null(0) <= SEALED_UP_TO_MONTHS)
    return (young & (light | ~may_have_sentence)).fill_null(value=False)


def _kind_read() -> pl.Expr:
    return pl.col("kind").is_in(list(OFFENCE_KINDS))


def _kind() -> pl.Expr:
    """The kind, *unclear* where the kind or a judgment's effective day cannot be read."""
    day_unread = (pl.col("effective_text") != "") & pl.col("effective_on").is_null()
    clear = _kind_read() & ~((pl.col("kind") == JUDGMENT) & day_unread)
    return pl.when(clear).then("kind").otherwise(pl.lit(UNCLEAR))


def _is_record(as_of: date) -> pl.Expr:
    """Whether somebody may be told of it on the day of the snapshot."""
    effective = (pl.col("effective_on") <= as_of).fill_null(value=False)
    return ~pl.col("kind").is_in(NEVER) & ((pl.col("kind") != JUDGMENT) | effective)


def _as_written() -> pl.Expr:
    """Of an unclear record, what stands in the source."""
    return (
        pl.when(pl.col("kind") == UNCLEAR).then(pl.format("{} {}", "kind_text", "effective_text")).alias("as_written")
    )
