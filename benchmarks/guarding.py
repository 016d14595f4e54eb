"""``python -m benchmarks.guarding``: what the guard asks the register in a register of a year: about whom other small
sets asked, beside reading the numbers of all these sets whole, as was done before migration 0018, in turn and with the
same answers; and what is usual, where a process asks first and where it has asked before.

Environment: ``SETS`` (300,000 in 345 days, which are 26,000 in 30) of ``NUMBERS`` (10) each, of 300 partners; the new
set's ``ROWS`` (1); ``TURNS`` (15); ``WORLD`` (var/bench-guarding).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
from psycopg.sql import SQL
from sqlalchemy import func, select

from benchmarks.workers.load import processor_seconds
from exchange.base.keyed import Hashes
from exchange.demo.servers.postgres import Postgres
from exchange.guard.thresholds import THRESHOLDS
from exchange.register import LedgerKey, Register, asked_lately, open_register
from exchange.register.database import reading
from exchange.register.evidence_sums import kept
from exchange.register.guard import GuardEvidenceRow
from exchange.register.models import BatchRow
from exchange.register.told import ToldRow, unpacked
from exchange.steps.guarding import most_partners
from exchange.wire.keys import make_register_key

PARTNERS: Final = 300
_PEOPLE: Final = 2_000_000
_FILL: Final = """
INSERT INTO batch (id, partner, manifest_sha256, state, received_at, items, due_provisional)
SELECT 'p' || n % {partners} || '.b' || n, 'p' || n % {partners}, '0', 'closed', now(), '{{}}', false
FROM generate_series(1, {sets}) AS n;
INSERT INTO told (batch_id, generation, key, hashes, rows)
SELECT id, 1, 'k', (SELECT string_agg(int8send((random() * {people})::bigint), '') FROM generate_series(1, {numbers})
    WHERE id IS NOT NULL), '' FROM batch;
INSERT INTO guard_evidence (batch_id, at, rows, no_such_number, name_disagrees, generation, numbers, names, groups)
SELECT id, now() - random() * interval '345 days', {numbers}, 0, 0, 1, '', '', '' FROM batch;
INSERT INTO asked_lately (number, batch_id, at)
SELECT DISTINCT ('x' || encode(substring(hashes FROM 8 * place + 1 FOR 8), 'hex'))::bit(64)::bigint, batch_id, at
FROM told JOIN guard_evidence USING (batch_id), generate_series(0, {numbers} - 1) AS place
WHERE at > now() - interval '31 days';
ANALYZE"""


def unchanged(hashes: Hashes, *_: object) -> Hashes:
    return hashes


def of_index(register: Register, asked: Hashes, at: datetime) -> int:
    return most_partners(asked, register.guard.asked_too("new", at, asked, 1, unchanged))


def read_whole(register: Register, asked: Hashes, at: datetime) -> int:
    query = (
        select(BatchRow.partner, func.string_agg(ToldRow.hashes, b""))
        .join(ToldRow, BatchRow.id == ToldRow.batch_id)
        .join(GuardEvidenceRow, GuardEvidenceRow.batch_id == ToldRow.batch_id)
        .where(GuardEvidenceRow.at > at - timedelta(days=THRESHOLDS.span_days), BatchRow.partner != "new")
        .where(GuardEvidenceRow.rows <= THRESHOLDS.small_set)
        .group_by(BatchRow.partner)
    )
    with reading(register.engine) as session:
        return most_partners(asked, [unpacked(hashes) for _, hashes in session.execute(query)])


def measured(postgres: int, work: Callable[[], int | None]) -> tuple[int | None, tuple[float, float, float]]:
    """What the work says, and milliseconds by the clock, of PostgreSQL's processor time, and of our own."""

    def of_postgres() -> float:
        return processor_seconds({"all": [postgres]})["all"]

    before = time.monotonic(), of_postgres(), time.process_time()
    said = work()
    after = time.monotonic(), of_postgres(), time.process_time()
    first, second, third = (1000 * (end - begin) for begin, end in zip(before, after, strict=True))
    return said, (first, second, third)


def _usual(register: Register, partner: str) -> None:
    register.guard.usual(partner, datetime.now(UTC))


def compare(register: Register, postgres: int, rows: int, turns: int) -> None:
    draw, at = np.random.default_rng(1), datetime.now(UTC)
    ways: dict[str, Callable[[Register, Hashes, datetime], int]] = {"whole": read_whole, "index": of_index}
    figures: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
    for _ in range(turns):
        asked = draw.integers(0, _PEOPLE, rows).astype(">u8").view("<u8")
        answers = {}
        for name, way in ways.items():
            answers[name], spent = measured(postgres, partial(way, register, asked, at))
            figures[name].append(spent)
        if len(set(answers.values())) != 1:
            sys.exit(f"not the same is heard: {answers}")
    for name, each in figures.items():
        clock, server, own = (median(column) for column in zip(*each, strict=True))
        mean = sum(column[1] for column in each) / turns
        print(f"{name}: {clock:.1f} ms, PostgreSQL's {server:.0f} (mean {mean:.1f}), our own {own:.1f}", flush=True)
    kept.cache_clear()
    for name in ("first", "again"):
        for partner in ("p1", "p2"):
            _, (clock, server, own) = measured(postgres, partial(_usual, register, partner))
            print(
                f"usual of {partner}, {name}: {clock:.1f} ms, PostgreSQL's {server:.0f}, our own {own:.1f}", flush=True
            )
    with reading(register.engine) as session:
        _, (clock, server, _) = measured(postgres, partial(asked_lately.verify, session))
    print(f"verifying the index: {clock:.0f} ms, PostgreSQL's {server:.0f}")


def main() -> None:
    sets, numbers, rows, turns = (
        int(os.environ.get(name, default))
        for name, default in (("SETS", "300000"), ("NUMBERS", "10"), ("ROWS", "1"), ("TURNS", "15"))
    )
    folder = Path(os.environ.get("WORLD", "var/bench-guarding")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    make_register_key(folder)
    server = Postgres(folder / "postgres", lasting=False)
    try:
        server.start()
        key = LedgerKey(folder / "register.key", folder / "register.pem")
        register = open_register(server.url("exchange"), "owner", server.password_file, key)
        register.migrate()
        fill = _FILL.format(sets=sets, numbers=numbers, partners=PARTNERS, people=_PEOPLE)
        with server.connected("postgres", "exchange") as connection:
            for statement in fill.split(";"):
                connection.execute(SQL(statement))
            (size,) = connection.execute("SELECT pg_total_relation_size('asked_lately')").fetchone() or (0,)
        print(f"{sets} sets of {numbers}; a new one of {rows}; the index has {size / 2**20:.0f} MiB", flush=True)
        (pid,) = folder.glob("postgres/**/postmaster.pid")
        compare(register, int(pid.read_text("ascii").split()[0]), rows, turns)
        register.close()
    finally:
        server.remove()


if __name__ == "__main__":
    main()
