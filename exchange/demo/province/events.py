"""Household events of the province's people: migrations, changes of address, corrections.

Rules: what happened to a person follows from the person's own record, by arithmetic on the number, so that claims can
be made about a few people without making the province again; a person has one event of each kind at most. A person
whose number was corrected has that correction; some of their events are filed under the old number. Nothing happened
before a birth or after ``LAST_DAY``.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from exchange.base.tables import export_columns
from exchange.demo.province.divisions import county_codes
from exchange.demo.province.numbers import key_of

FIRST_DAY: Final = date(1996, 1, 1)
LAST_DAY: Final = date(2025, 12, 31)
_DAYS: Final = (LAST_DAY - FIRST_DAY).days
_KINDS: Final = ("migration", "address_change", "item_correction")
_SHARES: Final = {"migration": 4, "address_change": 3, "item_correction": 9}
"""One person in so many."""

_CORRECTED: Final = ("name", "birth_date", "ethnicity", "native_place")
_MIXER: Final = 48_271
_MODULUS: Final = 2_147_483_647


def events_of(people: pl.DataFrame) -> pl.DataFrame:
    """For each person, in order: ``<kind>.on`` (Date, null where nothing of the kind happened), ``migration.in``,
    ``migration.from``, ``migration.to``, ``address_change.from``, ``address_change.to``, ``item_correction.item``.
    """
    codes = county_codes()
    home = pl.col("registered_division")
    key = key_of(pl.col("id_number"))
    mixed = {
        kind: (key // 1000 % 1_000_000_007 * 31 + key % 1000 * 7919 + position * 97_003) * _MIXER % _MODULUS
        for position, kind in enumerate(_KINDS)
    }
    days = {kind: _day(chance, _SHARES[kind]).alias(f"{kind}.on") for kind, chance in mixed.items()}
    other = pl.Series([str(code) for code in codes]).gather
    elsewhere = people.select(mixed["migration"] // 11 % len(codes)).to_series()
    away = pl.when(pl.lit(other(elsewhere)) == home).then(pl.lit("110101")).otherwise(pl.lit(other(elsewhere)))
    moved_in = (mixed["migration"] // 5 % 3 > 0).alias("migration.in")
    corrected = pl.Series(_CORRECTED).gather(people.select(mixed["item_correction"] // 13 % 4).to_series())
    superseded = pl.col("former_id_number") != ""
    return people.select(
        days["migration"],
        moved_in,
        pl.when(moved_in).then(away).otherwise(home).alias("migration.from"),
        pl.when(moved_in).then(home).otherwise(away).alias("migration.to"),
        days["address_change"],
        pl.format("旧街{}号（虚构）", mixed["address_change"] // 17 % 500).alias("address_change.from"),
        pl.col("registered_address").alias("address_change.to"),
        pl.when(superseded)
        .then(pl.lit(date(2010, 6, 1)))
        .otherwise(days["item_correction"])
        .alias("item_correction.on"),
        pl.when(superseded).then(pl.lit("id_number")).otherwise(pl.lit(corrected)).alias("item_correction.item"),
    )


def _day(chance: pl.Expr, one_in: int) -> pl.Expr:
    day = pl.lit(FIRST_DAY) + pl.duration(days=chance // 31 % _DAYS)
    born = pl.col("birth_date").str.to_date()
    gone = pl.col("cancelled_on").str.to_date(strict=False).fill_null(LAST_DAY)
    return pl.when((chance % one_in == 0) & (day > born) & (day <= gone)).then(day)


def make_events(people: pl.DataFrame) -> pl.DataFrame:
    """The export's rows of these people's events, all as text."""
    frame = pl.concat([people, events_of(people)], how="horizontal")
    old = (pl.col("former_id_number") != "") & (key_of(pl.col("id_number")) % 2 == 0)
    number = pl.when(old).then("former_id_number").otherwise("id_number")
    made = []
    for kind in _KINDS:
        rows = frame.filter(pl.col(f"{kind}.on").is_not_null())
        own = {
            "migration": {
                "event": pl.when("migration.in").then(pl.lit("migration_in")).otherwise(pl.lit("migration_out")),
                "from_division": pl.col("migration.from"),
                "to_division": pl.col("migration.to"),
            },
            "address_change": {
                "from_address": pl.col("address_change.from"),
                "to_address": pl.col("address_change.to"),
            },
            "item_correction": {"item": pl.col("item_correction.item")},
        }[kind]
        fixed = {"id_number": number, "event": pl.lit(kind), "happened_on": pl.col(f"{kind}.on").cast(pl.String)}
        by_column = fixed | own
        made.append(rows.select(by_column.get(name, pl.lit("")).alias(name) for name in export_columns("events")))
    return pl.concat(made)
