"""DuckDB: ``python -m benchmarks.peers.match.with_duckdb FORM WORLD REQUEST OUT``; FORM is ``file`` or ``parquet``."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from benchmarks.fixed import BEARERS, DATABASE, NUMBERS, PEERS, RECORDS, TODAY
from exchange.base.paths import SCHEMAS

_RULES, STATEMENT = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("rules.sql", "match.sql"))
_VARIANTS = """
CREATE TEMP TABLE variants AS
SELECT standard AS standing, unnest(string_split(variants, '')) AS form
FROM read_csv(getvariable('variants'), all_varchar = true)
"""
_PRIVATE_USE = """
CREATE TEMP TABLE private_use AS FROM read_csv('{}', all_varchar = true);
SET VARIABLE private = (
  SELECT string_agg(chr(CAST('0x' || private_use AS INTEGER)), '' ORDER BY private_use) FROM private_use
);
SET VARIABLE public = (SELECT string_agg(character, '' ORDER BY private_use) FROM private_use);
"""


def connected(form: str, world: Path) -> duckdb.DuckDBPyConnection:
    """A connection that sees the peers' tables, and the variant forms of names."""
    peers = world / PEERS
    if form == "file":
        connection = duckdb.connect(str(peers / DATABASE), read_only=True)
    else:
        connection = duckdb.connect()
        for name in (NUMBERS, RECORDS, BEARERS):
            connection.execute(f"CREATE TEMP VIEW {Path(name).stem} AS FROM read_parquet('{peers / name}')")
    connection.execute("SET VARIABLE variants = ?", [str(SCHEMAS / "name_variants.csv")])
    connection.execute(_VARIANTS)
    connection.execute(_RULES)
    connection.execute(_PRIVATE_USE.format(SCHEMAS / "private_use.csv"))
    connection.execute("SET VARIABLE today = ?", [TODAY])
    return connection


def main(form: str, world: str, request: str, out: str) -> None:
    with connected(form, Path(world)) as connection:
        connection.execute(
            f"CREATE TEMP VIEW asked_rows AS FROM read_csv('{request}', header = true, all_varchar = true)"
        )
        connection.execute(f"COPY ({STATEMENT}) TO '{out}' (HEADER)")


if __name__ == "__main__":
    main(*sys.argv[1:])
