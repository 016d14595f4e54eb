"""DuckDB's file sorted by key: the least and greatest key of each block say where to look. An index (ART) over it was
no faster for one key and slower to open.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from benchmarks.fixed import DATABASE, PEERS
from benchmarks.lookup import Find, Row, row

_ASKED = "SELECT key, name, sex, birth_date, doubt FROM numbers WHERE NOT former AND key "


@contextmanager
def opened(world: Path) -> Iterator[Find]:
    with duckdb.connect(str(world / PEERS / DATABASE), read_only=True) as connection:

        def find(keys: list[int]) -> list[Row]:
            wanted = "= ?" if len(keys) == 1 else f"IN ({', '.join('?' * len(keys))})"
            return [row(*found) for found in connection.execute(_ASKED + wanted, keys).fetchall()]

        yield find
