"""This software: ``python -m benchmarks.match.ours WORLD REQUEST OUT``."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from benchmarks.province import TODAY
from benchmarks.requests import MATCHED
from exchange.matching.decide import decide
from exchange.matching.identity import Population
from exchange.matching.sources import Sources
from exchange.snapshots.versions import Snapshots, Version
from exchange.tables import OFFENCE_SOURCES
from exchange.validate.table import read_table

OUT = ("row_ref", "identity", "note", *[f"answer.{item}" for item in MATCHED])


def sources(folder: Path) -> Sources:
    """The published snapshots of a world's folder, mapped."""
    people = published(folder, "population")
    return Sources(
        Population(people.open("people"), people.open("former")),
        {source: published(folder, source).open("records") for source in OFFENCE_SOURCES},
        approved=True,
    )


def published(folder: Path, source: str) -> Version:
    """The version of a source that is in use."""
    version = Snapshots(folder / "snapshots").current(source)
    if version is None:
        raise FileNotFoundError(source)
    return version


def answers(request: bytes, known: Sources) -> pl.DataFrame:
    """The columns of ``OUT`` for a request file."""
    table = read_table(request, MATCHED, request.count(b"\n") - 1)
    return decide(table, MATCHED, known, TODAY).select(OUT)


def main(folder: str, request: str, out: str) -> None:
    answers(Path(request).read_bytes(), sources(Path(folder))).write_csv(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
