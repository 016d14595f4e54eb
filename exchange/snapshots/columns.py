"""Tables that are gathered part by part and laid out in as few bytes as their values need.

Rules
- A text is a number from the first part on: its place in the dictionary of the column's distinct texts. So are dates
  and 32-bit numbers, of which a whole population holds few. Everything else lies as it is.
- A dictionary is sorted and its places are the smallest unsigned integers that hold it. The parts, and where they end,
  leave no trace: the same rows in the same order are the same bytes.
- The order of the numbers is the order of the texts, so that a table is sorted without one text being touched.

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

PART: Final = 250_000
"""Rows that are standardised at a time: some 100 MB of texts."""

_CODES: Final = (np.uint8, np.uint16, np.uint32)
_FEW: Final = 1 << 16
_MAX_TEXT_BYTES: Final = (1 << 31) - 1  # bytes that Arrow's 32-bit offsets reach


def in_parts(export: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """The rows in their order, a part at a time; one empty part first, so that an empty export has columns too."""
    yield pl.DataFrame(schema=export.collect_schema())
    yield from export.collect_batches(chunk_size=PART, maintain_order=True)


class Gathered:
    """A table in the making; ``table`` ends it, column by column, so that no column is held twice."""

    def __init__(self) -> None:
        self._columns: dict[str, list[pa.Array]] = {}
        self.height = 0

    def add(self, part: pl.DataFrame) -> None:
        """The next rows; every part has the same columns."""
        self.height += part.height
        for column in part.get_columns():
            values = _arrow(column)
            self._columns.setdefault(column.name, []).append(_coded(values) if _is_text(values.type) else values)

    def numbers(self, name: str) -> npt.NDArray[np.generic]:
        """A column of numbers without nulls, in the order in which the parts were added: [rows], of the column's type.
        KeyError where there is none of this name.
        """
        numbers: npt.NDArray[np.generic] = np.concatenate([part.to_numpy() for part in self._columns[name]])
        return numbers

    def table(self, order: Rows | None = None) -> pa.Table:
        """The rows in this order, or as they came."""
        finished = {}
        for name in list(self._columns):
            column = _whole(self._columns.pop(name))
            finished[name] = narrow(column if order is None else column.take(pa.array(order)))
        return pa.table(finished)


def laid_out(frame: pl.DataFrame) -> pa.Table:
    """A table that was made in one go, in the same layout."""
    return pa.table({column.name: narrow(_arrow(column)) for column in frame.get_columns()})


def order_of(table: pa.Table, columns: Sequence[str]) -> Rows:
    """The order of the rows by these columns, whatever order they came in; nulls first."""
    frame = pl.DataFrame({name: _sortable(table.column(name).combine_chunks()) for name in columns})
    rows: Rows = frame.select(pl.arg_sort_by(columns)).to_series().to_numpy().astype(np.int64)
    return rows


def narrow(values: pa.Array) -> pa.Array:
    """The column as it lies on disk."""
    if not (_is_text(values.type) or pa.types.is_dictionary(values.type) or _is_seldom_various(values.type)):
        return values
    coded = _coded(values)
    distinct = coded.dictionary
    if _is_seldom_various(distinct.type) and len(distinct) > _FEW:
        return values
    rising = pc.sort_indices(distinct)
    code = next(code for code in _CODES if len(distinct) <= np.iinfo(code).max + 1)
    position = np.zeros(len(distinct) + 1, code)  # one more, for the nulls of a column that holds nothing else
    position[rising.to_numpy()] = np.arange(len(distinct), dtype=code)
    codes = position[coded.indices.fill_null(len(distinct)).to_numpy()]
    missing = coded.is_null().to_numpy(zero_copy_only=False) if coded.null_count else None
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=missing), _short(distinct.take(rising)))


def _arrow(column: pl.Series) -> pa.Array:
    return column.to_arrow(compat_level=pl.CompatLevel.oldest())


def _coded(values: pa.Array) -> pa.DictionaryArray:
    return values if pa.types.is_dictionary(values.type) else values.dictionary_encode()


def _whole(parts: list[pa.Array]) -> pa.Array:
    chunks = pa.chunked_array(parts)
    return (chunks.unify_dictionaries() if pa.types.is_dictionary(chunks.type) else chunks).combine_chunks()


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
