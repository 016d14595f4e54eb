"""PostgreSQL with an index on the key, on the same machine; the connection belongs to opening."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.lookup import Find, Row, row
from benchmarks.peers import connect

_ASKED = "SELECT key, name, sex, birth_date, doubt FROM numbers WHERE key "


@contextmanager
def opened(world: Path) -> Iterator[Find]:
    with connect(world) as connection:

        def find(keys: list[int]) -> list[Row]:
            if len(keys) == 1:
                return [row(*found) for found in connection.execute(_ASKED + "= %s", keys, prepare=True)]
            return [row(*found) for found in connection.execute(_ASKED + "= ANY(%s)", [keys], prepare=True)]

        yield find
