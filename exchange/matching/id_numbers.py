"""Citizen identity numbers (公民身份号码), GB 11643-1999, as people type them.

Rules
- 18 characters: 6 division, 8 birth date, 3 sequence, 1 check character by ISO 7064 MOD 11-2.
- 15 digits (before October 1999) are upgraded: ``19`` goes in before the year, ``18`` for the sequences 996-999 that
  were kept for people over a hundred.
- Repaired: full-width and invisible characters, blanks, dashes, a leading apostrophe, small x, the Cyrillic and Greek
  look-alikes of X, the multiplication sign. Not repaired: a spreadsheet's scientific notation, whose digits are lost.
- Shown as a whole number, what a spreadsheet has kept ends in three zeros. Of one row nothing follows from that, since
  one number in a thousand does; of a whole file it does (``steps/request.py``).
- The date inside must exist, not lie before 1800 and not after the day of receipt.
- Numbers of the same form that are in no household register: residence permits of people from Hong Kong, Macao and
  Taiwan (81, 82, 83; 港澳台居民居住证申领发放办法 of 2018) and foreigners' permanent residence cards since
  2023-12-01 (9). Exit-entry administration is to be asked about them; both are younger than 15 digits.
- The key of a person is the number's first 17 digits as an integer: the check character is arithmetic on them.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Final

import numpy as np
import polars as pl

from exchange.matching.codes import in_even_width, normalise_text, without_blanks
from exchange.matching.lookup import Keys, Rows
from exchange.matching.octets import NO_DAY, Days, Octets, Written, days, fours, is_digits

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS: Final = "10X98765432"
CENTENARIAN_SEQUENCES: Final = ("996", "997", "998", "999")
EARLIEST_BIRTH: Final = date(1800, 1, 1)

KEY: Final = "key"
"""The column of a person's key."""

_SIX_DIGITS: Final = 10**6


@cache
def _weighed() -> Octets:
    """A table over all numbers of six digits, as the last ones of a key: their weighted sum modulo 11. Of the six
    digits before them it is 2⁶ times as much, since the weights are powers of 2 modulo 11.
    """
    last, before = np.arange(1000), np.zeros(1000, np.int64)
    for position in range(3):
        before += last // 10**position % 10 * WEIGHTS[-1 - position]
    three = (before % 11).astype(np.uint8)
    return (three[:, np.newaxis] * np.uint8(2**3) + three).ravel() % np.uint8(11)


_CHECKS: Final = np.frombuffer(CHECK_CHARACTERS.encode(), np.uint8)

_SHAPE: Final = r"^([0-9]{17}[0-9X]|[0-9]{15})$"
_DASHES: Final = r"[\p{Pd}\u2212_]+"
_FORMULA: Final = r"""^="['‘’`]*|"$"""
"""What people write around a number so that a spreadsheet keeps its digits: ``="…"``."""

_LOOKS_LIKE_X: Final = r"[xхХχΧ×✕]"
_SCIENTIFIC: Final = r"""^(?:="['‘’`]*)?[0-9](\.[0-9]+)?[eE]\+?[0-9]+"?$"""
"""What a spreadsheet makes of a number: ``2.20104E+17``."""

LOST_DIGITS: Final = "000"
"""What a spreadsheet shows of a number of 18 digits, of which it keeps 15."""

_NUMBER: Final = np.dtype([("first", "<u8"), ("second", "<u8"), ("last", "u1"), ("check", "u1")])
"""The octets of a number of 18 characters."""

_KEY_PLACES: Final = 10**15
_YEAR_PLACES: Final = 10**7
_YEARS: Final = 10**4
_LATEST_YEAR: Final = 2099
_PERMITS: Final = (81, 82, 83)
_FOREIGNERS: Final = 90


_SOUND: Final = pl.col("unread").is_null() & pl.col("in_time") & (pl.col("fits") | pl.col("from_15"))
_KEY: Final = pl.when(_SOUND).then("key").alias("key")
_FAULT: Final = (
    pl.when(pl.col("unread").is_not_null())
    .then("unread")
    .when(~pl.col("in_time"))
    .then(pl.lit("id_number_date"))
    .when(~pl.col("fits") & ~pl.col("from_15"))
    .then(pl.lit("id_number_check"))
    .alias("id_fault")
)
_FROM_15: Final = (pl.col("from_15") & _SOUND).alias("id_from_15")
_REPAIRED: Final = (pl.col("repaired") & _SOUND).alias("id_repaired")


def plain(text: pl.Expr) -> pl.Expr:
    """String: the number in ASCII digits and X, without what people put between them; null stays null."""
    return _without_marks(normalise_text(text))


def _without_marks(even: pl.Expr) -> pl.Expr:
    return even.str.replace_all(_FORMULA, "").str.replace_all(_DASHES, "").str.replace_all(_LOOKS_LIKE_X, "X")


def upgraded(number: pl.Expr) -> pl.Expr:
    """String of 18 characters: of such a number these, of a 15-digit one with its century, and 0 as no check
    character. Other texts stay as they are.
    """
    century = pl.when(number.str.slice(12, 3).is_in(CENTENARIAN_SEQUENCES)).then(pl.lit("18")).otherwise(pl.lit("19"))
    from_15 = pl.concat_str(number.str.slice(0, 6), century, number.str.slice(6, 9), pl.lit("0"))
    return pl.when(number.str.len_bytes() == 15).then(from_15).otherwise(number)


def check_character(key: pl.Expr) -> pl.Expr:
    """String: the check character of a key (Int64 of 17 digits); null stays null. Source: GB 11643-1999."""
    return key.map_batches(_check_characters, return_dtype=pl.String)


def birth_date(key: pl.Expr) -> pl.Expr:
    """Date: the day of birth inside a key (Int64), null where the key is null or no such day exists."""
    return key.map_batches(_birth_dates, return_dtype=pl.Date)


def of_exit_entry(key: pl.Expr) -> pl.Expr:
    """Boolean: whether a key (Int64) is that of a residence permit or a permanent residence card, which no household
    register holds; null stays null.
    """
    first = key // _KEY_PLACES
    return first.is_in(_PERMITS) | (first >= _FOREIGNERS)


def _check_characters(keys: pl.Series) -> pl.Series:
    characters: pl.Series = pl.Series(keys.name, [*CHECK_CHARACTERS])[_remainders(keys.fill_null(0).to_numpy())]
    return characters.set(keys.is_null(), None)


def _remainders(keys: Keys) -> Octets:
    """The positions of these keys' check characters in ``CHECK_CHARACTERS``: uint8[n]."""
    last, middle, first = (_weighed()[keys // _SIX_DIGITS**group % _SIX_DIGITS] for group in range(3))
    remainders: Octets = (last + middle * np.uint8(2**6 % 11) + first * np.uint8(2**12 % 11)) % np.uint8(11)
    return remainders


def _birth_dates(keys: pl.Series) -> pl.Series:
    born = _days_of_birth(keys.fill_null(0).to_numpy())
    return pl.Series(keys.name, born, dtype=pl.Int32).cast(pl.Date).set(pl.Series(born <= NO_DAY), None)


def _days_of_birth(keys: Keys) -> Days:
    """The day inside each key."""
    inside = keys // 1000 % 100_000_000
    return days(inside // 10_000, inside % 10_000)


def _since_1970(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def standardise(frame: pl.DataFrame, today: date) -> pl.DataFrame:
    """Adds to a frame with the String column ``id_number``: ``key`` (Int64 or null), ``id_fault`` (String: answer code
    or null), ``id_repaired`` and ``id_from_15`` (Boolean). Rows as they came; a frame that has them stays as it is.
    """
    if KEY in frame.columns:
        return frame
    numbers = read(frame["id_number"])
    keys = numbers["key"].to_numpy()
    born = _days_of_birth(keys)
    in_time = (born >= _since_1970(EARLIEST_BIRTH)) & (born <= _since_1970(today))
    fits = _CHECKS[_remainders(keys)] == numbers["check"].to_numpy()
    if numbers["unread"].null_count() == len(keys) and (in_time & (fits | numbers["from_15"].to_numpy())).all():
        sound = (numbers[name].alias(f"id_{name}") for name in ("from_15", "repaired"))  # as of most single rows
        return frame.hstack([numbers["key"], numbers["unread"].alias("id_fault"), *sound])
    judged = numbers.hstack([pl.Series("in_time", in_time), pl.Series("fits", fits)])
    return frame.hstack(judged.select(_KEY, _FAULT, _FROM_15, _REPAIRED).get_columns())


def read(texts: pl.Series) -> pl.DataFrame:
    """A row for each text, in their order: ``key`` (Int64) and ``check`` (UInt8: the check character, as ASCII, that
    was typed), both 0 where no number can be read, and then ``unread`` (String: why, else null); ``from_15`` and
    ``repaired`` (Boolean). A text that is null is missing.
    """
    rows, keys, checks = _numbers_of_18(texts)
    no = pl.Series([False]).new_from_index(0, len(rows))
    unread = pl.Series("unread", [None], dtype=pl.String).new_from_index(0, len(rows))
    plain_ = pl.DataFrame(
        [pl.Series("key", keys), pl.Series("check", checks), no.alias("from_15"), no.alias("repaired"), unread]
    )
    if len(rows) == len(texts):
        return plain_
    odd = np.delete(np.arange(len(texts)), rows)
    order = np.argsort(np.concatenate([rows, odd]))
    return pl.concat([plain_, _repaired(texts[odd])])[order]


def by_form(texts: pl.Series) -> pl.Series:
    """Int64: the first 17 digits of what has the form of a number, though its check character or its day of birth may
    be wrong; null of anything else, of a year in which nobody was born, too (``000000000000000000`` says nothing).
    """
    numbers, year = read(texts), pl.col("key") // _YEAR_PLACES % _YEARS
    possible = pl.col("unread").is_null() & year.is_between(EARLIEST_BIRTH.year, _LATEST_YEAR)
    return numbers.select(pl.when(possible).then("key").alias(texts.name)).to_series()


def _numbers_of_18(texts: pl.Series) -> tuple[Rows, Keys, Octets]:
    """Rows, keys and check characters of the texts that are 17 digits and a digit or X."""
    rows, octets = Written(texts).of_length(18)
    numbers = octets.view(_NUMBER)[:, 0]
    first, second = numbers["first"].copy(), numbers["second"].copy()
    last, check = numbers["last"] - ord("0"), numbers["check"]
    sound = is_digits(first) & is_digits(second) & (last < 10) & ((check - ord("0") < 10) | (check == ord("X")))
    if not sound.all():
        rows, first, second, last, check = (octets_of[sound] for octets_of in (rows, first, second, last, check))
    (a, b), (c, d) = fours(first), fours(second)
    return rows, (((a * 10**4 + b) * 10**4 + c) * 10**4 + d) * 10 + last, check


def _repaired(texts: pl.Series) -> pl.DataFrame:
    """As :func:`read`, of texts that are written in any way; each step is done once for all texts."""
    claimed, even, number, shaped = (pl.col(name) for name in ("claimed", "even", "number", "shaped"))
    unread = (
        pl.when(number == "")
        .then(pl.lit("id_number_missing"))
        .when(even.str.contains(_SCIENTIFIC))
        .then(pl.lit("id_number_scientific"))
        .when(~shaped | number.is_null())
        .then(pl.lit("id_number_format"))
    )
    frame = (
        pl.LazyFrame({"claimed": texts, "even": in_even_width(texts)})
        .with_columns(without_blanks(even))
        .with_columns(_without_marks(even).alias("number"))
        .with_columns(number.str.contains(_SHAPE).alias("shaped"))
        .select(
            pl.when(shaped).then(upgraded(number)).alias("number"),
            (shaped & (number.str.len_bytes() == 15)).fill_null(value=False).alias("from_15"),
            (shaped & (number != claimed)).fill_null(value=False).alias("repaired"),
            unread.alias("unread"),
        )
        .collect(engine="in-memory")
    )
    rows, keys, checks = _numbers_of_18(frame["number"])
    key, check = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.uint8)
    key[rows], check[rows] = keys, checks
    return frame.select(pl.Series("key", key), pl.Series("check", check), pl.exclude("number"))
