"""Text columns treated by their distinct values: with ``lookup.py`` the only code that is written for speed (ADR 21).

- ``map_distinct``: the transform runs once for each distinct text. A million rows hold some thirty thousand birth
  dates and a dozen ways to write a sex.
- ``with_fast_path``: texts of the most common shape take a short transform, all others the full one.

Rules
- A transform looks at nothing but the text. Nulls give nulls; rows keep their order and number.
- Both give what the full transform gives for every single text (``tests/matching/test_distinct.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl

Transform = Callable[[pl.Expr], pl.Expr]

_TEXT: Final = "text"
_FEW: Final = 256
"""So few texts are treated as they are."""


def map_distinct(text: pl.Expr, treatment: Transform, kind: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """``treatment`` of the texts, worked out for each distinct one; ``kind``: of its values."""

    def of_each(texts: pl.Series) -> pl.Series:
        if len(texts) <= _FEW:
            return _treated(texts, treatment)
        coded = texts.to_arrow(compat_level=pl.CompatLevel.oldest()).dictionary_encode()
        return _treated(pl.Series(texts.name, coded.dictionary), treatment).gather(pl.Series(coded.indices))

    return text.map_batches(of_each, return_dtype=kind)


def with_fast_path(
    text: pl.Expr, plain: str, short: Transform, treatment: Transform, kind: pl.DataType | type[pl.DataType]
) -> pl.Expr:
    """``treatment`` of the texts; of those that match ``plain``, by the ``short`` way. ``kind``: of its values."""

    def of_each(texts: pl.Series) -> pl.Series:
        matches = texts.str.contains(plain)
        if matches.all(ignore_nulls=False):
            return _treated(texts, short)
        matches = matches.fill_null(value=False)
        odd = (~matches).arg_true()
        return _in_place(_treated(texts, short), odd, _treated(texts.gather(odd), treatment))

    return text.map_batches(of_each, return_dtype=kind)


def _in_place(values: pl.Series, rows: pl.Series, others: pl.Series) -> pl.Series:
    if values.dtype != pl.Struct:
        return values.scatter(rows, others)
    pairs = zip(values.struct.unnest(), others.struct.unnest(), strict=True)
    return pl.DataFrame([_in_place(own, rows, other) for own, other in pairs]).to_struct(values.name)


def _treated(texts: pl.Series, treatment: Transform) -> pl.Series:
    return (
        texts.to_frame(_TEXT)
        .lazy()
        .select(treatment(pl.col(_TEXT)))
        .collect(engine="in-memory")
        .to_series()
        .alias(texts.name)
    )
