"""``former_name`` (曾用名): a name that the register holds beside the present one, or that it holds none.

Rules: the register may hold several, and any of them will do; a claim that names several is consistent when the
register holds each. 无 claims that there is none. A variant of a registered name goes to an officer, and so does what
is registered and is no name (``?``, of which the characters were lost).
"""

from __future__ import annotations

import polars as pl

from exchange.matching.codes import nothing_claimed
from exchange.matching.former_names import claimed_names, none_named, registered_names
from exchange.matching.items.rule import ItemRule, registered
from exchange.matching.names import compare, name_fault
from exchange.matching.sources import Sources

_CLAIM = pl.col("former_name")


def _look_up(frame: pl.DataFrame, _: Sources) -> pl.DataFrame:
    """Adds ``former_name.readable``, ``former_name.unread``: the register holds something, and no name; and
    ``former_name.degree`` of the claimed name that agrees least: 2 same, 1 variant, 0 different, -1 where the register
    holds none.
    """
    rows = frame.lazy().select(
        pl.int_range(pl.len()).alias("row"),
        claimed_names(_CLAIM).alias("claimed"),
        registered("former_name").alias("registered"),
    )
    claims = rows.explode("claimed", empty_as_null=False)
    readable = claims.group_by("row").agg(name_fault(pl.col("claimed")).is_null().all().alias("readable"))
    pairs = (
        claims.filter(pl.col("registered").fill_null("") != "")
        .with_columns(registered_names(pl.col("registered")))
        .explode("registered", empty_as_null=False)
    )
    degree = compare(pl.col("claimed"), pl.col("registered")).replace_strict({"same": 2, "variant": 1, "different": 0})
    agreement = (
        pairs.group_by("row", "claimed").agg(degree.max().alias("degree")).group_by("row").agg(pl.col("degree").min())
    )
    degrees = (
        rows.select("row")
        .join(readable, on="row", how="left", maintain_order="left")
        .join(agreement, on="row", how="left", maintain_order="left")
        .collect()
    )
    names = registered_names(registered("former_name"))
    unread = (registered("former_name") != "") & ~names.list.eval(name_fault(pl.element()).is_null()).list.any()
    return frame.with_columns(
        unread.fill_null(value=False).alias("former_name.unread"),
        degrees["readable"].fill_null(value=False).alias("former_name.readable"),
        degrees["degree"].fill_null(-1).alias("former_name.degree"),
    )


RULE = ItemRule(
    code="former_name",
    reads=("former_name",),
    looks_up=_look_up,
    answer=(
        pl.when(nothing_claimed(_CLAIM))
        .then(pl.lit("claim_missing"))
        .when(none_named(_CLAIM))
        .then(
            pl.when(registered("former_name") == "")
            .then(pl.lit("consistent"))
            .when("former_name.unread")
            .then(pl.lit("under_review"))
            .otherwise(pl.lit("inconsistent"))
        )
        .when(~pl.col("former_name.readable"))
        .then(pl.lit("claim_format"))
        .when(pl.col("former_name.degree") == 2)
        .then(pl.lit("consistent"))
        .when(pl.col("former_name.degree") == 1)
        .then(pl.lit("under_review"))
        .otherwise(pl.lit("inconsistent"))
    ),
)
