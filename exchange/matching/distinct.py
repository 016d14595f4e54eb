"""Text columns treated by their distinct values: with ``lookup.py`` and ``octets.py`` the only code that is written for
speed (ADR 21).

``map_distinct``: the transform runs once for each distinct text. A million rows hold a dozen ways to write a sex. It
looks at nothing but the text; nulls give nulls; rows keep their order and number
(``tests/matching/test_distinct.py``).
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
    """``treatment`` of a String column, worked out for each distinct text: values of the dtype ``kind``, one for each
    row, in their order; null where the text is null.
    """
    treated = treatment(pl.col(_TEXT))

    def of_each(texts: pl.Series) -> pl.Series:
        """String[n] → kind[n]: the value of each text, in the order of the texts."""
        if len(texts) <= _FEW:
            return _treated(texts, treated)
        coded = texts.to_arrow(compat_level=pl.CompatLevel.oldest()).dictionary_encode()
        return _treated(pl.Series(texts.name, coded.dictionary), treated).gather(pl.Series(coded.indices))

    return text.map_batches(of_each, return_dtype=kind)


def _treated(texts: pl.Series, treatment: pl.Expr) -> pl.Series:
    return texts.to_frame(_TEXT).select(treatment).to_series().alias(texts.name)
