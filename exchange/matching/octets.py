"""Parses the bytes of short texts into integers, many rows at once. One of the modules that are written for speed, with
``lookup.py`` and ``distinct.py`` (ADR 21).

Eight digits in ASCII are one integer of eight octets. In two steps, each of which adds up neighbours in all rows at
once, it becomes two numbers of four digits: a year and its month and day, or a piece of an identity number. Nothing is
cut out, compared or parsed text by text: an identity number costs 35 ns, where a regular expression that finds out
whether it is one, two cuts and the parsing of an integer cost 65; a date 40 ns instead of 100.

Whoever reads texts so takes the ones of the most common forms and leaves all others to the full treatment;
``tests/matching/test_distinct.py`` holds the two to the same values.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view

from exchange.matching.lookup import Keys, Rows

Octets = npt.NDArray[np.uint8]
Eight = npt.NDArray[np.uint64]
"""Eight bytes of a text in one integer, the first one the lowest."""
Days = npt.NDArray[np.int32]
"""Days since 1970-01-01; ``NO_DAY`` or less where there is no such day."""

NO_DAY: Final = -10_000_000
"""So far before the year 0 that it stays below any day when the days of a year are added."""

_ZEROS: Final = np.uint64(0x3030303030303030)
_BEYOND_NINE: Final = np.uint64(0x4646464646464646)
"""Added to a byte above ``9`` it gives more than 127."""
_BEYOND_127: Final = np.uint64(0x8080808080808080)
_PAIRS: Final = np.uint64(0x00FF00FF00FF00FF)
_FOURS: Final = np.uint64(0x0000FFFF0000FFFF)


class Written:
    """The bytes of a String column, by the texts' length."""

    def __init__(self, texts: pl.Series) -> None:
        array = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
        _, offsets, octets = array.buffers()
        bounds = np.frombuffer(offsets or bytes(8), np.int64)[array.offset :][: len(array) + 1]
        self._begins, self._lengths = bounds[:-1], np.diff(bounds)
        self._octets = np.frombuffer(octets or b"", np.uint8)

    def of_length(self, length: int) -> tuple[Rows, Octets]:
        """The rows whose text has so many bytes (int64[n], ascending), and these bytes: uint8[n, length]."""
        rows = np.flatnonzero(self._lengths == length)
        if not len(rows):
            return rows, np.empty((0, length), np.uint8)
        return rows, sliding_window_view(self._octets, length)[self._begins[rows]]


def is_digits(octets: Eight) -> npt.NDArray[np.bool_]:
    """Whether all eight octets are digits: bool[n], in the order given."""
    are: npt.NDArray[np.bool_] = ((octets - _ZEROS | octets + _BEYOND_NINE) & _BEYOND_127) == 0
    return are


def fours(octets: Eight) -> tuple[Keys, Keys]:
    """The numbers that the first four and the last four digits are: int64[n] each, in the order of ``octets``
    (uint64[n]). Without meaning where ``is_digits`` says no.
    """
    digits = octets - _ZEROS
    pairs = (digits * np.uint64(10) + (digits >> np.uint64(8))) & _PAIRS
    both = (pairs * np.uint64(100) + (pairs >> np.uint64(16))) & _FOURS
    return (both & np.uint64(0xFFFF)).view(np.int64), (both >> np.uint64(32)).view(np.int64)


def days(year: Keys, month_and_day: Keys) -> Days:
    """The day in the calendar (Gregorian, proleptic) of years and of month and day in one number, int64[n] each, of 0
    to 9999: int32[n] since 1970-01-01, in the order given; ``NO_DAY`` or before where there is no such day.
    """
    found: Days = _NEW_YEARS[year] + _IN_THE_YEAR[_YEARS_DAYS[year] + month_and_day]
    return found


def _in_the_year(leap: int) -> Days:
    """Month and day in four digits → how many days of the year were before it, ``2 * NO_DAY`` for no day."""
    positions = np.full(10_000, 2 * NO_DAY, np.int32)
    for position in range(365 + leap):
        day = date(2001 - leap, 1, 1) + timedelta(position)
        positions[day.month * 100 + day.day] = position
    return positions


_IN_THE_YEAR: Final = np.concatenate([_in_the_year(leap) for leap in (0, 1)])
_NEW_YEARS: Final = (np.arange(10_001) - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int32)
"""Days from 1970 to the first of each year from 0 on."""

_YEARS_DAYS: Final = (np.diff(_NEW_YEARS) == 366) * 10_000
"""For each year where the days of a year of its length begin in ``_IN_THE_YEAR``."""
