"""Transforms of text columns by their distinct values; with ``lookup.py`` and ``octets.py`` the only code that is
written for speed (ADR 21).

``map_distinct``: the transform runs once for each distinct text. A million rows hold a dozen ways to write a sex. It
looks at nothing but the text; nulls give nulls; rows keep their order and number (``tests/matching/test_distinct.py``).

``names_of``: likewise a text is put together once for each set of names that occurs, and not for each row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import add
from typing import Final

import numpy as np
import polars as pl

Transform = Callable[[pl.Expr], pl.Expr]

_TEXT: Final = "text"
FEW: Final = 256
"""So few texts are transformed one by one."""


def map_distinct(text: pl.Expr, treatment: Transform, kind: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """``treatment`` applied to a String column, computed once for each distinct text: values of the dtype ``kind``, one
    for each row, in their order; null where the text is null.
    """
    treated = treatment(pl.col(_TEXT))

    def of_each(texts: pl.Series) -> pl.Series:
        """String[n] → kind[n]: the value of each text, in the order of the texts."""
        if len(texts) <= FEW:
            return _treated(texts, treated)
        distinct = texts.unique().drop_nulls()
        return _treated(distinct, treated).gather(texts.cast(pl.Enum(distinct)).to_physical()).alias(texts.name)

    return text.map_batches(of_each, return_dtype=kind)


def set_of(flags: Iterable[pl.Expr]) -> pl.Expr:
    """A bit set of at most 20 Boolean flags: UInt32, the first flag the lowest bit; a null counts as false."""
    nothing = pl.lit(0, pl.UInt32)
    bits = (pl.when(flag).then(pl.lit(1 << place, pl.UInt32)).otherwise(nothing) for place, flag in enumerate(flags))
    return reduce(add, bits)


def names_of(sets: pl.Series, names: Sequence[str]) -> pl.Series:
    """String[n] of sets (UInt32[n], as ``set_of`` gives them): the names of their flags, in their order, joined by a
    semicolon; empty where none is true.
    """
    counts = np.bincount(sets.to_numpy())
    there = np.flatnonzero(counts)
    joined = [";".join(name for place, name in enumerate(names) if each >> place & 1) for each in there.tolist()]
    texts = pl.Series(sets.name, joined, pl.String)
    if len(texts) == 1:
        return texts.new_from_index(0, len(sets))
    counts[there] = np.arange(len(there))  # from here on the place of each set's text
    return texts.gather(counts.take(sets.to_numpy()))


def _treated(texts: pl.Series, treatment: pl.Expr) -> pl.Series:
    return texts.to_frame(_TEXT).select(treatment).to_series().alias(texts.name)
