"""Request files about a province's people, as partners' programs save them: rows in no order, with or without dirt.

Rules: everybody is as likely to be asked about, but people with something odd more often than they are; the same world
gives the same file. Only the rows are drawn here; how they are spelled, right or wrong, is ``demo.province.claims``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from benchmarks.fixed import MATCHED, SEED
from benchmarks.province import World
from exchange.base.files import make_folder
from exchange.demo.province.claims import make_claims

_SPARE: Final = 1.2
"""People read for each one asked about; a draw may find the same person twice."""


def request(world: World, rows: int, items: Sequence[str] = MATCHED, *, dirt: bool = True) -> Path:
    """A CSV file of claims with the codes of the columns in its header."""
    kind = "dirty" if dirt else "clean"
    path = make_folder(world.folder / "requests") / f"{kind}-{rows}-{len(items)}.csv"
    if not path.exists():
        shares = np.full(len(world.parts), rows // len(world.parts))
        shares[: rows % len(world.parts)] += 1
        pieces = [
            _claims(part, number, int(share), items, dirt)
            for number, (part, share) in enumerate(zip(world.parts, shares, strict=True))
            if share
        ]
        claims = pl.concat(pieces).sample(rows, shuffle=True, seed=SEED)
        written = path.with_suffix(".writing")
        claims.with_columns(pl.concat_str(pl.lit("R"), pl.int_range(1, rows + 1)).alias("row_ref")).write_csv(written)
        written.replace(path)
    return path


def _claims(part: Path, number: int, rows: int, items: Sequence[str], dirt: bool) -> pl.DataFrame:
    people = pl.read_csv(part, infer_schema=False).fill_null("")
    people = people.sample(min(int(rows * _SPARE) + 1, people.height), seed=number)
    people = people.with_columns(_oddity().alias("oddity"))
    nobody = pl.Series("id_number", [], dtype=pl.String)  # offenders matter to the right answers only
    return make_claims(people, nobody, items, rows, SEED + number, dirt=dirt).rows


def _oddity() -> pl.Expr:
    """What was planted, as far as the export shows it."""
    return (
        pl.when(pl.col("former_id_number") != "")
        .then(pl.lit("superseded"))
        .when(pl.col("birth_date") < "1900")
        .then(pl.lit("centenarian"))
        .when(pl.col("information_level") != "")
        .then(pl.lit("doubtful"))
        .when(pl.col("cancelled_on") != "")
        .then(pl.lit("cancelled"))
        .otherwise(pl.lit(""))
    )
