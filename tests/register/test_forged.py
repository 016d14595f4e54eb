"""With the working role's own rights (``docker/grants.sql``) nothing is brought to leave, and nothing stays unseen."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from exchange.base.errors import Halt
from exchange.base.files import write_atomically
from exchange.base.paths import ROOT
from exchange.calendar.working_days import Due
from exchange.register import Decision, FileRecord, NewReview, Outcome, Register, ReleaseState
from exchange.register.ledger import hash_of
from exchange.register.merkle import Tree
from exchange.register.models import LedgerRow
from exchange.wire.manifest import RequestManifest

from .conftest import AT, Database

ROLE = "exchange_work"
BATCH = "bank.b1"
Forge = Callable[..., Any]


@pytest.fixture(scope="module")
def role(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Any]]:
    """Connections as the working role, with no more than it is granted."""
    password, place = secrets.token_urlsafe(24), tmp_path_factory.mktemp("role") / "pgpass"
    write_atomically(place, f"127.0.0.1:{migrated.server.port}:*:{ROLE}:{password}\n".encode())
    made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(ROLE), sql.Literal(password))
    migrated.statement(made.as_string())
    migrated.statement((ROOT / "docker" / "grants.sql").read_text())
    yield lambda: as_role(migrated, place)
    migrated.statement(f"DROP OWNED BY {ROLE}", f"DROP ROLE {ROLE}")


def as_role(database: Database, passfile: Path) -> Any:
    place = {"host": "127.0.0.1", "port": database.server.port, "dbname": "exchange"}
    return psycopg.connect(**place, user=ROLE, passfile=str(passfile), autocommit=True)  # type: ignore[arg-type]


@pytest.fixture
def waiting(register: Register, manifest: RequestManifest, due: Due, result_files: list[FileRecord]) -> Register:
    """A delivered batch with a release that waits for the leader."""
    register.claim(BATCH, "bank", "a" * 64, [], AT)
    register.accept(BATCH, manifest, due)
    register.prepared(BATCH, {"name": {"under_review": 1}}, result_files, 1, [NewReview(3, "220100", ("name",))])
    register.delivered(BATCH)
    register.reviews.decide(BATCH, [Decision(3, 1, {"name": "no_record"}, "archive")])
    outcome = Outcome({"name": {"no_record": 1}}, answers_sha256="f" * 64)
    register.releases.propose(BATCH, [3], outcome, needs_approval=True)
    return register


def write_line(connection: Any, seq: int | None = None, **fields: object) -> None:
    """A line as the software writes it, as far as it can be without the key: right hash, right root, right head."""
    lines = connection.execute("SELECT * FROM ledger ORDER BY seq").fetchall()
    names = [column.name for column in connection.execute("SELECT * FROM ledger LIMIT 0").description]
    before = dict(zip(names, lines[-1], strict=True))
    line = LedgerRow(**before | {"seq": seq or before["seq"] + 1, "at": datetime.now(UTC), "actor": "leader"} | fields)
    line.previous_hash = before["hash"]
    line.hash = hash_of(line)
    tree = Tree.of([dict(zip(names, each, strict=True))["hash"] for each in lines])
    tree.add(line.hash)
    line.root = base64.b64encode(tree.root()).decode()
    values = [getattr(line, name) for name in names]
    connection.execute(
        sql.SQL("INSERT INTO ledger ({}) VALUES ({})").format(
            sql.SQL(",").join(map(sql.Identifier, names)), sql.SQL(",").join([sql.Placeholder()] * len(names))
        ),
        values,
    )
    head = "UPDATE ledger_head SET seq = %s, hash = %s, subtrees = %s"
    connection.execute(head, [line.seq, line.hash, tree.written])


def approve(connection: Any) -> None:
    connection.execute("UPDATE release SET state = 'approved', judged_by = 'leader', judged_at = now()")


def approve_with_a_line(connection: Any) -> None:
    approve(connection)
    write_line(connection, facts=json.dumps({"release.1": "approved 1"}), signature=None)


def approve_with_an_old_line(connection: Any) -> None:
    approve(connection)
    write_line(connection, facts=json.dumps({"release.1": "approved 1"}), signature=None, digests=None)


def approve_with_anothers_signature(connection: Any) -> None:
    approve(connection)
    write_line(connection, facts=json.dumps({"release.1": "approved 1"}))


def decide(connection: Any) -> None:
    connection.execute("""UPDATE review SET decision = '{"name": "consistent"}'""")


def open_no_more(connection: Any) -> None:
    connection.execute("UPDATE batch SET rows_open = 0")


def another_file(connection: Any) -> None:
    connection.execute("INSERT INTO file VALUES (%s, 'result-2', 'n', repeat('e', 64), 1, now())", [BATCH])


FORGERIES = [
    approve, approve_with_a_line, approve_with_an_old_line, approve_with_anothers_signature, decide, open_no_more,
    another_file,
]  # fmt: skip


@pytest.mark.parametrize("forge", FORGERIES)
def test_what_the_working_role_forges_is_found_and_moves_nothing(waiting: Register, role: Forge, forge: Forge) -> None:
    lines = len(waiting.steps(BATCH))
    with role() as connection:
        forge(connection)
    attempts: list[Callable[[], object]] = [
        lambda: waiting.attested(BATCH),
        lambda: waiting.releases.prepared(BATCH, 1, []),
        lambda: waiting.releases.approve(BATCH, 1, "f" * 64),
        lambda: waiting.closed(BATCH),
        waiting.verify,
    ]
    for attempt in attempts:
        with pytest.raises(Halt, match=r"not what the ledger says|not signed"):
            attempt()
    assert len(waiting.steps(BATCH)) <= lines + 1, "nothing was written behind a forged line"


def test_nothing_is_written_behind_a_forged_end(waiting: Register, role: Forge) -> None:
    """Not even about another batch, which would have made the forged line one of ours."""
    with role() as connection:
        write_line(connection, signature=None)
    with pytest.raises(Halt, match="was not signed by this office"):
        waiting.claim("bank.b2", "bank", "a" * 64, [], AT)
    assert waiting.find_batch("bank.b2") is None


@pytest.mark.parametrize("column", ["seq = seq - 1", "hash = repeat('0', 64)", "subtrees = ''"])
def test_an_altered_head_stops_the_next_line(waiting: Register, role: Forge, column: str) -> None:
    with role() as connection:
        connection.execute(f"UPDATE ledger_head SET {column}".encode())  # noqa: S608
    with pytest.raises(Halt, match=r"verify|altered"):
        waiting.claim("bank.b2", "bank", "a" * 64, [], AT)


def test_what_a_signed_line_approved_may_leave(waiting: Register, database: Database) -> None:
    leader = database.open("leader")
    leader.releases.approve(BATCH, 1, "f" * 64)
    leader.close()
    assert waiting.attested(BATCH).release(1).state is ReleaseState.APPROVED
    assert waiting.verify()[0] == len(waiting.steps(BATCH))
