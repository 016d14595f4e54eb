"""Identity numbers of the province (GB 11643): every one is given once, and none is given by accident.

Rules: odd sequences are male, even ones female. A chunk of people has sequences of its own in every place and day, so
that chunks made one by one never meet. What is planted has sequences that nobody else gets:

    001-988  everybody
    990-991  the second number of a person registered twice
    992-993  a superseded number
    994-995  nobody: a number that is not in the register
    996-999  people born in the eighteen hundreds, for whom 15-digit numbers kept them
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from exchange.demo.province.divisions import Ints
from exchange.matching.id_numbers import check_character

SECOND: Final = 990
SUPERSEDED: Final = 992
NOBODYS: Final = 994
CENTENARIANS: Final = 996
CAPACITY: Final = 494
"""People of one sex, one place and one day that can have a number."""

_STRIDE: Final = 211  # has no divisor in common with CAPACITY: neighbours get numbers that do not look like a count


def number_of(key: pl.Expr) -> pl.Expr:
    """String: the 18 characters of a key (Int64 of 17 digits)."""
    return pl.concat_str(key.cast(pl.String), check_character(key))


def key_of(number: pl.Expr) -> pl.Expr:
    """Int64: the key inside an 18-character number."""
    return number.str.slice(0, 17).cast(pl.Int64)


def kept(key: pl.Expr, sequence: int) -> pl.Expr:
    """Int64: a key of the same place and day with one of the two sequences from ``sequence`` (even) on: the one that
    fits the sex.
    """
    return key // 1000 * 1000 + sequence + key % 2


def base(division: pl.Expr, born: pl.Expr) -> pl.Expr:
    """Int64: a key without its sequence, of a division (Int64) and a day of birth (Date)."""
    day = born.dt.year().cast(pl.Int64) * 10_000 + born.dt.month().cast(pl.Int64) * 100 + born.dt.day()
    return division * 100_000_000_000 + day * 1000


def with_keys(people: pl.DataFrame, chunk: int, chunks: int) -> pl.DataFrame:
    """Adds ``key`` (Int64) to people with ``number_division``, ``born``, ``sex`` and ``household``; this is chunk
    number ``chunk`` of ``chunks``. A household of which a member finds the day full is left out (of 27 million people,
    some hundred and thirty). ValueError where there are more chunks than numbers.
    """
    room = CAPACITY // chunks
    if room == 0:
        msg = f"at most {CAPACITY} chunks"
        raise ValueError(msg)
    people = people.with_columns(base(pl.col("number_division"), pl.col("born")).alias("key"))
    people = people.with_columns(rank=_ranks((people["key"] + people["sex"]).to_numpy()))
    full = people.filter(pl.col("rank") >= room)["household"].unique()
    if full.len():
        people = people.filter(~pl.col("household").is_in(full.implode()))
    position = ((pl.col("rank") + chunk * room) * _STRIDE + pl.col("key") // 1000) % CAPACITY
    return people.with_columns((pl.col("key") + position * 2 + pl.col("sex")).alias("key")).drop("rank")


def _ranks(groups: Ints) -> pl.Series:
    """For each entry how many equal ones stand before it; ten times as fast as a window over so many small groups."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    fresh = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    start = np.maximum.accumulate(np.where(fresh, np.arange(len(groups)), 0))
    ranks = np.empty(len(groups), np.int64)
    ranks[order] = np.arange(len(groups)) - start
    return pl.Series(ranks)
