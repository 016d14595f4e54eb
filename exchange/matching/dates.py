"""Dates as people write them: year, month, day in that order, and a spreadsheet's serial number.

Rules: ``1990-1-5``, ``1990/01/05``, ``1990.1.5``, ``19900105``, ``1990年1月5日`` (or 号), with any dash, each also
followed by a midnight that a spreadsheet added. A serial number (days since 1899-12-30) is taken where it lies in a
person's lifetime: five digits cannot be any other date. Two-digit years and day-first forms are ambiguous and give
null.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from exchange.matching.codes import normalise_text, without_blanks
from exchange.matching.distinct import map_distinct, with_fast_path

_MIDNIGHT: Final = r"[ T]0{1,2}:00(:00(\.0+)?)?$"
_PARTED: Final = r"([0-9]{4})[/.年\p{Pd}\u2212]([0-9]{1,2})[/.月\p{Pd}\u2212]([0-9]{1,2})[日号]?"
_COMPACT: Final = r"([0-9]{4})([0-9]{2})([0-9]{2})"
_PLAIN: Final = r"^([0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}[日号]?|[0-9]{8})$"
_MARKS: Final = {"/": "-", ".": "-", "年": "-", "月": "-", "日": "", "号": ""}
_DAY: Final = rf"^(?:{_PARTED}|{_COMPACT})$"
_YEAR: Final = r"^((?:19|20)[0-9]{2})年?$"
_MONTH: Final = r"^([0-9]{4})[-/.年]([0-9]{1,2})月?$"
_SPAN: Final = r"^(.{8,})(?:/|至|到|~|[\p{Pd}\u2212]+)(.{8,})$"
_SERIAL: Final = r"^[0-9]{4,5}$"
_SERIAL_ZERO: Final = -25_569  # 1899-12-30, in days since 1970-01-01
_SERIALS: Final = (3_654, 73_050)  # 1910-01-01 .. 2099-12-31


def claimed_period(text: pl.Expr) -> pl.Expr:
    """Struct of ``first`` and ``last`` day of a day, a month (``2020-05``, ``2020年5月``), a year (``2020``,
    ``2020年``) or a span of days (``2020-05-01/2020-06-30``, also with 至, 到, ~ or a dash); nulls where the text is
    none of these, or ends before it begins. A bare number of four digits is a year.
    """
    even = normalise_text(text)
    year = (even.str.extract(_YEAR, 1) + "-01-01").str.to_date("%Y-%m-%d", strict=False)
    month = pl.concat_str([even.str.extract(_MONTH, 1), even.str.extract(_MONTH, 2).str.zfill(2)], separator="-")
    month = (month + "-01").str.to_date("%Y-%m-%d", strict=False)
    day = claimed_date(text)
    begin, end = (claimed_date(even.str.extract(_SPAN, group)) for group in (1, 2))
    first = pl.coalesce(year, month, pl.when(even.str.contains(_SPAN)).then(begin).otherwise(day))
    last = pl.coalesce(
        year.dt.offset_by("1y").dt.offset_by("-1d"),
        month.dt.month_end(),
        pl.when(even.str.contains(_SPAN)).then(end).otherwise(day),
    )
    sound = first <= last
    return pl.struct(pl.when(sound).then(first).alias("first"), pl.when(sound).then(last).alias("last"))


def claimed_date(text: pl.Expr) -> pl.Expr:
    """Date, null where the text is no date or leaves open which."""
    return map_distinct(text, lambda each: with_fast_path(each, _PLAIN, _as_it_stands, _evened_out, pl.Date), pl.Date)


def _as_it_stands(text: pl.Expr) -> pl.Expr:
    parted = text.str.replace_many(_MARKS).str.to_date("%Y-%m-%d", strict=False)
    return pl.coalesce(parted, text.str.to_date("%Y%m%d", strict=False))


def _evened_out(text: pl.Expr) -> pl.Expr:
    return text.map_batches(_days, return_dtype=pl.Date)


def _days(texts: pl.Series) -> pl.Series:
    """Step by step, so that no step is done twice."""
    even = without_blanks(pl.col("text").str.normalize("NFKC").str.strip_chars().str.replace(_MIDNIGHT, ""))
    groups = pl.col("groups").struct
    parts = [pl.coalesce(groups.field(f"{n}"), groups.field(f"{n + 3}")).str.zfill(2) for n in (1, 2, 3)]
    serial = pl.col("serial")
    in_life = pl.when(serial.is_between(*_SERIALS)).then(serial)
    return (
        pl.LazyFrame({"text": texts})
        .select(even.alias("even"))
        .select("even", pl.col("even").str.extract_groups(_DAY).alias("groups"))
        .select(
            pl.concat_str(parts, separator="-").alias("written"),
            pl.when(pl.col("even").str.contains(_SERIAL)).then("even").cast(pl.Int32, strict=False).alias("serial"),
        )
        .select(
            pl.coalesce(
                pl.col("written").str.to_date("%Y-%m-%d", strict=False), (in_life + _SERIAL_ZERO).cast(pl.Date)
            ).alias(texts.name)
        )
        .collect(engine="in-memory")
        .to_series()
    )
