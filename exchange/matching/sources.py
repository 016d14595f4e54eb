"""What a batch is matched against: the register of people, and the records of the other sources that are fresh."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from exchange.base.legal_bases import LegalBasis
from exchange.matching.identity import Population
from exchange.matching.lookup import SortedTable

UNCLEAR: Final = "unclear"
"""The kind of a record whose kind or effective day cannot be read; what cannot be read may decide (``what_counts``)."""


@dataclass(frozen=True)
class Sources:
    """The sources of one batch. ``records``: by source code, only sources that are there and fresh; ``approved``:
    whether *no record* may leave by an approval given in advance; ``tells_cancellation``: whether rows of people whose
    registration is cancelled say so; ``bases``: the legal bases of the purpose, none where it asks nothing about
    offences; ``asked_on``: the day of receipt, from which spans count back; left out, none has ended.
    """

    population: Population
    records: Mapping[str, SortedTable]
    approved: bool = False
    tells_cancellation: bool = False
    bases: Sequence[LegalBasis] = ()
    asked_on: date = date.min

    def ready(self, needed: Iterable[str]) -> bool:
        """Whether all these sources are there and fresh."""
        return set(needed) <= set(self.records)
