"""Each file of tests begins with an office in which nothing has happened: its outcome and its cost do not depend on
what ran before it in the same process.
"""

from __future__ import annotations

import shutil

from exchange.demo.world import World
from exchange.register.evidence_sums import kept
from exchange.register.models import Base

LASTING = frozenset({"snapshots", "test-lane", "archive"})
"""Folders of the office's home that stay: snapshots are dear to build, kept files are named by their content."""


def begin_anew(world: World) -> None:
    """Empties the register, and forgets what the office noted down beside it."""
    home = world.root / "office" / "home"
    emptied = [f"DELETE FROM {table}" for table in Base.metadata.tables]  # noqa: S608
    with world.postgres.connected("postgres", "exchange") as connection:
        connection.execute("; ".join(["SET session_replication_role = replica", *emptied]).encode())
    kept.cache_clear()
    shutil.rmtree(home / "archive" / "checkpoints", ignore_errors=True)
    for path in home.iterdir():
        if path.name not in LASTING:
            shutil.rmtree(path)
