"""The identity numbers that a batch asks about, as keyed hashes, while its rows go by.

Rules: every number that can be read, of the person and of the relative or mother asked with; in whatever form it was
written its hash is that of the person's key. A row of an objection asks about those of the row that it objects to. Who
is asked about without a number (``unregistered`` by name) is not in the index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from exchange.base.keyed import Hashes, KeyRing, Kind
from exchange.matching.id_numbers import standardise
from exchange.matching.lookup import Keys
from exchange.register.told import RowNumbers, Told
from exchange.steps.rows import REFERENCE

NUMBERS: Final = ("id_number", "relative_id_number", "mother_id_number")


@dataclass
class Asked:
    """The index of a batch in the making."""

    ring: KeyRing
    today: date
    earlier: pl.DataFrame | None = None
    _hashes: list[Hashes] = field(default_factory=list)
    _rows: list[RowNumbers] = field(default_factory=list)

    def add(self, asked: pl.DataFrame, first: int) -> None:
        """Rows of the request, of which the first has this number. ``earlier``: of an objection, the claims that are
        objected to.
        """
        if self.earlier is not None:
            known = self.earlier.filter(pl.col(REFERENCE).is_unique())
            asked = asked.select(REFERENCE).join(known, on=REFERENCE, how="left", maintain_order="left")
        for keys, positions in numbers_asked(asked, self.today):
            self._hashes.append(self.ring.hashed(keys, Kind.NUMBER))
            self._rows.append((positions + first).astype(np.uint32))

    def told(self) -> Told:
        return Told.of(self.ring, self._hashes, self._rows)


def numbers_asked(asked: pl.DataFrame, today: date) -> Iterator[tuple[Keys, Keys]]:
    """Of each column of numbers that there is: the keys that can be read, int64[n], and in which places they stand."""
    for column in NUMBERS:
        if column in asked.columns:
            read = standardise(asked.select(pl.col(column).alias("id_number")), today)["key"]
            positions = read.is_not_null().arg_true()
            yield read.gather(positions).to_numpy(), positions.to_numpy().astype(np.int64)
