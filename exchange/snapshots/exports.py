"""Exports of the sources, as the office's systems write them: a folder of CSV or Parquet files with the columns of
``schemas/exports.toml``, all as text.

Rules: the columns are exactly those of the table, in any order; one that may be absent is read as empty. A folder holds
files of one kind. What the rows hold is judged afterwards by the gate, by counts.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from exchange.base.errors import Halt
from exchange.base.files import entries
from exchange.base.tables import SourceTable, absent_columns, export_columns


def scan_export(folder: Path, table: SourceTable) -> pl.LazyFrame:
    """All rows of the export as String columns, empty where a value is missing; Halt where files or columns do not
    fit.
    """
    files = {kind: [path for path in entries(folder) if path.suffix == f".{kind}"] for kind in ("csv", "parquet")}
    if bool(files["csv"]) == bool(files["parquet"]):
        msg = f"{folder}: expected *.csv or *.parquet files, found {'both' if files['csv'] else 'none'}"
        raise Halt(msg)
    frame = pl.scan_csv(files["csv"], infer_schema=False) if files["csv"] else pl.scan_parquet(files["parquet"])
    names = export_columns(table)
    try:
        present = set(frame.collect_schema().names())
    except pl.exceptions.PolarsError:
        msg = f"{folder}: the files' columns cannot be read, or differ from file to file"
        raise Halt(msg) from None
    wrong = sorted((present ^ set(names)) - (absent_columns(table) - present))
    if wrong:
        msg = f"{folder}: columns missing or too many: {', '.join(wrong)}; see schemas/exports.toml"
        raise Halt(msg)
    there = [pl.col(name) if name in present else pl.lit("").alias(name) for name in names]
    return frame.select([column.cast(pl.String).fill_null("").str.strip_chars() for column in there])
