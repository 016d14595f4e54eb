"""Citizen identity numbers (公民身份号码), GB 11643-1999, as people type them.

Rules
- 18 characters: 6 division, 8 birth date, 3 sequence, 1 check character by ISO 7064 MOD 11-2.
- 15 digits (before October 1999) are upgraded: ``19`` goes in before the year, ``18`` for the sequences 996-999 that
  were kept for people over a hundred.
- Repaired: full-width and invisible characters, blanks, dashes, a leading apostrophe, small x, the Cyrillic and Greek
  look-alikes of X, the multiplication sign. Not repaired: a spreadsheet's scientific notation, whose digits are lost.
- The date inside must exist, not lie before 1800 and not after the day of receipt.
- Numbers of the same form that are in no household register: residence permits of people from Hong Kong, Macao and
  Taiwan (81, 82, 83; 港澳台居民居住证申领发放办法 of 2018) and foreigners' permanent residence cards since
  2023-12-01 (9). Exit-entry administration is to be asked about them; both are younger than 15 digits.
- The key of a person is the number's first 17 digits as an integer: the check character is arithmetic on them.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from exchange.matching.codes import normalise_text
from exchange.matching.distinct import with_fast_path

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS: Final = "10X98765432"
CENTENARIAN_SEQUENCES: Final = ("996", "997", "998", "999")
EARLIEST_BIRTH: Final = date(1800, 1, 1)

_THREE_DIGITS: Final = np.arange(1000)
_WEIGHED: Final = sum((_THREE_DIGITS // 10**place % 10) * WEIGHTS[-1 - place] for place in range(3))
"""The weighed sum of the last three digits; of those before them it is 2³ times as much, since weights are powers of 2
modulo 11."""


def _places_in_the_year(leap: int) -> npt.NDArray[np.int32]:
    """Month and day in four digits → how many days of the year were before it, -1 for no day."""
    positions = np.full(10_000, -1, np.int32)
    for position in range(365 + leap):
        day = date(2001 - leap, 1, 1) + timedelta(position)
        positions[day.month * 100 + day.day] = position
    return positions


_DAYS: Final = np.stack([_places_in_the_year(leap) for leap in (0, 1)])
_NEW_YEARS: Final = (np.arange(10_001) - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int32)
"""Days from 1970 to the first of each year from 0 on."""

_IS_LEAP: Final = np.diff(_NEW_YEARS) == 366

_AS_IT_SHOULD_BE: Final = "^[0-9]{17}[0-9X]$"
_SHAPE: Final = r"^([0-9]{17}[0-9X]|[0-9]{15})$"
_DASHES: Final = r"[\p{Pd}\u2212_]+"
_FORMULA: Final = r'^="|"$'
"""What people write around a number so that a spreadsheet keeps its digits: ``="…"``."""

_LOOKS_LIKE_X: Final = r"[xхХχΧ×✕]"
_SCIENTIFIC: Final = r"^[0-9](\.[0-9]+)?[eE]\+?[0-9]+$"
"""What a spreadsheet makes of a number: ``2.20104E+17``."""

_READ: Final = pl.Struct(
    {
        "key": pl.Int64,
        "_check": pl.String,
        "id_from_15": pl.Boolean,
        "id_repaired": pl.Boolean,
        "_unread": pl.String,
    }
)
_PASSING: Final = ("_check", "_unread", "_born")

_KEY_PLACES: Final = 10**15
_PERMITS: Final = (81, 82, 83)
_FOREIGNERS: Final = 90


def plain(text: pl.Expr) -> pl.Expr:
    """The number in ASCII digits and X, without what people put between them."""
    return _without_marks(normalise_text(text))


def _without_marks(even: pl.Expr) -> pl.Expr:
    return even.str.replace_all(_FORMULA, "").str.replace_all(_DASHES, "").str.replace_all(_LOOKS_LIKE_X, "X")


def upgraded(number: pl.Expr) -> pl.Expr:
    """The first 17 characters: of an 18-character number as they are, of a 15-digit one with its century."""
    century = pl.when(number.str.slice(12, 3).is_in(CENTENARIAN_SEQUENCES)).then(pl.lit("18")).otherwise(pl.lit("19"))
    from_15 = pl.concat_str(number.str.slice(0, 6), century, number.str.slice(6, 9))
    return pl.when(number.str.len_bytes() == 15).then(from_15).otherwise(number.str.slice(0, 17))


def check_character(key: pl.Expr) -> pl.Expr:
    """The check character of a key (int64 of 17 digits)."""
    return key.map_batches(_check_characters, return_dtype=pl.String)


def birth_date(key: pl.Expr) -> pl.Expr:
    """The date inside a key, null where no such day exists."""
    return key.map_batches(_birth_dates, return_dtype=pl.Date)


def of_exit_entry(key: pl.Expr) -> pl.Expr:
    """Whether a key is that of a residence permit or a permanent residence card, which no household register holds."""
    first = key // _KEY_PLACES
    return first.is_in(_PERMITS) | (first >= _FOREIGNERS)


def _check_characters(keys: pl.Series) -> pl.Series:
    number = keys.fill_null(0).to_numpy()
    total = sum(_WEIGHED[number // 1000**group % 1000] * 8**group for group in range(6))
    characters: pl.Series = pl.Series(keys.name, [*CHECK_CHARACTERS])[total % 11]
    return characters.set(keys.is_null(), None)


def _birth_dates(keys: pl.Series) -> pl.Series:
    digits = keys.fill_null(0).to_numpy() // 1000 % 100_000_000
    year, day = digits // 10_000, digits % 10_000
    position = _DAYS[_IS_LEAP[year] * 1, day]
    born = pl.Series(keys.name, _NEW_YEARS[year] + position, dtype=pl.Int32).cast(pl.Date)
    return born.set(pl.Series(position < 0), None)


def standardise(frame: pl.DataFrame, today: date) -> pl.DataFrame:
    """Adds to a frame with the String column ``id_number``: ``key`` (int64 or null), ``id_fault`` (answer code or
    null), ``id_repaired`` and ``id_from_15`` (booleans).
    """
    key, born = pl.col("key"), pl.col("_born")
    fault = (
        pl.when(pl.col("_unread").is_not_null())
        .then(pl.col("_unread"))
        .when(born.is_null() | ~born.is_between(EARLIEST_BIRTH, today))
        .then(pl.lit("id_number_date"))
        .when(~pl.col("id_from_15") & (pl.col("_check") != check_character(key)))
        .then(pl.lit("id_number_check"))
    )
    sound = pl.col("id_fault").is_null()
    return (
        frame.lazy()
        .with_columns(read(pl.col("id_number")).alias("_read"))
        .with_columns(pl.col("_read").struct.unnest())
        .with_columns(birth_date(key).alias("_born"))
        .with_columns(fault.alias("id_fault"))
        .drop("_read", *_PASSING)
        .with_columns(
            pl.when(sound).then(key).alias("key"),
            pl.col("id_from_15") & sound,
            pl.col("id_repaired") & sound,
        )
        .collect(engine="in-memory")
    )


def read(text: pl.Expr) -> pl.Expr:
    """Struct of ``key``, ``_check`` (the check character that was typed), ``id_from_15``, ``id_repaired`` and
    ``_unread`` (why no number can be read, or null).
    """
    return with_fast_path(text, _AS_IT_SHOULD_BE, _as_it_stands, _repaired, _READ)


def _as_it_stands(text: pl.Expr) -> pl.Expr:
    return pl.struct(
        text.str.slice(0, 17).cast(pl.Int64, strict=False).alias("key"),
        text.str.slice(17).alias("_check"),
        pl.lit(value=False).alias("id_from_15"),
        pl.lit(value=False).alias("id_repaired"),
        pl.lit(None, pl.String).alias("_unread"),
    )


def _repaired(text: pl.Expr) -> pl.Expr:
    return text.map_batches(_read_of_each, return_dtype=_READ)


def _read_of_each(texts: pl.Series) -> pl.Series:
    claimed, even, number = (pl.col(name) for name in ("claimed", "even", "number"))
    shaped = number.str.contains(_SHAPE)
    key = pl.when(shaped).then(upgraded(number)).cast(pl.Int64, strict=False)
    unread = (
        pl.when(number == "")
        .then(pl.lit("id_number_missing"))
        .when(even.str.contains(_SCIENTIFIC))
        .then(pl.lit("id_number_scientific"))
        .when(~shaped | number.is_null())
        .then(pl.lit("id_number_format"))
    )
    return (
        pl.LazyFrame({"claimed": texts})
        .with_columns(normalise_text(claimed).alias("even"))
        .with_columns(_without_marks(even).alias("number"))
        .select(
            pl.struct(
                key.alias("key"),
                number.str.slice(17, 1).alias("_check"),
                (shaped & (number.str.len_bytes() == 15)).alias("id_from_15"),
                (shaped & (number != claimed)).alias("id_repaired"),
                unread.alias("_unread"),
            ).alias(texts.name)
        )
        .collect(engine="in-memory")
        .to_series()
    )
