"""What a source has written, above all in a record of offence, read where it can mean one thing only.

Rules
- No spelling sets a seal or lifts one: a day, a sentence or a mark that is written otherwise than the contract says
  (``schemas/exports.toml``) is read where it is certain; else it is *unread*, which the gate counts, and no light
  sentence, no mark and no juvenile's day is made of it.
- A day: the forms of ``matching/dates.py``, with any time of day behind it but no time zone, of 1900 or later and not
  after the last day that it can be. A bare number of four or five digits is no day here.
- A sentence in months: a whole number (``60``, ``60.0``, full-width), or years and months (``5年``, ``60个月``,
  ``5年6个月``).
- A mark: yes or no in the words of ``_MARKED`` and ``_UNMARKED``; empty is no.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from exchange.matching.codes import without_invisible
from exchange.matching.dates import claimed_date

_TIME: Final = r"[ t]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?$"
_SHORTEST_DAY: Final = 8  # 20180615, 2018-1-1
_FIRST_DAY: Final = date(1900, 1, 1)
_MONTHS: Final = r"^(\d{1,4})(?:\.0+)?(?:个?月)?$"
_YEARS: Final = r"^(\d{1,2})年(?:零?(\d{1,2})个?月)?$"
_LOST: Final = r"[?？\ufffd]"
_MARKED: Final = ("1", "1.0", "true", "yes", "y", "是", "封存", "已封存")
_UNMARKED: Final = ("", "0", "0.0", "false", "no", "n", "否", "未封存", "不封存")


def even(text: pl.Expr) -> pl.Expr:
    """The text normalised: half-width (NFKC), lower case, no blanks around it and nothing that shows nothing. String →
    String, empty for null.
    """
    return without_invisible(text.fill_null("")).str.normalize("NFKC").str.strip_chars().str.to_lowercase()


def read_day(text: pl.Expr, latest: date | None = None) -> pl.Expr:
    """The day that is written there. String → Date, null where it is empty or unread, before 1900 or after
    ``latest``.
    """
    day = even(text).str.replace(_TIME, "")
    read = claimed_date(pl.when(day.str.len_chars() >= _SHORTEST_DAY).then(day).otherwise(pl.lit("")))
    can_be = read >= _FIRST_DAY if latest is None else read.is_between(_FIRST_DAY, latest)
    return pl.when(can_be).then(read)


def read_months(text: pl.Expr) -> pl.Expr:
    """The sentence in months. String → Int32, null where it is empty or unread."""
    written = even(text)
    months = written.str.extract(_MONTHS, 1).cast(pl.Int32)
    years, beside = (written.str.extract(_YEARS, group).cast(pl.Int32) for group in (1, 2))
    return pl.coalesce(months, years * 12 + beside.fill_null(0))


def read_mark(text: pl.Expr) -> pl.Expr:
    """Whether the mark is set. String → Boolean, false where it is empty, null where it is unread."""
    written = even(text)
    return pl.when(written.is_in([*_MARKED, *_UNMARKED])).then(written.is_in(_MARKED))


def has_lost(text: pl.Expr) -> pl.Expr:
    """Whether a system has lost a character of the text, for which it leaves a mark. String → Boolean; null stays
    null.
    """
    return text.str.contains(_LOST)


def is_unread(text: pl.Expr, read: pl.Expr) -> pl.Expr:
    """Whether something is written in ``text`` (String) of which ``read`` (any dtype) holds nothing. → Boolean."""
    return (even(text) != "") & read.is_null()
