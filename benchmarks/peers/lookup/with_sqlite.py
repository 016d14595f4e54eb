"""SQLite, its table clustered by key."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.fixed import SQLITE
from benchmarks.lookup import Find, Row, row

_ASKED = "SELECT key, name, sex, birth_date, doubt FROM numbers WHERE key IN "


@contextmanager
def opened(world: Path) -> Iterator[Find]:
    with closing(sqlite3.connect(f"file:{world / 'peers' / SQLITE}?mode=ro", uri=True)) as connection:

        def find(keys: list[int]) -> list[Row]:
            return [row(*found) for found in connection.execute(f"{_ASKED}({', '.join('?' * len(keys))})", keys)]

        yield find
