"""The offence records of people that count for the purpose they are asked for; no other leaves this file.

Rules: a person is looked for by the present number and by every number borne before, in all sources that are there,
because what counts may be a number of records together (``what_counts.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from exchange.base.tables import OFFENCE_SOURCES
from exchange.matching.lookup import Rows
from exchange.matching.sources import Sources
from exchange.matching.what_counts import COLUMNS, grounds, what_counts


def counted_records(persons: Rows, sources: Sources, columns: Sequence[str] = ()) -> pl.DataFrame:
    """``person`` (Int64: place in ``persons``, which are rows of the population, int64[n], NOBODY allowed), ``source``
    (String), ``row`` of its table (Int64), and these columns, of every record that counts or may count; by source, as
    ``OFFENCE_SOURCES`` has them, and row. One under a number that two people bear is there for each.
    """
    held = _held(persons, sources, columns)
    if held.height:
        held = held.filter(what_counts(held, sources.bases, sources.asked_on).is_not_null())
    return held[["person", "source", "row", *columns]]


def grounds_of(persons: Rows, sources: Sources) -> pl.DataFrame:
    """``source`` (String), ``row`` (Int64), ``counts`` and ``by`` (String; ``what_counts.grounds``) of the same
    records, each once, those that count before those of which it is unclear: where two people bear its number, as it
    counts for whom it counts.
    """
    held = _held(persons, sources, ())
    counted = pl.concat(
        [held.select("source", "row"), grounds(held, sources.bases, sources.asked_on)], how="horizontal"
    )
    return counted.drop_nulls("counts").sort("counts").unique(["source", "row"], keep="first", maintain_order=True)


def _held(persons: Rows, sources: Sources, columns: Sequence[str]) -> pl.DataFrame:
    """Every record of these people, as ``what_counts`` reads it."""
    position, keys = sources.population.numbers_of(persons)
    searched = [source for source in OFFENCE_SOURCES if source in sources.records and sources.bases]
    if not searched:
        texts = dict.fromkeys((*COLUMNS, *columns), pl.String)
        return pl.DataFrame(schema=texts | {"person": pl.Int64, "source": pl.String, "row": pl.Int64})
    matches = {source: sources.records[source].find(keys) for source in searched}
    holding = [source for source in searched if len(matches[source].row)]
    read = list(dict.fromkeys((*COLUMNS, *columns) if holding else columns))
    parts = []
    for source in holding or searched[:1]:  # of the first nothing but its types
        rows = np.argsort(matches[source].row, kind="stable")
        row = matches[source].row[rows]
        held = sources.records[source].take(row, read)
        person = position[matches[source].wanted[rows]]
        origin = [
            pl.Series("person", person),
            pl.Series("row", row),
            pl.Series("source", [source] * len(row), pl.String),
        ]
        parts.append(held.hstack(origin))
    return pl.concat(parts)
