"""What a real register has and should not, planted at small rates; ``oddity`` says in which record.

    doubtful     information level 30
    superseded   a corrected number; the old one, for half of them with another birthday inside, is on record
    cancelled    died, settled abroad, conscripted, ...; the record stays
    shared       two people under one number (both records)
    doubled      one person under an old and a new number (both records)
    centenarian  born in the eighteen hundreds, dead, with one of the sequences kept for such people

Rule: a record has one oddity at most. Each kind is planted in every chunk, however small.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import polars as pl

from exchange.demo.province.households import LAST_BIRTH
from exchange.demo.province.numbers import CENTENARIANS, SECOND, SUPERSEDED, base, kept, key_of, number_of

SHARES: Final = {"doubtful": 0.001, "superseded": 0.002, "cancelled": 0.01, "shared": 0.0002, "doubled": 0.0002}
DOUBTS: Final = ("doubtful", "shared", "doubled")
"""Those of whom no plain *consistent* is ever said."""

CENTENARIAN_SHARE: Final = 0.0002
FIRST_CENTENARIAN: Final = date(1885, 1, 1)
CENTENARIAN_DAYS: Final = 5478  # to the end of 1899
OTHER_SURNAME: Final = "佟"
"""The surname of the second person under a shared number; nobody else in the province bears it."""

_REASONS: Final = {"death": 0.85, "settled_abroad": 0.08, "duplicate": 0.03, "other": 0.04}


def plant(random: np.random.Generator, people: pl.DataFrame, chunk: int, chunks: int) -> pl.DataFrame:
    """Adds ``oddity``, ``former_id_number``, ``cancelled_on`` and ``cancelled_reason`` (String, empty for most) to
    people with keys, and changes what the oddity changes.
    """
    people = people.with_columns(oddity=_kinds(random, people)).with_row_index("row")
    people = _as_centenarians(people, chunk, chunks)
    for changed in (_superseded(random, people), _cancelled(random, people)):
        people = people.join(changed, on="row", how="left", maintain_order="left")
    return people.with_columns(pl.col("former_id_number", "cancelled_on", "cancelled_reason").fill_null("")).drop("row")


def _kinds(random: np.random.Generator, people: pl.DataFrame) -> pl.Series:
    counts = [_count(share, people.height) for share in SHARES.values()]
    alone = random.permutation(np.flatnonzero(people["size"].to_numpy() == 1))
    old = alone[: _count(CENTENARIAN_SHARE, people.height)]
    chosen = random.permutation(random.choice(people.height, min(sum(counts), people.height), replace=False))
    code = np.zeros(people.height, np.int64)
    code[chosen] = np.repeat(np.arange(len(counts)) + 1, counts)[: len(chosen)]
    code[old] = len(counts) + 1
    return pl.Series(["", *SHARES, "centenarian"]).gather(code)


def _count(share: float, people: int) -> int:
    return max(1, round(share * people))


def _is(kind: str) -> pl.Expr:
    return pl.col("oddity") == kind


def _as_centenarians(people: pl.DataFrame, chunk: int, chunks: int) -> pl.DataFrame:
    """Birthdays and sequences go round by a count over all chunks, so that no number is given twice."""
    serial = (_is("centenarian").cum_sum().cast(pl.Int64) - 1) * chunks + chunk
    day = pl.lit(FIRST_CENTENARIAN) + pl.duration(days=serial % CENTENARIAN_DAYS)
    sequence = CENTENARIANS + serial // CENTENARIAN_DAYS % 2 * 2 + pl.col("sex") % 2
    key = base(pl.col("number_division"), day) + sequence
    return people.with_columns(
        pl.when(_is("centenarian")).then(day).otherwise("born").alias("born"),
        pl.when(_is("centenarian")).then(key).otherwise("key").alias("key"),
    )


def _superseded(random: np.random.Generator, people: pl.DataFrame) -> pl.DataFrame:
    """``former_id_number``, empty for most: the same birthday, or one a year before, that was a mistake."""
    corrected = people.select("row", "oddity", "number_division", "born", "key").filter(_is("superseded"))
    mistaken = pl.Series(random.random(corrected.height) < 0.5)
    year_before = base(pl.col("number_division"), pl.col("born").dt.offset_by("-1y")) + pl.col("key") % 1000
    former = kept(pl.when(mistaken).then(year_before).otherwise("key"), SUPERSEDED)
    return corrected.select("row", number_of(former).alias("former_id_number"))


def _cancelled(random: np.random.Generator, people: pl.DataFrame) -> pl.DataFrame:
    """Most died, centenarians after ninety; one in ten of the men old enough was conscripted at eighteen to twenty."""
    columns = ["row", "oddity", "born", "sex"]
    gone = people.select(columns).filter(pl.col("oddity").is_in(["cancelled", "centenarian"]))
    share = pl.lit(pl.Series(random.random(gone.height)))
    lived = (pl.lit(LAST_BIRTH) - pl.col("born")).dt.total_days()
    some_day = pl.col("born") + pl.duration(days=(lived * (0.3 + 0.7 * share)).cast(pl.Int64))
    at_eighteen = pl.col("born").dt.offset_by("18y") + pl.duration(days=(share * 1000).cast(pl.Int64))
    past_ninety = pl.col("born").dt.offset_by("92y") + pl.duration(days=(share * 4000).cast(pl.Int64))
    soldier = pl.Series(random.random(gone.height) < 0.1) & (pl.col("sex") == 1) & (at_eighteen <= pl.lit(LAST_BIRTH))
    reasons = random.choice(list(_REASONS), gone.height, p=list(_REASONS.values()))
    old = _is("centenarian")
    day = pl.when(old).then(past_ninety).when(soldier).then(at_eighteen).otherwise(some_day)
    reason = pl.when(~old & soldier).then(pl.lit("conscription")).otherwise(pl.Series(reasons, dtype=pl.String))
    return gone.select(
        "row",
        day.cast(pl.String).alias("cancelled_on"),
        pl.when(old).then(pl.lit("death")).otherwise(reason).alias("cancelled_reason"),
    )


def second_records(export: pl.DataFrame) -> pl.DataFrame:
    """The other records of the pairs, in households of their own: another person under the same number, and the same
    person under a second one.
    """
    alone = {"relation": pl.lit("02"), "household_number": "9" + pl.col("household_number")}
    others = export.filter(_is("shared")).with_columns(
        pl.concat_str(pl.lit(OTHER_SURNAME), pl.col("name").str.slice(1)).alias("name"), **alone
    )
    again = export.filter(_is("doubled")).with_columns(
        number_of(kept(key_of(pl.col("id_number")), SECOND)).alias("id_number"),
        pl.col("id_number").alias("former_id_number"),
        **alone,
    )
    return pl.concat([others, again])
