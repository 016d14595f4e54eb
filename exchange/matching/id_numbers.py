"""Citizen identity numbers (公民身份号码), GB 11643-1999, as people type them.

Rules
- 18 characters: 6 division, 8 birth date, 3 sequence, 1 check character by ISO 7064 MOD 11-2.
- 15 digits (before October 1999) are upgraded: ``19`` goes in before the year, ``18`` for the sequences 996-999 that
  were kept for people over a hundred.
- Repaired: full-width and invisible characters, blanks, dashes, a leading apostrophe, small x, the Cyrillic and Greek
  look-alikes of X, the multiplication sign. Not repaired: a spreadsheet's scientific notation, whose digits are lost.
- The date inside must exist, not lie before 1800 and not after the day of receipt.
- The key of a person is the number's first 17 digits as an integer: the check character is arithmetic on them.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from exchange.matching.codes import even_text
from exchange.matching.once import unless_plain

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS: Final = "10X98765432"
CENTENARIAN_SEQUENCES: Final = ("996", "997", "998", "999")
EARLIEST_BIRTH: Final = date(1800, 1, 1)

_AS_IT_SHOULD_BE: Final = "^[0-9]{17}[0-9X]$"
_DASHES: Final = r"[\p{Pd}\u2212_]+"
_LOOKS_LIKE_X: Final = r"[xхХχΧ×✕]"
_SCIENTIFIC: Final = r"^[0-9](\.[0-9]+)?[eE]\+?[0-9]+$"


def plain(text: pl.Expr) -> pl.Expr:
    """The number in ASCII digits and X, without what people put between them."""
    return unless_plain(text, _AS_IT_SHOULD_BE, lambda same: same, _plain, pl.String)


def _plain(text: pl.Expr) -> pl.Expr:
    return even_text(text).str.replace_all(_DASHES, "").str.replace_all(_LOOKS_LIKE_X, "X")


def is_scientific(text: pl.Expr) -> pl.Expr:
    """Whether a spreadsheet made ``2.20104E+17`` of the number."""
    return unless_plain(text, _AS_IT_SHOULD_BE, lambda sound: sound != sound, _is_scientific, pl.Boolean)


def _is_scientific(text: pl.Expr) -> pl.Expr:
    return even_text(text).str.contains(_SCIENTIFIC)


def upgraded(number: pl.Expr) -> pl.Expr:
    """The first 17 characters: of an 18-character number as they are, of a 15-digit one with its century."""
    century = pl.when(number.str.slice(12, 3).is_in(CENTENARIAN_SEQUENCES)).then(pl.lit("18")).otherwise(pl.lit("19"))
    from_15 = pl.concat_str(number.str.slice(0, 6), century, number.str.slice(6, 9))
    return pl.when(number.str.len_bytes() == 15).then(from_15).otherwise(number.str.slice(0, 17))


def check_character(key: pl.Expr) -> pl.Expr:
    """The check character of a key (int64 of 17 digits)."""
    total = sum((((key // 10 ** (16 - place)) % 10) * weight for place, weight in enumerate(WEIGHTS)), start=pl.lit(0))
    return (total % 11).replace_strict(dict(enumerate(CHECK_CHARACTERS)), return_dtype=pl.String)


def birth_date(key: pl.Expr) -> pl.Expr:
    """The date inside a key, null where no such day exists."""
    digits = (key // 1000) % 100_000_000
    return digits.cast(pl.String).str.zfill(8).str.to_date("%Y%m%d", strict=False)


def standardise(frame: pl.DataFrame, today: date) -> pl.DataFrame:
    """Adds to a frame with the String column ``id_number``: ``key`` (int64 or null), ``id_fault`` (answer code or
    null), ``id_repaired`` and ``id_from_15`` (booleans).
    """
    claimed = pl.col("id_number")
    shaped = pl.col("_plain").str.contains(r"^([0-9]{17}[0-9X]|[0-9]{15})$")
    frame = frame.with_columns(plain(claimed).alias("_plain"))
    frame = frame.with_columns(
        pl.when(shaped).then(upgraded(pl.col("_plain"))).cast(pl.Int64, strict=False).alias("key"),
        (shaped & (pl.col("_plain").str.len_bytes() == 15)).alias("id_from_15"),
        (shaped & (pl.col("_plain") != claimed)).alias("id_repaired"),
    )
    born = birth_date(pl.col("key"))
    checked = pl.col("id_from_15") | (pl.col("_plain").str.slice(17, 1) == check_character(pl.col("key")))
    fault = (
        pl.when(pl.col("_plain") == "")
        .then(pl.lit("id_number_missing"))
        .when(is_scientific(claimed))
        .then(pl.lit("id_number_scientific"))
        .when(pl.col("key").is_null())
        .then(pl.lit("id_number_format"))
        .when(born.is_null() | ~born.is_between(EARLIEST_BIRTH, today))
        .then(pl.lit("id_number_date"))
        .when(~checked)
        .then(pl.lit("id_number_check"))
    )
    frame = frame.with_columns(fault.alias("id_fault")).drop("_plain")
    sound = pl.col("id_fault").is_null()
    return frame.with_columns(
        pl.when(sound).then(pl.col("key")).alias("key"),
        pl.col("id_from_15") & sound,
        pl.col("id_repaired") & sound,
    )
