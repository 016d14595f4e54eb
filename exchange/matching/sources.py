"""What a batch is matched against: the register of people, and the records of the other sources that are fresh."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from exchange.base.tables import ALWAYS_COUNTED
from exchange.matching.identity import Population
from exchange.matching.lookup import SortedTable

UNCLEAR: Final = "unclear"
"""The kind of a record whose kind or effective day cannot be read: it counts for everybody, as an officer's."""


@dataclass(frozen=True)
class Sources:
    """``records``: by source code, only the sources that are there and within their freshness limit; ``approved``:
    whether *no record* answers may leave by an approval that was given in advance; ``tells_cancellation``: whether
    rows of people whose registration is cancelled say so; ``offence_kinds``: the kinds of record that the purpose may
    be told of.
    """

    population: Population
    records: Mapping[str, SortedTable]
    approved: bool = False
    tells_cancellation: bool = False
    offence_kinds: Collection[str] = ALWAYS_COUNTED

    def ready(self, needed: Iterable[str]) -> bool:
        return set(needed) <= set(self.records)

    @property
    def counted(self) -> list[str]:
        """The kinds that count for this purpose, and what an officer must read."""
        return [*self.offence_kinds, UNCLEAR]
