"""What a batch is matched against: the register of people, and the records of the other sources that are fresh."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exchange.matching.identity import Population
from exchange.matching.lookup import SortedTable


@dataclass(frozen=True)
class Sources:
    """``records``: by source code, only the sources that are there and within their freshness limit; ``approved``:
    whether *no record* answers may leave by an approval that was given in advance; ``tells_cancellation``: whether
    rows of people whose registration is cancelled say so.
    """

    population: Population
    records: Mapping[str, SortedTable]
    approved: bool = False
    tells_cancellation: bool = False

    def ready(self, needed: Iterable[str]) -> bool:
        return set(needed) <= set(self.records)
