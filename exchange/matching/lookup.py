"""Looks up rows by key. One of the modules that are written for speed; the others: ``octets.py``, ``distinct.py``.

A snapshot lies on disk sorted by key as uncompressed Arrow and is mapped into memory, so opening it reads nothing and a
lookup touches only the pages that it needs. Texts, dates and codes are dictionary-encoded (``snapshots/columns.py``);
``take`` gives the values.

Wanted keys are sorted before they are sought: neighbours share pages and caches. Where so many are wanted that most
pages are touched anyway, each is sought among every 32nd key first, and then all do the rest of their binary search
together: 115,000 keys in 27,000,000 take 16 ms instead of 27. Where a table is small beside the wanted keys, as one of
offence records is, a hash filter first drops nine of ten that it does not hold, before anything is sorted: 115,000 in
162,000 take 2 ms instead of 4.

Everything else of the matching is plain Polars and knows nothing of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from exchange.base.errors import Halt

Keys = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]

_STRETCH: Final = 32
"""One key in so many is looked at first; a power of 2."""
_DENSE: Final = 1024
"""Stretches pay where at least one in so many keys is wanted: so many lie in two pages."""

_FEW: Final = 4
"""A table with fewer keys than this times the wanted ones gets a filter; a dictionary with fewer texts than this times
the rows is converted to Polars once, so that no text is copied.
"""
_LOOSE: Final = 4
"""Cells of the filter for each key, at least."""
_SCATTERS: Final = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ by the golden ratio (Knuth 6.4)
_BITS: Final = 64


@dataclass(frozen=True)
class Matches:
    """Pairs of a wanted key's position and a row of the table: int64[m] each; a key in several rows makes several
    pairs.
    """

    wanted: Rows
    row: Rows


class _Filter:
    """A hash filter with one hash function: a key whose cell is empty is certainly not among the keys."""

    def __init__(self, keys: Keys) -> None:
        bits = (len(keys) * _LOOSE | 1).bit_length()
        self._shift = np.uint64(_BITS - bits)
        self._filled = np.zeros(1 << bits, dtype=bool)
        self._filled[self._cells(keys)] = True

    def passing(self, keys: Keys) -> Rows:
        """The positions of the keys that may be there: int64[m], ascending."""
        return np.flatnonzero(self._filled.take(self._cells(keys)))

    def _cells(self, keys: Keys) -> Rows:
        return (keys.view(np.uint64) * _SCATTERS >> self._shift).view(np.int64)


class SortedTable:
    """An Arrow table sorted by its int64 column ``key``; no nulls in the key."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self._columns: dict[str, pa.Array] = {}
        self._whole: dict[str, pl.Series] = {}  # the same memory, of what numpy cannot read: bits, and nulls
        self._values: dict[str, pl.Series] = {}  # of dictionaries, once there are many rows to read of them
        self.keys: Keys = _array(self._column("key"))

    @property
    def columns(self) -> list[str]:
        """The names of all columns but the key."""
        return [name for name in self.table.column_names if name != "key"]

    def find(self, wanted: Keys) -> Matches:
        """The rows of each wanted key, as pairs of positions (int64[m] each: in ``wanted``, in the table); in no
        particular order, none for a key that no row has.
        """
        filtered = len(wanted) * _FEW > len(self.keys)
        places = self._filter.passing(wanted) if filtered else np.arange(len(wanted))
        keys = wanted[places] if filtered else wanted
        if not (keys[1:] >= keys[:-1]).all():
            rising = np.argsort(keys)
            places, keys = places[rising], keys[rising]
        positions, row = self._pairs(keys)
        return Matches(places[positions], row)

    def contains(self, wanted: Keys) -> npt.NDArray[np.bool_]:
        """Whether any row has this key, for each wanted one: bool[n], in the order of ``wanted``."""
        present = np.zeros(len(wanted), dtype=bool)
        present[self.find(wanted).wanted] = True
        return present

    def take(self, rows: Rows, columns: Sequence[str]) -> pl.DataFrame:
        """These columns of these rows (int64[n]): a frame of n rows, in the order of ``rows``, in the dtypes of the
        snapshot; nulls for a row below 0. Halt where the snapshot lacks a column; IndexError for a row behind the last.
        """
        if len(rows) and rows.max() >= len(self.keys):
            msg = f"row {rows.max()} of a table of {len(self.keys)}"
            raise IndexError(msg)
        absent = rows < 0
        nobody = pl.Series(absent) if absent.any() else None
        return pl.DataFrame([self._taken(name, rows, nobody).alias(name) for name in columns])

    def numbers(self, rows: Rows, column: str) -> Rows:
        """A column of row numbers or keys, without nulls, at ``rows`` (int64[n]): int64[n], in their order. Halt where
        the snapshot lacks it.
        """
        numbers: Rows = _array(self._column(column))[rows].astype(np.int64)
        return numbers

    def _taken(self, name: str, rows: Rows, nobody: pl.Series | None) -> pl.Series:
        column = self._column(name)
        if not pa.types.is_dictionary(column.type):
            return self._picked(name, column, rows, nobody)
        codes = self._picked(name, column.indices, rows, nobody)
        if len(rows) * _FEW < len(column.dictionary):
            return pl.Series(column.dictionary.take(codes.to_arrow()))
        if name not in self._values:
            self._values[name] = _series(column.dictionary)
        return self._values[name].gather(codes)

    def _picked(self, name: str, column: pa.Array, rows: Rows, nobody: pl.Series | None) -> pl.Series:
        """The values of the column, or its codes, at these rows; null where ``nobody`` is true: at rows below 0."""
        if pa.types.is_integer(column.type) and len(column) and not column.null_count:
            picked = pl.Series(_array(column).take(rows, mode="clip"))
        elif pa.types.is_boolean(column.type) and len(column) and not column.null_count:
            picked = pl.Series(_bits(column, rows))
        else:
            if name not in self._whole:
                self._whole[name] = _series(column)
            if not len(column):
                return self._whole[name].clear(len(rows))
            picked = self._whole[name].gather(rows if nobody is None else rows.clip(min=0))
        return picked if nobody is None else picked.set(nobody, None)

    def _pairs(self, needles: Keys) -> tuple[Rows, Rows]:
        """(position in ``needles``, which are ascending, row) of every two equal keys."""
        if not len(self.keys):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        first = self._places(needles)
        hit = np.flatnonzero(self.keys.take(first, mode="clip") == needles)
        first, found = first[hit], needles[hit]
        follows = (first + 1 < len(self.keys)) & (self.keys.take(first + 1, mode="clip") == found)
        if not follows.any():
            return hit, first
        count = np.ones(len(hit), np.int64)
        count[follows] = np.searchsorted(self.keys, found[follows], side="right") - first[follows]
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return np.repeat(hit, count), np.repeat(first, count) + within

    def _places(self, needles: Keys) -> Rows:
        """``searchsorted`` of the needles, which are ascending."""
        if len(needles) * _DENSE < len(self.keys):
            return np.searchsorted(self.keys, needles)
        below = (np.searchsorted(self._stretches, needles) - 1) * _STRETCH  # the last smaller key that is known of
        half = _STRETCH // 2
        while half:
            below += (self.keys.take(below + half, mode="clip") < needles) * np.int64(half)
            half //= 2
        places: Rows = np.clip(below + 1, 0, len(self.keys))
        return places

    @cached_property
    def _stretches(self) -> Keys:
        return np.ascontiguousarray(self.keys[::_STRETCH])

    @cached_property
    def _filter(self) -> _Filter:
        return _Filter(self.keys)

    def _column(self, name: str) -> pa.Array:
        if name not in self._columns:
            if name not in self.table.column_names:
                msg = f"the snapshot has no column {name}: it is of an earlier release; build it anew"
                raise Halt(msg)
            self._columns[name] = _whole(self.table.column(name))
        return self._columns[name]


def _whole(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 0:  # as an empty table comes out of its file; pyarrow cannot combine no codes at all
        return pa.nulls(0, column.type)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _series(column: pa.Array) -> pl.Series:
    """The column as a Polars series in the same memory, but for texts. (``pl.Series(column)`` would load pyarrow's
    functions, for a tenth of a second.)
    """
    frame = pl.from_arrow(pa.record_batch([column], ["values"]))
    assert isinstance(frame, pl.DataFrame)
    return frame.to_series()


def _bits(column: pa.Array, rows: Rows) -> npt.NDArray[np.bool_]:
    octets, places = np.frombuffer(column.buffers()[1], np.uint8), rows + column.offset
    bits: npt.NDArray[np.bool_] = octets.take(places >> 3, mode="clip") >> (places & 7).astype(np.uint8) & 1 == 1
    return bits


def _array(column: pa.Array) -> npt.NDArray[Any]:
    """The column as a numpy array in the same memory. (pyarrow's own way loads pandas, for a third of a second, and so
    does its way from numpy.)
    """
    return np.from_dlpack(column)
