"""What an item's file says: what it reads, and the expression that compares claim and register.

The expression sees the claimed columns by their own names, the register's as ``register.<column>`` and whatever the
item's own ``looks_up`` added as ``<item>.<name>``; it is asked only for rows whose identity is established. It gives
one answer code for each row; ``under_review`` sends the row to an officer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from exchange.matching.codes import nothing_claimed_by_unread
from exchange.matching.sources import Sources

LookUp = Callable[[pl.DataFrame, Sources], pl.DataFrame]
MakeReady = Callable[[], None]


@dataclass(frozen=True)
class ItemRule:
    """``claimed``: what the claim means, worked out once and seen by ``answer`` as ``claimed.<item>``. ``reads``:
    columns of the population's ``people``. ``needs``: sources besides the population. ``looks_up``: adds columns
    ``<item>.<name>`` to the frame of ``decide`` (claims, ``person``), for what one register row cannot tell; as many
    rows out as in, in their order. ``makes_ready``: works out what the rule would work out once, when first asked.
    """

    code: str
    answer: pl.Expr
    claimed: pl.Expr | None = None
    reads: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    looks_up: LookUp | None = None
    makes_ready: MakeReady | None = None


def registered(column: str) -> pl.Expr:
    """The register's value, of the dtype that the snapshot has it in; null where it does not say."""
    return pl.col(f"register.{column}")


def meant(item: str) -> pl.Expr:
    """What the claim means, of the dtype of the rule's ``claimed``; null where it cannot be read."""
    return pl.col(f"claimed.{item}")


def find_empty(item: str) -> LookUp:
    """What ``compared`` needs: adds ``<item>.empty``. Only a claim that cannot be read may be, and is looked at."""

    def look_up(frame: pl.DataFrame, _: Sources) -> pl.DataFrame:
        empty = nothing_claimed_by_unread(frame[item], frame[f"claimed.{item}"])
        return frame.hstack([empty.alias(f"{item}.empty")])

    return look_up


def compared(item: str, register: pl.Expr) -> pl.Expr:
    """String: the answer code of the plain case: an empty claim, a claim that cannot be read, or whether it equals the
    register's value; where the register does not say, an officer looks.
    """
    value = meant(item)
    return (
        pl.when(f"{item}.empty")
        .then(pl.lit("claim_missing"))
        .when(value.is_null())
        .then(pl.lit("claim_format"))
        .when(register.is_null())
        .then(pl.lit("under_review"))
        .when(value == register)
        .then(pl.lit("consistent"))
        .otherwise(pl.lit("inconsistent"))
    )
