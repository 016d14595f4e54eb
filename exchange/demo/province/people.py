"""Households and their people, chunk by chunk: a province is made as a stream, not as a whole.

Every person is invented: an identity number has a real division and a sound check character, but its sequence comes
from a counter, and nobody was asked. The oddities of a real register are planted at small rates and known by
``oddity``:

    doubtful     information level 30
    shared       two people under one number
    doubled      one person registered under an old and a new number
    superseded   a corrected number, the old one on record
    cancelled    died, or left
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from exchange.demo.province.names import make_names
from exchange.matching.id_numbers import check_character
from exchange.places import SCHEMAS

CHUNK: Final = 250_000
FIRST_BIRTH: Final = date(1926, 1, 1)
LAST_BIRTH: Final = date(2026, 6, 30)
ODDITIES: Final = {"doubtful": 0.001, "superseded": 0.002, "cancelled": 0.01}
PAIRED_ODDITIES: Final = {"shared": 0.0002, "doubled": 0.0002}
_ETHNICITIES: Final = {1: 0.910, 10: 0.040, 11: 0.033, 2: 0.008, 3: 0.006, 5: 0.001, 38: 0.001, 33: 0.001}
_RELATIONS: Final = np.array(["01", "10", "20", "30", "52", "53", "20"])  # GB/T 4761, by place in the household
_STREETS: Final = np.array(["人民大街", "解放路", "建设街", "前进村", "和平委", "团结路", "光明街"])
_MILLION: Final = 1_000_000

Ints = npt.NDArray[np.int64]


def county_codes() -> Ints:
    """The county-level divisions of ``schemas/divisions.csv``."""
    codes = pl.read_csv(SCHEMAS / "divisions.csv", infer_schema=False)["code"]
    return codes.filter(~codes.str.ends_with("00")).cast(pl.Int64).to_numpy()


def make_people(seed: int, people: int) -> Iterator[pl.DataFrame]:
    """Chunks of the population export (all columns String, see ``schemas/exports.toml``) plus ``oddity``; at least
    ``people`` records in all, the same ones for the same seed.
    """
    for number, start in enumerate(range(0, people, CHUNK)):
        random = np.random.default_rng([seed, number])
        yield _with_pairs(random, _chunk(random, start, min(CHUNK, people - start)))


def _chunk(random: np.random.Generator, start: int, count: int) -> pl.DataFrame:
    counties = county_codes()
    first_division = random.choice(counties, count)
    born = _birth_days(random, count)
    ethnicity = random.choice(list(_ETHNICITIES), count, p=list(_ETHNICITIES.values()))
    serial = start + np.arange(count)
    # The sequence (odd: male) repeats only where division and birthday do; a running count keeps numbers apart.
    frame = pl.DataFrame(
        {
            "serial": serial,
            "born": born,
            "first_division": first_division,
            "sex": random.integers(1, 3, count),
            "ethnicity": ethnicity,
        }
    )
    frame = frame.with_columns(_key(serial)).unique("key", keep="first", maintain_order=True)
    frame = frame.with_columns(pl.Series("name", make_names(random, *_columns(frame, "sex", "ethnicity"))))
    return _as_export(random, frame, counties)


def _columns(frame: pl.DataFrame, *names: str) -> list[Ints]:
    return [frame[name].to_numpy() for name in names]


def _birth_days(random: np.random.Generator, count: int) -> pl.Series:
    days = random.beta(1.6, 1.4, count) * (LAST_BIRTH - FIRST_BIRTH).days
    return pl.Series(days.astype(np.int32) + (FIRST_BIRTH - date(1970, 1, 1)).days).cast(pl.Date)


def _key(serial: Ints) -> pl.Expr:
    """17 digits: division, birthday, sequence 001-990 whose last digit fits the sex."""
    sequence = pl.Series(serial * 7 % 495 * 2 + 1)
    fitting = pl.when(pl.col("sex") == 1).then(sequence).otherwise(sequence + 1)
    day = pl.col("born").dt.strftime("%Y%m%d").cast(pl.Int64)
    return (pl.col("first_division") * 100_000_000_000 + day * 1000 + fitting).alias("key")


def number_of(key: pl.Expr) -> pl.Expr:
    """The 18 characters of a key."""
    return pl.concat_str(key.cast(pl.String), check_character(key))


def _as_export(random: np.random.Generator, frame: pl.DataFrame, counties: Ints) -> pl.DataFrame:
    count = frame.height
    moved = random.random(count) < 0.15
    division = np.where(moved, random.choice(counties, count), frame["first_division"].to_numpy())
    place = random.integers(0, len(_RELATIONS), count)
    odd = _oddities(random, count)
    house = np.char.add(random.integers(1, 400, count).astype(str), "号（虚构）")
    street = np.char.add(random.choice(_STREETS, count), house)
    former_key = pl.col("key") + 2 * int(random.integers(1, 4))
    return frame.select(
        number_of(pl.col("key")).alias("id_number"),
        pl.when(pl.Series(odd == "superseded"))
        .then(number_of(former_key))
        .otherwise(pl.lit(""))
        .alias("former_id_number"),
        "name",
        pl.lit("").alias("former_name"),
        pl.col("sex").cast(pl.String),
        pl.col("born").dt.strftime("%Y-%m-%d").alias("birth_date"),
        pl.col("ethnicity").cast(pl.String).str.zfill(2),
        pl.col("first_division").cast(pl.String).alias("birthplace"),
        pl.col("first_division").cast(pl.String).alias("native_place"),
        pl.Series("registered_division", division).cast(pl.String),
        pl.Series("registered_address", street),
        (pl.col("serial") // 3 + _MILLION).cast(pl.String).alias("household_number"),
        pl.Series("relation", _RELATIONS[place]),
        pl.Series("information_level", np.where(odd == "doubtful", "30", "")),
        pl.Series("status", np.where(odd == "cancelled", "cancelled", "normal")),
        pl.Series("cancelled_reason", np.where(odd == "cancelled", "death", "")),
        pl.Series("cancelled_on", np.where(odd == "cancelled", "2026-05-01", "")),
        pl.Series("oddity", odd),
    )


def _oddities(random: np.random.Generator, count: int) -> npt.NDArray[np.str_]:
    shares = [1 - sum(ODDITIES.values()), *ODDITIES.values()]
    return random.choice(np.array(["", *ODDITIES]), count, p=shares)


def _with_pairs(random: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    """Adds second records: another person under the same number, and the same person under an old one."""
    plain = frame.filter(pl.col("oddity") == "").with_row_index("row")
    counts = {oddity: round(share * frame.height) for oddity, share in PAIRED_ODDITIES.items()}
    chosen = random.choice(plain.height, sum(counts.values()), replace=False)
    shared = plain[chosen[: counts["shared"]].tolist()]
    doubled = plain[chosen[counts["shared"] :].tolist()]
    kinds = pl.concat(
        [shared.select("id_number", oddity=pl.lit("shared")), doubled.select("id_number", oddity=pl.lit("doubled"))]
    )
    other = shared.with_columns(
        pl.concat_str(pl.lit("佟"), pl.col("name").str.slice(1)).alias("name"), oddity=pl.lit("shared")
    )
    key = pl.col("id_number").str.slice(0, 17).cast(pl.Int64)
    second = number_of((key // 1000) * 1000 + 990 + (key % 2))
    renewed = doubled.with_columns(
        second.alias("id_number"), pl.col("id_number").alias("former_id_number"), oddity=pl.lit("doubled")
    )
    marked: pl.DataFrame = frame.update(kinds, on="id_number")
    added: pl.DataFrame = pl.concat([other, renewed]).drop("row").select(frame.columns)
    return pl.concat([marked, added.filter(~pl.col("id_number").is_in(_taken(marked, renewed).implode()))])


def _taken(frame: pl.DataFrame, renewed: pl.DataFrame) -> pl.Series:
    """Second numbers that somebody else bears already; those pairs are not made."""
    return renewed.join(frame.select("id_number"), on="id_number").get_column("id_number")
