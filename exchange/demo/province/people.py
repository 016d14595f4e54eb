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
HOUSEHOLD: Final = 4
MOVED_SHARE: Final = 0.15
FIRST_BIRTH: Final = date(1926, 1, 1)
LAST_BIRTH: Final = date(2026, 6, 30)
ODDITIES: Final = {"doubtful": 0.001, "superseded": 0.002, "cancelled": 0.01}
PAIRED_ODDITIES: Final = {"shared": 0.0002, "doubled": 0.0002}
_ETHNICITIES: Final = {1: 0.910, 10: 0.040, 11: 0.033, 2: 0.008, 3: 0.006, 5: 0.001, 38: 0.001, 33: 0.001}
_RELATIONS: Final = np.array(["02", "10", "30", "30"])  # GB/T 4761: head, spouse, daughter; a son is 20
_STREETS: Final = np.array(["人民大街", "解放路", "建设街", "前进村", "和平委", "团结路", "光明街"])
_MILLION: Final = 1_000_000
_EPOCH: Final = date(1970, 1, 1)

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
    frame = _households(random, start, count)
    frame = frame.with_columns(_key(frame["serial"].to_numpy())).unique("key", keep="first", maintain_order=True)
    frame = frame.with_columns(pl.Series("name", make_names(random, *_columns(frame, "sex", "ethnicity"))))
    return _as_export(random, frame)


def _households(random: np.random.Generator, start: int, count: int) -> pl.DataFrame:
    """Who lives together: a head, a spouse near in age, and two children a generation younger, at one address."""
    serial = start + np.arange(count)
    home, place = np.arange(count) // HOUSEHOLD, serial % HOUSEHOLD
    homes = int(home[-1]) + 1
    child = place > 1
    apart = np.where(child, random.uniform(20, 38, count), np.where(place == 1, random.normal(0, 3, count), 0.0))
    born = _head_births(random, homes)[home] + (apart * 365.25).astype(np.int64)
    latest = (LAST_BIRTH - _EPOCH).days
    born = np.where(born > latest, latest - random.integers(0, 5000, count), born)
    head_sex = random.integers(1, 3, homes)[home]
    sex = np.where(child, random.integers(1, 3, count), np.where(place == 1, 3 - head_sex, head_sex))
    counties = county_codes()
    division = random.choice(counties, homes)[home]
    house = np.char.add(random.integers(1, 400, homes).astype(str), "号（虚构）")
    return pl.DataFrame(
        {
            "serial": serial,
            "household": serial // HOUSEHOLD + _MILLION,
            "relation": np.where(child & (sex == 1), "20", _RELATIONS[place]),
            "born": pl.Series(born.astype(np.int32)).cast(pl.Date),
            "sex": sex,
            "ethnicity": random.choice(list(_ETHNICITIES), homes, p=list(_ETHNICITIES.values()))[home],
            "division": division,
            "first_division": np.where(random.random(count) < MOVED_SHARE, random.choice(counties, count), division),
            "address": np.char.add(random.choice(_STREETS, homes), house)[home],
        }
    )


def _head_births(random: np.random.Generator, homes: int) -> Ints:
    """Days since 1970 of the heads' birthdays; the youngest is twenty."""
    days = random.beta(1.6, 1.4, homes) * ((LAST_BIRTH - FIRST_BIRTH).days - 20 * 366)
    return days.astype(np.int64) + (FIRST_BIRTH - _EPOCH).days


def _columns(frame: pl.DataFrame, *names: str) -> list[Ints]:
    return [frame[name].to_numpy() for name in names]


def _key(serial: Ints) -> pl.Expr:
    """17 digits: division, birthday, sequence 001-990 whose last digit fits the sex."""
    sequence = pl.Series(serial * 7 % 495 * 2 + 1)
    fitting = pl.when(pl.col("sex") == 1).then(sequence).otherwise(sequence + 1)
    day = pl.col("born").dt.strftime("%Y%m%d").cast(pl.Int64)
    return (pl.col("first_division") * 100_000_000_000 + day * 1000 + fitting).alias("key")


def number_of(key: pl.Expr) -> pl.Expr:
    """The 18 characters of a key."""
    return pl.concat_str(key.cast(pl.String), check_character(key))


def _as_export(random: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    odd = _oddities(random, frame.height)
    former_key = pl.col("key") + 2 * int(random.integers(1, 4))
    superseded, cancelled = pl.Series(odd == "superseded"), pl.Series(odd == "cancelled")
    empty = pl.lit("")
    return frame.select(
        number_of(pl.col("key")).alias("id_number"),
        pl.when(superseded).then(number_of(former_key)).otherwise(empty).alias("former_id_number"),
        "name",
        empty.alias("former_name"),
        pl.col("sex").cast(pl.String),
        pl.col("born").dt.strftime("%Y-%m-%d").alias("birth_date"),
        pl.col("ethnicity").cast(pl.String).str.zfill(2),
        pl.col("first_division").cast(pl.String).alias("birthplace"),
        pl.col("first_division").cast(pl.String).alias("native_place"),
        pl.col("division").cast(pl.String).alias("registered_division"),
        pl.col("address").alias("registered_address"),
        pl.col("household").cast(pl.String).alias("household_number"),
        "relation",
        pl.when(pl.Series(odd == "doubtful")).then(pl.lit("30")).otherwise(empty).alias("information_level"),
        pl.when(cancelled).then(pl.lit("cancelled")).otherwise(pl.lit("normal")).alias("status"),
        pl.when(cancelled).then(pl.lit("death")).otherwise(empty).alias("cancelled_reason"),
        pl.when(cancelled).then(pl.lit("2026-05-01")).otherwise(empty).alias("cancelled_on"),
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
