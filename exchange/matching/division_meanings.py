"""What a code of a division means: today's counties, and which of several meanings where a code was given out again.

Rules
- A code in use means the counties of today that lie within it, unless the year of what it stands for leaves it open
  whether it meant another place (130123: 栾城县 to 1993, 正定县 since): then it may mean either. An abolished one
  means those that came after it. A code for *the districts of a city* (市辖区, 220101) means those, one for the
  counties directly under a province (469000) those.
- An abolished code that meant one county after another (222421: 延吉县 to 1983, 龙井县 1984 to 1988) may mean each of
  them: what it surely means is what all its meanings share.
- A year tells them apart: of an event, the meanings of that year; of something that was registered in or after a year,
  those that had not ended before it. Where that leaves one, the code means that one. In the year of a change both hold,
  of a code in use, too.
- A meaning that a code in use had until 1984 and not since is left out, as no record bears it: identity numbers, and
  registers by code with them, began in that year.
- A meaning has a number: the code itself where the code has that one alone or it is today's, else the code and
  millions, as has what a code in use may mean. A name that meant several things one after another has a number of its
  own, beyond all of these.

Sources: ``schemas/divisions.csv`` (today's, Ministry of Civil Affairs) and ``schemas/divisions_former.csv`` (those of
1980 and after, whose years are those of the yearly table); ``schemas/sources`` tells where both come from. Identity
cards and numbers: 居民身份证试行条例 of 1984-04-06.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

import polars as pl

from exchange.base.paths import SCHEMAS

LAST_DISTRICT: Final = 20
"""GB/T 2260 numbers a city's districts 02 to 20; 01 stands for all of them."""

FIRST_YEAR: Final = 1980
NO_END: Final = 9999
_STEP: Final = 1_000_000
_EITHER: Final = 900 * _STEP
"""What is added to a code in use that may mean another place; no code had nearly so many meanings."""

_NUMBERS_SINCE: Final = 1984
FIRST_OF_NAMES: Final = 2_000_000_000

Counties = frozenset[int]


@dataclass(frozen=True)
class Meaning:
    """``counties``: today's; empty where nobody knows. ``until``: the year of its end, which it may hold in."""

    number: int
    since: int
    until: int
    counties: Counties

    def holds_in(self, year: int) -> bool:
        """Whether the code or name had this meaning in this year."""
        return (self.since <= year or self.since == FIRST_YEAR) and year <= self.until


@dataclass(frozen=True)
class Extent:
    """``sure``: counties that every meaning holds; ``possible``: that one may hold; ``known``: of every meaning."""

    sure: Counties
    possible: Counties
    known: bool


@cache
def todays() -> Mapping[str, Mapping[str, str]]:
    """Code → row of today's table."""
    rows = pl.read_csv(SCHEMAS / "divisions.csv", infer_schema=False)
    return MappingProxyType({row["code"]: row for row in rows.iter_rows(named=True)})


@cache
def formers() -> tuple[Mapping[str, str], ...]:
    """Rows of the table of former divisions, by the year of their end."""
    rows = pl.read_csv(SCHEMAS / "divisions_former.csv", infer_schema=False).with_columns(pl.all().fill_null(""))
    return tuple(rows.sort("until", maintain_order=True).iter_rows(named=True))


@cache
def in_use() -> Mapping[int, Counties]:
    """Code of today → the counties that it means (a city or province without counties means itself)."""
    today = [int(code) for code in todays()]
    known = frozenset(today)
    counties: dict[int, set[int]] = defaultdict(set, {code: {code} for code in today})
    for county in (code for code in today if code % 100):
        city, province = county // 100 * 100, county // 10000 * 10000
        for code in (city, province):
            counties[code] = counties[code] - {code} | {county}
        if 1 < county % 100 <= LAST_DISTRICT and city + 1 not in known:
            counties[city + 1].add(county)
    for city in (code for code in today if counties[code] == {code} and code % 100 == 0 and code % 10000):
        counties[city // 10000 * 10000] = counties[city // 10000 * 10000] - {city // 10000 * 10000} | {city}
    return MappingProxyType({code: frozenset(within) for code, within in counties.items()})


def counties_of(row: Mapping[str, str]) -> Counties:
    """Today's counties that came after a former division."""
    return _counties_after(row["successors"])


@cache
def _counties_after(successors: str) -> Counties:
    return frozenset[int]().union(*[in_use()[int(code)] for code in successors.split()])


@cache
def meanings() -> Mapping[int, Sequence[Meaning]]:
    """Code → what it meant, in time; today's last."""
    by_code: dict[int, list[Meaning]] = defaultdict(list)
    for row in formers():
        code, since, until = int(row["code"]), int(row["since"]), int(row["until"])
        counties, before = counties_of(row), by_code[code][-1:]
        if before and before[0].counties == counties:
            by_code[code][-1] = Meaning(before[0].number, before[0].since, until, counties)
        else:
            by_code[code].append(Meaning(code + _STEP * (len(by_code[code]) + 1), since, until, counties))
    for code, counties in in_use().items():
        since = max((meaning.until for meaning in by_code[code]), default=FIRST_YEAR)
        by_code[code].append(Meaning(code, since, NO_END, counties))
    alone = {code: [Meaning(code, *_span(of[0]), of[0].counties)] for code, of in by_code.items() if len(of) == 1}
    return MappingProxyType({code: tuple(of) for code, of in (by_code | alone).items()})


def _span(meaning: Meaning) -> tuple[int, int]:
    return meaning.since, meaning.until


@cache
def extents() -> Mapping[int, Extent]:
    """Number → what it means. A code's own number: today's meaning, else what all of its meanings may be."""
    by_number: dict[int, Extent] = {}
    for code, several in meanings().items():
        now = [meaning for meaning in several if meaning.until == NO_END]
        by_number[code] = joined(meaning.counties for meaning in now or several)
        by_number |= {meaning.number: joined([meaning.counties]) for meaning in several if meaning.number != code}
        if others := _other_places(several):
            by_number[code + _EITHER] = joined(meaning.counties for meaning in (*others, *now))
    return MappingProxyType(by_number)


def _other_places(several: Sequence[Meaning], year: int = FIRST_YEAR) -> list[Meaning]:
    """Of a code in use, its meanings in or after this year that do not lie within today's; empty of another code."""
    *before, now = several
    if now.until != NO_END:
        return []
    last = max(year, _NUMBERS_SINCE + 1)
    return [meaning for meaning in before if meaning.until >= last and not _within(meaning.counties, now.counties)]


def _within(counties: Counties, others: Counties) -> bool:
    return bool(counties) and counties <= others


def joined(several: Iterable[Counties]) -> Extent:
    """The extent of one of several meanings, where nobody knows which."""
    each = list(several)
    return Extent(frozenset.intersection(*each), frozenset().union(*each), all(each))


@cache
def members() -> Mapping[int, Counties]:
    """Number → today's counties that it may mean; empty where its successors are not known."""
    return MappingProxyType({number: extent.possible for number, extent in extents().items()})


def number_of(row: Mapping[str, str]) -> int:
    """The number of what the former division's row means."""
    return _number_of(row["code"], row["until"], counties_of(row))


@cache
def _number_of(code: str, last_year: str, counties: Counties) -> int:
    until = int(last_year)
    return next(
        meaning.number
        for meaning in meanings()[int(code)]
        if meaning.counties == counties and meaning.since <= until <= meaning.until
    )


@cache
def _by_year() -> Mapping[str, Mapping[int, int]]:
    """``on`` and ``since`` → code and year in one → the number of the one meaning that the year leaves; of a code in
    use, of what it may mean.
    """
    by_kind: dict[str, dict[int, int]] = {"on": {}, "since": {}}
    for code, several in meanings().items():
        if len(several) == 1:
            continue
        ended = several[-1].until != NO_END
        for year in range(FIRST_YEAR, 1 + max(meaning.until for meaning in several if meaning.until != NO_END)):
            left = {
                "on": [meaning.number for meaning in several if meaning.holds_in(year)],
                "since": [meaning.number for meaning in several if ended and meaning.until >= year],
            }
            for kind, numbers in left.items():
                if len(numbers) == 1:
                    by_kind[kind][code * 10_000 + year] = numbers[0]
            others = _other_places(several, year)
            if others:
                by_kind["since"][code * 10_000 + year] = code + _EITHER
            if any(meaning.holds_in(year) for meaning in others) and several[-1].holds_in(year):
                by_kind["on"][code * 10_000 + year] = code + _EITHER
    return MappingProxyType(by_kind)


@cache
def _of_several() -> pl.Series:
    return pl.Series(sorted({key // 10_000 for kind in _by_year().values() for key in kind}), dtype=pl.Int32)


def make_ready() -> None:
    """Makes the tables of :func:`told_apart`, which are made once in a process."""
    _of_several()


def told_apart(code: pl.Expr, *, on: pl.Expr | None = None, since: pl.Expr | None = None) -> pl.Expr:
    """The number (Int32) of the meaning that a code has, given a year (Int32, null where it is not known): ``on``: of
    an event in it; ``since``: of something registered in it or later. The code itself where the year leaves several
    meanings, or none.
    """
    kind = "since" if on is None else "on"
    year = pl.coalesce([given for given in (on, since) if given is not None])
    pair = pl.struct(code.cast(pl.Int32).alias("code"), year.cast(pl.Int32).alias("year"))
    return pair.map_batches(lambda pairs: _told_apart(pairs, kind), return_dtype=pl.Int32)


def _told_apart(pairs: pl.Series, kind: str) -> pl.Series:
    """Few codes had several meanings: a column without them is given back as it is."""
    codes, years = pairs.struct.field("code"), pairs.struct.field("year")
    rows = codes.is_in(_of_several().implode()).fill_null(value=False).arg_true()
    if not len(rows):
        return codes
    of_rows = years.gather(rows)
    if kind == "since":  # who was born before, or when nobody knows, can have been registered in any year
        of_rows = of_rows.fill_null(FIRST_YEAR).clip(FIRST_YEAR)
    keys = codes.gather(rows).cast(pl.Int64) * 10_000 + of_rows
    numbers = keys.replace_strict(dict(_by_year()[kind]), default=None, return_dtype=pl.Int32)
    return codes.scatter(rows, numbers.fill_null(codes.gather(rows)))
