"""From keys to rows: the one room that is built for speed.

A snapshot lies on disk sorted by key as uncompressed Arrow and is mapped into memory, so opening it reads nothing and a
lookup touches only the pages that it needs. Wanted keys are sorted before the search for the same reason: neighbours
share pages. Measured before this was built, 1,000,000 rows against 27,000,000 people on 2 cores: search and gather
0.25 s of a match of 1.0 s, where a Polars join on the same files took 3.4 to 8.8 s and DuckDB 1.7 s.

Everything else of the matching is plain Polars and knows nothing of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Keys = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """Pairs of a wanted key's place and a row of the table; a key that stands in many rows makes many pairs."""

    wanted: Rows
    row: Rows


class SortedTable:
    """An Arrow table sorted by its int64 column ``key``; one chunk, no nulls in the key."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        chunks = table.column("key").chunks
        self.keys: Keys = chunks[0].to_numpy(zero_copy_only=True) if chunks else np.empty(0, np.int64)

    def find(self, wanted: Keys) -> Found:
        """The rows of each wanted key; in no particular order."""
        order = np.argsort(wanted, kind="stable")
        ordered = wanted[order]
        left = np.searchsorted(self.keys, ordered, side="left")
        inside = left < len(self.keys)
        hit = np.zeros(len(ordered), dtype=bool)
        hit[inside] = self.keys[left[inside]] == ordered[inside]
        left, place = left[hit], order[hit]
        many = np.zeros(len(left), dtype=bool)
        follows = left + 1 < len(self.keys)
        many[follows] = self.keys[left[follows] + 1] == self.keys[left[follows]]
        first = Found(place, left)
        return first if not many.any() else self._with_followers(first, many)

    def _with_followers(self, first: Found, many: npt.NDArray[np.bool_]) -> Found:
        """Adds the rows after the first for the few keys that stand in several rows."""
        start, place = first.row[many], first.wanted[many]
        count = np.searchsorted(self.keys, self.keys[start], side="right") - start
        extra_place = np.repeat(place, count - 1)
        ends = np.cumsum(count - 1)
        within = np.arange(len(extra_place)) - np.repeat(ends - (count - 1), count - 1)
        extra_row = np.repeat(start, count - 1) + 1 + within
        return Found(np.concatenate([first.wanted, extra_place]), np.concatenate([first.row, extra_row]))

    def contains(self, wanted: Keys) -> npt.NDArray[np.bool_]:
        """For each wanted key whether any row has it."""
        present = np.zeros(len(wanted), dtype=bool)
        present[self.find(wanted).wanted] = True
        return present

    def take(self, rows: Rows, columns: Sequence[str]) -> pl.DataFrame:
        """These columns of these rows, in the order of ``rows``."""
        frame = pl.from_arrow(self.table.select(list(columns)).take(pa.array(rows)))
        assert isinstance(frame, pl.DataFrame)
        return frame
