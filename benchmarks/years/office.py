"""The office of the benchmark: agreements of a thousand partners, a register of years, an archive of as many files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from benchmarks.lookout.world import ManyPartners
from benchmarks.years.filling import fill
from benchmarks.years.signing import sign
from exchange import pipeline
from exchange.app import App
from exchange.intake.scan import FolderScan
from exchange.register import BatchFilter, Role
from exchange.register.database import Timeouts, open_engine

AD_HOC: Final = 300
SIGNED: Final = 100_000
"""So many of the ledger's newest lines are signed: all, of a small one."""


def office(folder: Path, partners: int, sizes: dict[str, int]) -> ManyPartners:
    """The office, made where there is none; PostgreSQL and one SFTP server run."""
    place = ManyPartners(folder, partners, min(AD_HOC, partners), servers=0, useless=0)
    with App.open("bench", place.world.config) as app:
        if not app.register.batches(BatchFilter(limit=1)):
            _fill(place, app, sizes)
    return place


def _fill(place: ManyPartners, app: App, sizes: dict[str, int]) -> None:
    name = place.names[0]
    files = place.prepare(name, 1)
    place.drop(name, files)
    with app.folder(app.agreement(name)) as folder, folder.one_look():
        FolderScan(app, app.agreement(name), folder, lambda _: None).all_sets()
    (first,) = app.register.batches()
    pipeline.run(app, first.id)
    given = {str(role): app.register.file(first.id, role).sha256 for role in (Role.MANIFEST, Role.RECEIPT)}
    postgres, begun = place.world.postgres, time.monotonic()
    with postgres.connected("postgres", "exchange") as connection:
        connection.execute("SET session_replication_role = replica")  # the first batch goes, its files stay
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        names = ", ".join(table for (table,) in tables if table != "alembic_version")
        connection.execute(f"TRUNCATE {names}".encode())
    hours = Timeouts(statement=7200, idle=7200, answer=7300)
    owner = open_engine(postgres.url("exchange"), postgres.password_file, app.ledger_key, hours)
    fill(owner, sorted(place.server_of), sizes, given)
    print(f"… tables after {time.monotonic() - begun:.0f} s", flush=True)
    lines = sign(postgres, owner, app.ledger_key, SIGNED)
    owner.dispose()
    print(f"… {lines:,} lines after {time.monotonic() - begun:.0f} s", flush=True)
