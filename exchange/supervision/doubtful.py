"""People of doubtful identity by division of registration, from a snapshot of the population (Yunnan's notice of 2017).

Rules: people whose registration was cancelled are not counted; the version is the last one of the month that can be
read, or the first one after it where none of the month is kept any more: what is out of use, or of the layout of
before an update, holds no report up.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from exchange.snapshots.versions import Snapshots, Version

POPULATION = "population"
SCHEMA = {"division": pl.String, "people": pl.Int64}


def version_of(snapshots: Snapshots, last: date) -> Version | None:
    """The newest version as of the month's last day or before, else the oldest after it; None where there is none."""
    versions = snapshots.readable(POPULATION)
    before = [version for version in versions if version.as_of <= last]
    return before[-1] if before else next(iter(versions), None)


def count_doubtful(version: Version | None) -> pl.DataFrame:
    """``division`` (String, six digits), ``people`` (Int64), by division; only divisions where there is somebody."""
    if version is None:
        return pl.DataFrame(schema=SCHEMA)
    people = version.open("people")
    doubtful = np.flatnonzero(people.table.column("doubt").to_numpy())
    frame = people.take(doubtful, ["registered_division", "cancelled"])
    counts = frame.filter(~pl.col("cancelled")).group_by("registered_division").len()
    division = pl.col("registered_division").cast(pl.String).fill_null("000000").alias("division")
    return counts.select(division, pl.col("len").cast(pl.Int64).alias("people")).sort("division")
