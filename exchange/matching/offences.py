"""``criminal_record`` (无违法犯罪记录): what the five offence sources hold of a person.

Rules
- A person is looked for by the present number and by every number borne before.
- Anyone with a record of whatever kind goes to an officer; the machine never releases a hit and never calls it *no
  record*.
- A missing source, or one older than its limit, makes the row wait; it is never *no record*.
- *No record* leaves only with the leader's approval, which an agreement may hold in advance for ad hoc requests;
  without it the row is *awaiting approval*.
- Sealed juvenile records are not in the snapshots at all (``snapshots/offences.py``), so that nothing here can know.

Sources: Jilin's notice of 2015, section 3; national rules on criminal-record queries of 2021, articles 2, 3 and 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from exchange.matching.identity import NOBODY, Population
from exchange.matching.lookup import Rows, SortedTable
from exchange.tables import OFFENCE_SOURCES

CODE = "criminal_record"


@dataclass(frozen=True)
class OffenceSources:
    """The sources that are there and fresh, by code; and whether *no record* was approved in advance."""

    tables: Mapping[str, SortedTable]
    approved: bool

    @property
    def all_ready(self) -> bool:
        return set(self.tables) == set(OFFENCE_SOURCES)


def answer(persons: Rows, population: Population, sources: OffenceSources) -> pl.Series:
    """The answer code for each person (a row of the population, or NOBODY, whose answer is not used)."""
    hit = np.zeros(len(persons), dtype=bool)
    known = np.flatnonzero(persons != NOBODY)
    before, former = population.former_keys(persons[known])
    place = np.concatenate([known, known[before]])
    keys = np.concatenate([population.people.keys[persons[known]], former])
    for table in sources.tables.values():
        hit[place[table.contains(keys)]] = True
    clean = "no_record" if sources.approved else "awaiting_approval"
    if not sources.all_ready:
        clean = "source_not_ready"
    return pl.Series(CODE, np.where(hit, "under_review", clean), dtype=pl.String)
