"""Tables that are collected part by part, and stored in as few bytes as their values need.

Rules
- Texts are dictionary-encoded from the first part on: a column holds codes, its dictionary the distinct texts. So are
  dates and 32-bit numbers, of which a whole population has few different ones. Everything else is stored as it is.
- A dictionary is sorted, and its codes are of the smallest unsigned integer type that suffices. How the rows were cut
  into parts leaves no trace: the same rows in the same order give the same bytes.
- The codes sort as the texts do, so that a table is sorted without a text being touched.

Figures: ``docs/adr/0018-codes-instead-of-texts.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from exchange.matching.lookup import Rows
from exchange.snapshots.order import RowIndices, by_key, inverse

PART: Final = 250_000
"""Rows that are standardised at a time: some 100 MB of texts."""

_TOGETHER: Final = 16
"""So many parts' dictionaries are merged at a time: a part has half as many different names as rows, a whole
population a hundredth.
"""

_CODES: Final = (np.uint8, np.uint16, np.uint32)
_FEW: Final = 1 << 16
_MAX_TEXT_BYTES: Final = (1 << 31) - 1  # bytes that Arrow's 32-bit offsets reach


def in_parts(export: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """The export's rows in their order, ``PART`` at a time; first one frame without rows, so that an empty export has
    columns, too.
    """
    yield pl.DataFrame(schema=export.collect_schema())
    yield from export.collect_batches(chunk_size=PART, maintain_order=True)


class Gathered:
    """Collects a table part by part. ``table`` or ``sorted_by`` makes it, once, and empties this: each part is released
    as it is copied, so that no column is in memory twice.
    """

    def __init__(self) -> None:
        self._columns: dict[str, list[pa.Array]] = {}
        self._parts = 0
        self.height = 0

    def add(self, part: pl.DataFrame) -> None:
        """The next rows; every part has the same columns."""
        self.height += part.height
        self._parts += 1
        for column in part.get_columns():
            parts = self._columns.setdefault(column.name, [])
            parts.append(_coded(_arrow(column)))
            if self._parts % _TOGETHER == 0 and pa.types.is_dictionary(parts[0].type):
                parts[-_TOGETHER:] = [_joined(parts[-_TOGETHER:])]

    def table(self) -> pa.Table:
        """The rows in the order in which they were added."""
        return self._finished(None)

    def sorted_by(self, name: str) -> tuple[pa.Table, RowIndices]:
        """The rows sorted by this column of integers without nulls, stably; and for each row as it was added its
        position in the table: uint32[rows]. KeyError where there is no column of this name.
        """
        keys, rows = by_key(
            np.concatenate([part.to_numpy() for part in self._columns.pop(name)]),
            np.arange(self.height, dtype=np.uint32),
        )
        positions = inverse(rows)
        del rows
        return self._finished(positions).append_column(name, pa.array(keys)), positions

    def _finished(self, positions: RowIndices | None) -> pa.Table:
        table = pa.table(
            {name: _placed(self._columns.pop(name), self.height, positions) for name in list(self._columns)}
        )
        pa.default_memory_pool().release_unused()
        return table


def laid_out(frame: pl.DataFrame) -> pa.Table:
    """A whole frame as a table in the same layout: its columns and rows in their order, each column as :func:`narrow`
    makes it.
    """
    return pa.table({column.name: narrow(_arrow(column)) for column in frame.get_columns()})


def order_of(table: pa.Table, columns: Sequence[str]) -> Rows:
    """The row numbers of the table sorted by these columns, nulls first: int64[rows]. The same rows in any order give
    the same sorted table. KeyError for a column that it does not have.
    """
    frame = pl.DataFrame({name: _sortable(table.column(name).combine_chunks()) for name in columns})
    rows: Rows = frame.select(pl.arg_sort_by(columns)).to_series().to_numpy().astype(np.int64)
    return rows


def narrow(values: pa.Array) -> pa.Array:
    """The column as it is stored on disk: dictionary-encoded with a sorted dictionary where that saves bytes, else as
    it is.
    """
    coded = _coded(values)
    return values if coded is values or _is_various(coded.dictionary) else _placed([coded], len(values), None)


def _arrow(column: pl.Series) -> pa.Array:
    return column.to_arrow(compat_level=pl.CompatLevel.oldest())


def _coded(values: pa.Array) -> pa.Array:
    """Texts, dates and 32-bit numbers as codes; everything else as it is."""
    if not _is_text(values.type) and not _is_seldom_various(values.type):
        return values
    coded = values.dictionary_encode()
    code = pa.from_numpy_dtype(_code(len(coded.dictionary) + 1))
    return pa.DictionaryArray.from_arrays(coded.indices.cast(code), coded.dictionary)


def _code(distinct: int) -> npt.DTypeLike:
    """The smallest numbers that tell so many apart."""
    return next(code for code in _CODES if distinct <= np.iinfo(code).max + 1)


def _joined(parts: list[pa.Array]) -> pa.Array:
    """These parts as one, with one dictionary."""
    distinct, codes_of_each = _united(parts)
    codes = _filled(parts, sum(map(len, parts)), None, codes_of_each, _code(len(distinct) + 1))
    return pa.DictionaryArray.from_arrays(codes, distinct)


def _placed(parts: list[pa.Array], height: int, positions: RowIndices | None) -> pa.Array:
    """The column as it is stored on disk, each row at its position (``positions``; None: as added). Empties
    ``parts``.
    """
    kind = parts[0].type
    if not pa.types.is_dictionary(kind):
        return _filled(parts, height, positions, None, kind.to_pandas_dtype())
    distinct, codes_of_each = _united(parts)
    rising = pc.sort_indices(distinct).to_numpy()
    rank = np.zeros(len(distinct) + 1, _code(len(distinct)))  # one more, for the nulls
    rank[rising] = np.arange(len(distinct), dtype=rank.dtype)
    values = _filled(parts, height, positions, [rank[codes] for codes in codes_of_each], rank.dtype)
    if _is_various(distinct):
        return distinct.take(pa.array(rising)).take(values)
    return pa.DictionaryArray.from_arrays(values, _short(distinct.take(pa.array(rising))))


def _united(parts: list[pa.Array]) -> tuple[pa.Array, list[Rows]]:
    """The merged dictionary of all parts (unsorted); and for each part an array that maps its codes to codes in the
    merged one. Each array has one entry more, for nulls, which maps to the first code behind the merged dictionary.
    """
    each = pa.concat_arrays([part.dictionary for part in parts]).dictionary_encode()
    codes = each.indices.to_numpy()
    ends = np.cumsum([len(part.dictionary) for part in parts])
    none = len(each.dictionary)
    return each.dictionary, [np.append(own, none) for own in np.split(codes, ends[:-1])]


def _filled(
    parts: list[pa.Array], height: int, positions: RowIndices | None, codes: list[Rows] | None, kind: npt.DTypeLike
) -> pa.Array:
    """One column of this dtype with the parts' values, or with their codes mapped by ``codes`` (one array a part).
    Empties ``parts``.
    """
    filled, missing, begin = np.zeros(height, kind), None, 0
    for number, part in enumerate(parts):
        rows = slice(begin, begin + len(part)) if positions is None else positions[begin : begin + len(part)]
        begin += len(part)
        filled[rows] = _numbers(part) if codes is None else codes[number][_numbers(part)]
        if part.null_count:
            missing = np.zeros(height, dtype=bool) if missing is None else missing
            missing[rows] = part.is_null().to_numpy(zero_copy_only=False)
        parts[number] = None
    return pa.array(filled, mask=missing)


def _numbers(part: pa.Array) -> npt.NDArray[np.generic]:
    """The values, 0 for a null; of a dictionary-encoded part its codes, the first unused code for a null."""
    is_coded = pa.types.is_dictionary(part.type)
    values, null = (part.indices, len(part.dictionary)) if is_coded else (part, 0)
    there = values.fill_null(pa.scalar(null).cast(values.type)) if values.null_count else values
    numbers: npt.NDArray[np.generic] = there.to_numpy(zero_copy_only=False)
    return numbers


def _sortable(values: pa.Array) -> pl.Series:
    series = pl.from_arrow(values.indices if pa.types.is_dictionary(values.type) else values)
    assert isinstance(series, pl.Series)  # noqa: S101  (an array is a series)
    return series


def _short(texts: pa.Array) -> pa.Array:
    """Texts with offsets of 32 bits, where they suffice."""
    fits = pa.types.is_large_string(texts.type) and texts.nbytes < _MAX_TEXT_BYTES
    return texts.cast(pa.string()) if fits else texts


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_string(kind))


def _is_seldom_various(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date32(kind) or pa.types.is_int32(kind))


def _is_various(distinct: pa.Array) -> bool:
    """Whether there are so many different dates or numbers that codes save nothing."""
    return _is_seldom_various(distinct.type) and len(distinct) > _FEW
