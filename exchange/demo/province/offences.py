"""Offence records of the five sources, with overlaps between them, and with juvenile records that are sealed."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from exchange.tables import OFFENCE_SOURCES

OFFENDER_SHARE: Final = 0.012
SOURCE_SHARES: Final = dict(zip(OFFENCE_SOURCES, (0.7, 0.8, 0.2, 0.6, 0.3), strict=True))
_KINDS: Final = {
    "judgment": 0.35,
    "administrative_penalty": 0.35,
    "drug": 0.15,
    "pending": 0.1,
    "non_prosecution": 0.05,
}
_SENTENCES: Final = (3, 6, 12, 24, 36, 60, 61, 120, 9999)
YOUNGEST: Final = 14
_DAYS_PER_YEAR: Final = 365.25


def make_offences(seed: int, number: int, people: pl.DataFrame) -> pl.DataFrame:
    """One record for each offender of a chunk of people: the offences export's columns plus ``sealed`` and the
    ``sources`` (list) that hold it.
    """
    random = np.random.default_rng([seed, 77, number])
    plain = people.filter(pl.col("oddity") == "")
    offenders = plain.filter(pl.Series(random.random(plain.height) < OFFENDER_SHARE))
    born = offenders["birth_date"].str.to_date()
    age_days = (YOUNGEST + random.gamma(2.0, 5.0, offenders.height)) * _DAYS_PER_YEAR
    on_birthday = random.random(offenders.height) < 0.01
    offence = (
        pl.DataFrame({"born": born, "days": age_days.astype(np.int64), "birthday": on_birthday})
        .select(
            pl.when("birthday")
            .then(pl.col("born").dt.offset_by("18y"))
            .otherwise(pl.col("born") + pl.duration(days="days"))
        )
        .to_series()
    )
    kind = pl.Series(random.choice(list(_KINDS), offenders.height, p=list(_KINDS.values())))
    months = pl.Series(random.choice(_SENTENCES, offenders.height))
    judged = kind == "judgment"
    frame = offenders.select("id_number", "name").with_columns(
        kind=kind,
        offence_date=offence,
        decided_on=offence.dt.offset_by("200d"),
        effective_on=pl.when(judged).then(offence.dt.offset_by("230d")),
        sentence_months=pl.when(judged).then(months),
        sealed=judged & (offence <= born.dt.offset_by("18y")) & (months <= 60),
        sources=_sources(random, offenders.height),
    )
    return frame.filter(pl.col("offence_date") < pl.date(2026, 1, 1))


def _sources(random: np.random.Generator, count: int) -> pl.Series:
    """At least one source for each record."""
    inside = np.column_stack([random.random(count) < share for share in SOURCE_SHARES.values()])
    inside[~inside.any(axis=1), 1] = True
    names = np.array(OFFENCE_SOURCES)
    return pl.Series([names[row].tolist() for row in inside], dtype=pl.List(pl.String))
