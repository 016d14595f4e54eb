"""Dates as people write them: year, month, day in that order, and a spreadsheet's serial number.

Rules: ``1990-1-5``, ``1990/01/05``, ``1990.1.5``, ``19900105``, ``1990年1月5日`` (or 号), with any dash, each also
followed by a midnight that a spreadsheet added. A serial number (days since 1899-12-30) is taken where it lies in a
person's lifetime: five digits cannot be any other date. Two-digit years and day-first forms are ambiguous and give
null. So does ``2015.1`` where a month is meant: a spreadsheet makes it of October, ``2015.10``, as of January.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from exchange.matching.codes import in_even_width, normalise_text, without_blanks, without_invisible
from exchange.matching.lookup import Rows
from exchange.matching.octets import NO_DAY, Days, Octets, Written, days, fours, is_digits

_MIDNIGHT: Final = r"[ T]0{1,2}:00(:00(\.0+)?)?$"
_PARTED: Final = r"([0-9]{4})[/.年\p{Pd}\u2212]([0-9]{1,2})[/.月\p{Pd}\u2212]([0-9]{1,2})[日号]?"
_COMPACT: Final = r"([0-9]{4})([0-9]{2})([0-9]{2})"
_DAY: Final = rf"^(?:{_PARTED}|{_COMPACT})$"
_YEAR: Final = r"^((?:19|20)[0-9]{2})年?$"
_MONTH: Final = r"^([0-9]{4})[/.年\p{Pd}\u2212]([0-9]{1,2})(?:月份?)?$"
_JANUARY_OR_OCTOBER: Final = r"^[0-9]{4}\.1$"
_SPAN: Final = r"^(.{8,}?)(?:/|至|到|~|[\p{Pd}\u2212]+)(.{8,})$"
"""No day of fewer characters, nor any sign between a day's numbers behind the seventh."""

_LONGEST: Final = 300
"""Octets: no span of days takes a third of them, and each pattern would go through the whole of a longer text, letter
by letter: 0.3 MB a second.
"""

_SERIAL: Final = r"^[0-9]{4,5}$"
_SERIAL_ZERO: Final = -25_569  # 1899-12-30, in days since 1970-01-01
_SERIALS: Final = (3_654, 73_050)  # 1910-01-01 .. 2099-12-31


@dataclass(frozen=True)
class _Form:
    """A way to write a date, in octets: how many (``length``), at which places digits stand (``digits``), which places
    of the eight digits YYYYMMDD these are (``of_eight``), and of each other place the lowest and the highest octet that
    may stand there (``others``).
    """

    length: int
    digits: list[int]
    of_eight: list[int]
    others: list[tuple[int, int, int]]

    @classmethod
    def of(cls, written: str) -> _Form:
        """Y, M and D are digits; - is also a dot or a slash."""
        octets, last = written.encode(), {ord("Y"): 4, ord("M"): 6, ord("D"): 8}
        digits = [position for position, octet in enumerate(octets) if octet in last]
        of_eight = [last[octets[position]] - octets.count(octets[position], position) for position in digits]
        others = [
            (position, octet, ord("/") if octet == ord("-") else octet)
            for position, octet in enumerate(octets)
            if position not in digits
        ]
        return cls(len(octets), digits, of_eight, others)

    def read(self, rows: Rows, octets: Octets) -> tuple[Rows, Days]:
        """Reads texts of this length (``rows`` int64[n], their bytes uint8[n, length]): the rows that are written in
        this form, in their order, and their days (int64[m] and int32[m]); a day that does not exist is ``NO_DAY`` or
        less.
        """
        eight = np.full((len(rows), 8), ord("0"), np.uint8)
        eight[:, self.of_eight] = octets[:, self.digits]
        numbers = eight.view("<u8")[:, 0]
        fits = is_digits(numbers)
        for position, first, last in self.others:
            fits &= octets[:, position] - first <= last - first
        return rows[fits], days(*fours(numbers[fits]))


_FORMS: Final = tuple(
    _Form.of(written)
    for written in (
        "YYYY-MM-DD", "YYYYMMDD", "YYYY-M-DD", "YYYY-MM-D", "YYYY-M-D",
        "YYYY年MM月DD日", "YYYY年M月DD日", "YYYY年MM月D日", "YYYY年M月D日", "YYYY-MM-DD 00:00:00",
    )
)  # fmt: skip
"""What most dates are written like."""


def claimed_period(text: pl.Expr) -> pl.Expr:
    """Struct of ``first`` and ``last`` (Date) day of a day, a month (``2020-05``, ``2020年5月``), a year (``2020``,
    ``2020年``) or a span of days (``2020-05-01/2020-06-30``, also with 至, 到, ~ or any dash, the double one of Chinese
    texts, too); nulls where the text is none of these, or ends before it begins. A bare number of four digits is a
    year.
    """
    text = pl.when(text.str.len_bytes() <= _LONGEST).then(text)
    even = normalise_text(text)
    year = (even.str.extract(_YEAR, 1) + "-01-01").str.to_date("%Y-%m-%d", strict=False)
    month = pl.concat_str([even.str.extract(_MONTH, 1), even.str.extract(_MONTH, 2).str.zfill(2)], separator="-")
    told = ~even.str.contains(_JANUARY_OR_OCTOBER)
    month = pl.when(told).then((month + "-01").str.to_date("%Y-%m-%d", strict=False))
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
    """Date, null where the text is null, is no date or leaves open which; never an error."""
    return text.map_batches(_dates, return_dtype=pl.Date)


def _dates(texts: pl.Series) -> pl.Series:
    return _by_form(texts, _evened)


def _by_form(texts: pl.Series, otherwise: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """The dates of texts in one of the plain forms; of others what ``otherwise`` makes of them."""
    written, since_1970 = Written(texts), np.full(len(texts), NO_DAY, np.int32)
    odd = np.ones(len(texts), dtype=bool)
    for form in _FORMS:
        rows, octets = written.of_length(form.length)
        if len(rows):
            rows, found = form.read(rows, octets)
            since_1970[rows], odd[rows] = found, False
    dates = pl.Series(texts.name, since_1970).set(pl.Series(since_1970 <= NO_DAY), None).cast(pl.Date)
    others = np.flatnonzero(odd)
    return dates.scatter(others, otherwise(texts[others])) if len(others) else dates


def _evened(texts: pl.Series) -> pl.Series:
    text = without_invisible(pl.col("text")).str.strip_chars().str.replace(_MIDNIGHT, "")
    return _by_form(in_even_width(texts).to_frame("text").select(without_blanks(text)).to_series(), _parted)


def _parted(texts: pl.Series) -> pl.Series:
    """Step by step, so that no step is done twice."""
    groups, serial = pl.col("groups").struct, pl.col("serial")
    parts = [pl.coalesce(groups.field(f"{n}"), groups.field(f"{n + 3}")).str.zfill(2) for n in (1, 2, 3)]
    in_life = pl.when(serial.is_between(*_SERIALS)).then(serial)
    return (
        pl.LazyFrame({"even": texts})
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
