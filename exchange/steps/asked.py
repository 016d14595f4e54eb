"""The identity numbers that a batch asks about, as keyed hashes, collected while its rows are processed.

Rules: every number that can be read, of the person and of the relative or mother asked with; in whatever form it was
written its hash is that of the person's key. A row of an objection asks about those of the row that it objects to. Who
is asked about without a number (``unregistered`` by name) is not in the index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl

from exchange.base.keyed import Hashes, KeyRing, Kind
from exchange.matching.id_numbers import KEY, standardise
from exchange.register.told import RowNumbers, Told
from exchange.steps.rows import REFERENCE

NUMBERS: Final = ("id_number", "relative_id_number", "mother_id_number")

NumberKeys = Mapping[str, pl.Series]
"""Column of numbers → the person's key in each row (Int64, null where none can be read), in the rows' order."""


def number_keys(claims: pl.DataFrame, today: date, known: NumberKeys = MappingProxyType({})) -> NumberKeys:
    """The keys in each column of numbers that the claims have. They are read once for all uses, since reading costs as
    much as matching. ``known``: columns of these claims that were read before.
    """
    return {
        column: known[column] if column in known else _read(claims[column], today)
        for column in NUMBERS
        if column in claims.columns
    }


def _read(numbers: pl.Series, today: date) -> pl.Series:
    return standardise(numbers.alias("id_number").to_frame(), today)[KEY]


@dataclass
class Asked:
    """Collects one batch's part of the index. ``earlier``: of an objection, the claims of the batch objected to."""

    ring: KeyRing
    earlier: pl.DataFrame | None = None
    _hashes: list[Hashes] = field(default_factory=list)
    _rows: list[RowNumbers] = field(default_factory=list)

    def claims(self, asked: pl.DataFrame) -> pl.DataFrame:
        """Whom these rows ask about, in their order: of an objection, the claims of the rows that they object to."""
        if self.earlier is None:
            return asked
        known = self.earlier.filter(pl.col(REFERENCE).is_unique())
        return asked.select(REFERENCE).join(known, on=REFERENCE, how="left", maintain_order="left")

    def add(self, keys: NumberKeys, first: int) -> None:
        """Adds the numbers of a part of the rows. ``first``: the number in the batch of the part's first row."""
        for read in keys.values():
            positions = read.is_not_null().arg_true()
            self._hashes.append(self.ring.hashed(read.gather(positions).to_numpy(), Kind.NUMBER))
            self._rows.append((positions.to_numpy() + first).astype(np.uint32))

    def told(self) -> Told:
        """All that was added, for the register."""
        return Told.of(self.ring, self._hashes, self._rows)
