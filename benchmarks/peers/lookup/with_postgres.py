"""PostgreSQL with an index on the key, on the same machine; the connection belongs to opening."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.fixed import PEERS
from benchmarks.lookup import Find, Row, row
from exchange.demo.servers.postgres import Postgres

_ASKED = "SELECT key, name, sex, birth_date, doubt FROM numbers WHERE key "


def server(world: Path) -> Postgres:
    """The embedded server of a world's folder."""
    return Postgres(world / PEERS / "postgres")


def connect(world: Path) -> psycopg.Connection[Any]:
    """To the server, which must be running."""
    of = server(world)
    return psycopg.connect(
        host="127.0.0.1", port=of.port, user="exchange", dbname="exchange", passfile=str(of.password_file)
    )


@contextmanager
def opened(world: Path) -> Iterator[Find]:
    with connect(world) as connection:

        def find(keys: list[int]) -> list[Row]:
            if len(keys) == 1:
                return [row(*found) for found in connection.execute(_ASKED + "= %s", keys, prepare=True)]
            return [row(*found) for found in connection.execute(_ASKED + "= ANY(%s)", [keys], prepare=True)]

        yield find
