"""What an item's file says: the register columns that it reads, and the expression that compares claim and register.

The expression sees the claimed columns by their own names and the register's as ``register.<column>``; it is asked
only for rows whose identity is established. It gives one answer code for each row.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class ItemRule:
    code: str
    reads: tuple[str, ...]
    answer: pl.Expr


def registered(column: str) -> pl.Expr:
    """The register's value."""
    return pl.col(f"register.{column}")


def compared(claimed: pl.Expr, value: pl.Expr, register: pl.Expr) -> pl.Expr:
    """The plain case: an empty claim, a claim that cannot be read, or whether it equals the register's value."""
    return (
        pl.when(claimed.str.strip_chars() == "")
        .then(pl.lit("claim_missing"))
        .when(value.is_null())
        .then(pl.lit("claim_format"))
        .when(value.eq_missing(register))
        .then(pl.lit("consistent"))
        .otherwise(pl.lit("inconsistent"))
    )
