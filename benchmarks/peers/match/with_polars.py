"""Polars as anybody would write it: ``python -m benchmarks.peers.match.with_polars FORM WORLD REQUEST OUT``.

FORM is ``plain``, a left join onto the whole table, or ``pushed``: the wanted keys go into the Parquet scan first.
Everything but the lookup is this software's own expressions, so that the difference is the lookup's.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from benchmarks.fixed import BEARERS, NUMBERS, OUT, PEERS, RECORDS, TODAY
from exchange.matching.codes import nothing_claimed
from exchange.matching.id_numbers import standardise
from exchange.matching.items import RULES
from exchange.matching.items.rule import meant
from exchange.matching.names import DIFFERENT, SAME, VARIANT, compare, name_fault, standard_name

_COUNTED = ("judgment", "unclear")
_READ = (RULES["sex"], RULES["birth_date"])
_DEGREES = {SAME: 2, VARIANT: 1, DIFFERENT: 0}


def asked(request: Path) -> pl.DataFrame:
    """The claims, with ``fault`` and ``key`` (null where the row cannot be read)."""
    claims = standardise(pl.read_csv(request, infer_schema=False).fill_null(""), TODAY).with_row_index("row")
    claims = claims.with_columns(standard_name(pl.col("name")).alias("standard"))
    claims = claims.with_columns(pl.coalesce("id_fault", name_fault(pl.col("standard"))).alias("fault"))
    return claims.with_columns(pl.when(pl.col("fault").is_null()).then("key").alias("key"))


def found(claims: pl.DataFrame, peers: Path, *, pushed: bool) -> pl.DataFrame:
    """One row for each claim: ``known``, ``degree``, ``doubt``, ``former``, ``person``, ``register.…``."""
    numbers = pl.scan_parquet(peers / NUMBERS)
    if pushed:
        numbers = numbers.filter(pl.col("key").is_in(claims["key"].drop_nulls().implode()))
    numbers = numbers.select(
        "key", "alone", "former", "person", "doubt", pl.col("name", "sex", "birth_date").name.prefix("register.")
    )
    pairs = claims.lazy().join(numbers, on="key", how="left").collect()
    degree = compare(pl.col("standard"), pl.col("register.name")).replace_strict(_DEGREES, return_dtype=pl.Int8)
    pairs = pairs.with_columns(degree.alias("degree"))
    several = pairs.filter(~pl.col("alone"))
    best = several.filter(pl.col("degree") == pl.col("degree").max().over("row"))
    doubtful = pl.col("doubt").any() | ((pl.len() > 1) & (pl.col("degree").max() > 0))
    merged = best.group_by("row").agg(pl.exclude("row", "doubt").first(), doubtful.alias("doubt"))
    alone = pairs.filter(pl.col("alone").fill_null(value=True))
    return pl.concat([alone, merged.select(alone.columns)]).sort("row")


def hits(peers: Path) -> pl.DataFrame:
    """``person`` with a record that counts, under any number."""
    keys = pl.scan_parquet(peers / RECORDS).filter(pl.col("kind").is_in(_COUNTED)).select("key").unique()
    before = pl.scan_parquet(peers / BEARERS).join(keys, on="key", how="semi").select("person")
    return pl.concat([keys.select(pl.col("key").alias("person")), before]).unique().collect()


def answered(frame: pl.DataFrame, offenders: pl.DataFrame) -> pl.DataFrame:
    identity = (
        pl.when(pl.col("fault").is_not_null())
        .then("fault")
        .when(pl.col("person").is_null())
        .then(pl.lit("no_such_number"))
        .when(pl.col("degree") == 0)
        .then(pl.lit("name_disagrees"))
        .when(pl.col("doubt") | (pl.col("degree") == 1))
        .then(pl.lit("under_review"))
        .otherwise(pl.lit("consistent"))
    )
    claimed = [rule.claimed.alias(f"claimed.{rule.code}") for rule in _READ if rule.claimed is not None]
    frame = frame.with_columns(identity.alias("identity"), *claimed)
    unread = {rule.code: pl.when(meant(rule.code).is_null()).then(pl.col(rule.code)) for rule in _READ}
    frame = frame.with_columns(nothing_claimed(text).alias(f"{code}.empty") for code, text in unread.items())
    hit = frame["person"].is_in(offenders["person"].implode()).fill_null(value=False)
    consistent, review = pl.col("identity") == "consistent", pl.col("identity") == "under_review"
    notes = {
        "id_repaired": pl.col("id_repaired"),
        "id_from_15": pl.col("id_from_15"),
        "id_superseded": consistent & pl.col("former"),
        "name_variant": review & ~pl.col("doubt"),
    }
    said = [pl.when(condition).then(pl.lit(code)) for code, condition in notes.items()]
    own = {
        **{rule.code: rule.answer for rule in _READ},
        "criminal_record": pl.when(hit).then(pl.lit("under_review")).otherwise(pl.lit("no_record")),
    }
    follows = {"id_number": ["consistent", "under_review", "no_such_number", "name_disagrees"]}
    follows["name"] = ["consistent", "under_review", "name_disagrees"]
    silent = pl.lit("not_answered")
    return frame.select(
        "row_ref",
        "identity",
        pl.concat_str(said, separator=";", ignore_nulls=True).alias("note"),
        *[
            pl.when(pl.col("identity").is_in(codes)).then("identity").otherwise(silent).alias(f"answer.{item}")
            for item, codes in follows.items()
        ],
        *[
            pl.when(consistent).then(answer).when(review).then("identity").otherwise(silent).alias(f"answer.{item}")
            for item, answer in own.items()
        ],
    ).select(OUT)


def main(form: str, world: str, request: str, out: str) -> None:
    peers = Path(world) / PEERS
    frame = found(asked(Path(request)), peers, pushed=form == "pushed")
    answered(frame, hits(peers)).write_csv(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
