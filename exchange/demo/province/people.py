"""The population export, chunk by chunk: a province is made as a stream, not as a whole.

Every person is invented: an identity number has a real division and a sound check character, but its sequence comes
from a counter, and nobody was asked. The column ``oddity`` is the answer key: what was planted in a record
(``oddities.py``), empty for most.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from exchange.demo.province import oddities
from exchange.demo.province.divisions import (
    YANBIAN,
    Ints,
    first_counties,
    home_counties,
    native_places,
    number_division,
)
from exchange.demo.province.households import make_households
from exchange.demo.province.mothers import mother_numbers
from exchange.demo.province.names import HAN, HUI, KOREAN, MANCHU, MONGOL, UYGHUR, make_names
from exchange.demo.province.numbers import number_of, with_keys

CHUNK: Final = 250_000
_XIBE, _QIANG = 38, 33
_ETHNICITIES: Final = {
    HAN: 0.910, MANCHU: 0.037, KOREAN: 0.030, MONGOL: 0.010, HUI: 0.008, UYGHUR: 0.002, _XIBE: 0.002, _QIANG: 0.001,
}  # fmt: skip
_KOREAN_IN_YANBIAN: Final = 0.33
_MIXED_SHARE: Final = 0.08
_NO_NATIVE_PLACE: Final = 101  # one record in so many does not say it
_STREETS: Final = pl.Series(["人民大街", "解放路", "建设街", "前进村", "和平委", "团结路", "光明街", "新民胡同"])


def make_people(seed: int, people: int) -> Iterator[pl.DataFrame]:
    """Chunks of the population export (all columns String, see ``schemas/exports.toml``) plus ``oddity``; a few more
    than ``people`` records in all, the same ones for the same seed and count.
    """
    starts = range(0, people, CHUNK)
    for number, start in enumerate(starts):
        random = np.random.default_rng([seed, number])
        yield _chunk(random, min(CHUNK, people - start), number, len(starts))


def _chunk(random: np.random.Generator, count: int, number: int, chunks: int) -> pl.DataFrame:
    frame = make_households(random, count)
    homes = home_counties(random, _households(frame))
    native = native_places(random, homes)
    household = frame["household"].to_numpy()
    frame = frame.with_columns(
        home=pl.Series(homes[household]),
        first=pl.Series(first_counties(random, homes[household])),
        native=pl.Series(native[household]),
        ethnicity=pl.Series(_ethnicities(random, homes, household)),
    )
    frame = frame.with_columns(number_division(pl.col("first"), pl.col("born")).alias("number_division"))
    frame = pl.concat([frame, make_names(random, frame)], how="horizontal")
    frame = with_keys(frame, number, chunks)
    frame = oddities.plant(random, frame, number, chunks)
    export = _as_export(random, frame, number * CHUNK)
    return pl.concat([export, oddities.second_records(export)])


def _households(frame: pl.DataFrame) -> int:
    return int(frame["household"].to_numpy().max()) + 1


def _ethnicities(random: np.random.Generator, homes: Ints, household: Ints) -> Ints:
    """By household, with a few who married in."""
    codes, shares = list(_ETHNICITIES), list(_ETHNICITIES.values())
    korean = (homes // 100 == YANBIAN) & (random.random(len(homes)) < _KOREAN_IN_YANBIAN)
    family = np.where(korean, KOREAN, random.choice(codes, len(homes), p=shares))[household]
    mixed = random.random(len(household)) < _MIXED_SHARE
    return np.where(mixed, random.choice(codes, len(household), p=shares), family)


def _as_export(random: np.random.Generator, frame: pl.DataFrame, first_household: int) -> pl.DataFrame:
    """The columns of the export, in its order, and ``oddity``."""
    households = _households(frame)
    household = frame["household"].to_numpy()
    street = _STREETS.gather(random.integers(0, len(_STREETS), households)[household])
    house = pl.Series(random.integers(1, 400, households)[household])
    serial = (pl.col("household") + first_household).cast(pl.String).str.zfill(9)
    return frame.select(
        number_of(pl.col("key")).alias("id_number"),
        "former_id_number",
        "name",
        "former_name",
        pl.col("sex").cast(pl.String),
        pl.col("born").cast(pl.String).alias("birth_date"),
        pl.col("ethnicity").cast(pl.String).str.zfill(2),
        pl.col("first").cast(pl.String).alias("birthplace"),
        pl.when(pl.col("key") % _NO_NATIVE_PLACE == 0)
        .then(pl.lit(""))
        .otherwise(pl.col("native").cast(pl.String))
        .alias("native_place"),
        pl.col("home").cast(pl.String).alias("registered_division"),
        pl.concat_str(street, house.cast(pl.String), pl.lit("号（虚构）")).alias("registered_address"),
        pl.concat_str(pl.col("home").cast(pl.String), serial).alias("household_number"),
        "relation",
        mother_numbers(frame).alias("mother_id_number"),
        pl.when(pl.col("oddity") == "doubtful").then(pl.lit("30")).otherwise(pl.lit("")).alias("information_level"),
        pl.when(pl.col("cancelled_on") == "").then(pl.lit("normal")).otherwise(pl.lit("cancelled")).alias("status"),
        "cancelled_reason",
        "cancelled_on",
        "oddity",
    )
