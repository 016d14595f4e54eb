"""DuckDB: ``python -m benchmarks.match.with_duckdb FORM WORLD REQUEST OUT``; FORM is ``file`` or ``parquet``."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from benchmarks.peers import BEARERS, DATABASE, NUMBERS, RECORDS
from benchmarks.province import TODAY
from exchange.gb18030 import private_use
from exchange.places import SCHEMAS

_RULES, STATEMENT = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("rules.sql", "match.sql"))
_VARIANTS = """
CREATE TEMP TABLE variants AS
SELECT standard AS standing, unnest(string_split(variants, '')) AS form
FROM read_csv(getvariable('variants'), all_varchar = true)
"""


def connected(form: str, world: Path) -> duckdb.DuckDBPyConnection:
    """A connection that sees the peers' tables, and the variant forms of names."""
    peers = world / "peers"
    if form == "file":
        connection = duckdb.connect(str(peers / DATABASE), read_only=True)
    else:
        connection = duckdb.connect()
        for name in (NUMBERS, RECORDS, BEARERS):
            connection.execute(f"CREATE TEMP VIEW {Path(name).stem} AS FROM read_parquet('{peers / name}')")
    connection.execute("SET VARIABLE variants = ?", [str(SCHEMAS / "name_variants.csv")])
    connection.execute(_VARIANTS)
    connection.execute(_RULES)
    private, public = ("".join(characters) for characters in zip(*private_use().items(), strict=True))
    for name, value in {"today": TODAY, "private": private, "public": public}.items():
        connection.execute(f"SET VARIABLE {name} = ?", [value])
    return connection


def main(form: str, world: str, request: str, out: str) -> None:
    with connected(form, Path(world)) as connection:
        connection.execute(
            f"CREATE TEMP VIEW asked_rows AS FROM read_csv('{request}', header = true, all_varchar = true)"
        )
        connection.execute(f"COPY ({STATEMENT}) TO '{out}' (HEADER)")


if __name__ == "__main__":
    main(*sys.argv[1:])
