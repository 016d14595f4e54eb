"""Exports of the sources, as the office's systems write them: a folder of CSV or Parquet files with the columns of
``schemas/exports.toml``, all as text.

Rules: the columns are exactly those of the table, in any order; one that may be absent is read as empty. A folder holds
files of one kind. What the rows hold is judged afterwards by the gate, by counts.

What stands where a header should is told by its place (``#3``), unless it is a plain word: the first line of an export
that was written without one is a person, and what is told of it stands in logs, on the board, in Airflow's database.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import polars as pl

from exchange.base.errors import Halt
from exchange.base.files import entries
from exchange.base.tables import SourceTable, absent_columns, export_columns
from exchange.snapshots.csv_lines import check_all_whole

_WORD: Final = re.compile(r"[a-z]+(?:_[a-z]+)*")
_A_HEADER: Final = 2
"""A first line in which one of so many columns is known is a header."""


def scan_export(folder: Path, table: SourceTable) -> pl.LazyFrame:
    """All rows of the export as String columns, empty where a value is missing; Halt where files or columns do not
    fit, or a row of a CSV file is not whole (``csv_lines.py``).
    """
    files = {kind: [path for path in entries(folder) if path.suffix == f".{kind}"] for kind in ("csv", "parquet")}
    if bool(files["csv"]) == bool(files["parquet"]):
        msg = f"{folder}: expected *.csv or *.parquet files, found {'both' if files['csv'] else 'none'}"
        raise Halt(msg, zh=f"{folder} 中须有 .csv 或 .parquet 文件，且只有一种：请核对目录和导出")
    frame = pl.scan_csv(files["csv"], infer_schema=False) if files["csv"] else pl.scan_parquet(files["parquet"])
    names = export_columns(table)
    try:
        present = frame.collect_schema().names()
    except pl.exceptions.PolarsError:
        msg = f"{folder}: the files' columns cannot be read, or differ from file to file"
        raise Halt(msg, zh=f"{folder} 中各文件的列读不出，或互不相同：请数据源重新导出") from None
    missing = set(names) - set(present) - absent_columns(table)
    if missing or not set(present) <= set(names):
        wrong = ", ".join(_wrong(names, present, missing))
        msg = f"{folder}: columns missing or too many: {wrong}; see schemas/exports.toml"
        raise Halt(msg, zh=f"{folder} 的列有缺有余，见 schemas/exports.toml：{wrong}")
    check_all_whole(files["csv"], len(present))
    there = [pl.col(name) if name in present else pl.lit("").alias(name) for name in names]
    return frame.select([column.cast(pl.String).fill_null("").str.strip_chars() for column in there])


def _wrong(names: Collection[str], present: Collection[str], missing: Collection[str]) -> Iterator[str]:
    """The columns that are missing, and those that are too many by their places or, in a header, as the words that they
    are. ``names``: the table's; ``present``: what stands in the first line.
    """
    is_header = len(set(names) & set(present)) * _A_HEADER >= len(names)
    if not is_header:
        yield "the first line is no header"
    yield from sorted(missing)
    for place, name in enumerate(present, start=1):
        if name not in names:
            yield name if is_header and _WORD.fullmatch(name) else f"#{place}"
