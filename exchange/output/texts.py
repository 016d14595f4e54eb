"""Columns of texts of which few need a treatment: the others are not touched, which saves most of the time."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

Of = Callable[[pl.Expr], pl.Expr]


def treat_some(text: pl.Expr, need: Of, treatment: Of) -> pl.Expr:
    """``treatment`` of the texts that ``need`` it, the others as they are. Both look at nothing but the text."""
    needed, treated = need(pl.col("text")), treatment(pl.col("text"))

    def of_some(texts: pl.Series) -> pl.Series:
        frame = texts.to_frame("text")
        some = frame.select(needed).to_series().arg_true()
        if not len(some):
            return texts
        return texts.clone().scatter(some, frame[some].select(treated).to_series())

    return text.map_batches(of_some, return_dtype=pl.String)
