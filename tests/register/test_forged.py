"""With the working role's own rights (``docker/grants.sql``) nothing is brought to leave, and nothing stays unseen."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine

from exchange.base.errors import Halt
from exchange.calendar.working_days import Due
from exchange.demo.servers.postgres import WORK
from exchange.register import Decision, FileRecord, NewReview, Register, ReleaseState, ReleaseSummary
from exchange.register.ledger import hash_of
from exchange.register.merkle import Tree
from exchange.register.models import LedgerRow
from exchange.wire.manifest import RequestManifest

from .conftest import AT, Database

BATCH = "bank.b1"
Forge = Callable[..., Any]


@pytest.fixture(scope="module")
def role(migrated: Database) -> Callable[[], Any]:
    """Connections as the working role, with no more than it is granted."""
    return lambda: migrated.server.connected(WORK, "exchange")


@pytest.fixture
def waiting(
    register: Register, database: Database, manifest: RequestManifest, due: Due, result_files: list[FileRecord]
) -> Register:
    """A delivered batch with a release that waits for the leader."""

    def make() -> str:
        register.claim(BATCH, "bank", "a" * 64, [], AT)
        register.accept(BATCH, manifest, due)
        register.prepared(BATCH, {"name": {"under_review": 1}}, result_files, 1, [NewReview(3, "220100", ("name",))])
        register.delivered(BATCH)
        register.reviews.decide(BATCH, [Decision(3, 1, {"name": "no_record"}, "archive")])
        outcome = ReleaseSummary({"name": {"no_record": 1}}, answers_sha256="f" * 64)
        register.releases.propose(BATCH, [3], outcome, needs_approval=True)
        return BATCH

    database.made("waiting", make)
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


def statement(words: str) -> Forge:
    """One statement about the batch."""
    return lambda connection: connection.execute(words.encode(), {"batch": BATCH})


STATEMENTS = {
    "another officer's word": "UPDATE review SET decided_with = '{another}', decided_by = 'another'",
    "a row that somebody has open": "UPDATE review SET held_by = 'another', held_until = now() + interval '1 day'",
    "more time": "UPDATE batch SET due_working_days = 30, due_on = due_on + 60",
    "a proposal of more time": "INSERT INTO extension_proposal VALUES (%(batch)s, 1, now(), 'another', 'why')",
    "more time, asked for and given":
        "INSERT INTO extension_proposal VALUES (%(batch)s, 1, now(), 'another', 'why', now(), 'leader', true)",
    "a proposal of a pause": "INSERT INTO clock_proposal VALUES (%(batch)s, 1, now(), 'another', 'other', 'why')",
    "a pause of the clock": "INSERT INTO clock_stop VALUES (%(batch)s, 1, now(), 'another', 'other', 'why')",
    "a clock that is paused": "UPDATE batch SET clock_stands = true",
    "a second release, approved": "INSERT INTO release (batch_id, number, state, rows, counts, needs_approval,"
        " proposed_at) VALUES (%(batch)s, 2, 'approved', '{3}', '{}', false, now())",
    "a release that needs nobody": "INSERT INTO release (batch_id, number, state, rows, counts, needs_approval,"
        " proposed_at) VALUES (%(batch)s, 2, 'proposed', '{3}', '{}', false, now())",
    "counts": "INSERT INTO answer_count VALUES (%(batch)s, 'sex', 'consistent', 1)",
    "another snapshot": "INSERT INTO snapshot_use (batch_id, source, later, version, as_of)"
        " VALUES (%(batch)s, 'population', true, '2026-11-01.1', now())",
    "a guard that let it go": "INSERT INTO guard_hold (batch_id, held_at, tripped, decision, decided_at,"
        " decided_by, reason) VALUES (%(batch)s, now(), '{}', 'released', now(), 'leader', 'why')",
    "a result that was taken": "INSERT INTO pickup VALUES (%(batch)s, 1, now(), 'removed')",
    "a result that was seen": "INSERT INTO sighting VALUES (%(batch)s, 1, now())",
    "a hold": "INSERT INTO legal_hold (batch_id, number, held_at, held_by, reason)"
        " VALUES (%(batch)s, 1, now(), 'a', 'r')",
    "what nobody is told": "INSERT INTO told_withheld SELECT %(batch)s, now(), 'another', 'why'",
    "a test": "UPDATE batch SET stage = 'test'",
    "another handler": "UPDATE batch SET handler = 'another', letter = '9', legal_basis = 'x'",
}  # fmt: skip
"""What the role may write beside the approval itself."""

FORGERIES = [
    approve, approve_with_a_line, approve_with_an_old_line, approve_with_anothers_signature, decide, open_no_more,
    another_file, *(pytest.param(statement(words), id=name) for name, words in STATEMENTS.items()),
]  # fmt: skip


def test_a_batch_of_which_no_line_tells_sends_nothing(waiting: Register, role: Forge) -> None:
    """A batch that is prepared by its row alone, with the files of another one's result."""
    with role() as connection:
        connection.execute(
            "INSERT INTO batch (id, partner, manifest_sha256, state, received_at, items, due_provisional)"
            " SELECT 'bank.forged', partner, manifest_sha256, 'sealed', received_at, items, false FROM batch"
            " WHERE id = %s",
            [BATCH],
        )
        connection.execute(
            "INSERT INTO file SELECT 'bank.forged', role, name, sha256, size, recorded_at FROM file"
            " WHERE batch_id = %s",
            [BATCH],
        )
    attempts: list[Callable[[], object]] = [
        lambda: waiting.attested("bank.forged"),
        lambda: waiting.delivered("bank.forged"),
        waiting.verify,
    ]
    for attempt in attempts:
        with pytest.raises(Halt, match=r"not what the ledger says|no line speaks of it"):
            attempt()


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


@pytest.mark.parametrize(
    "setting",
    ["search_path = ''", "search_path = pg_temp, public", "DateStyle = 'German'", "client_encoding = 'LATIN1'",
     "bytea_output = 'escape'", "TimeZone = 'Asia/Shanghai'", "lock_timeout = '1ms'",
     "standard_conforming_strings = off", "transform_null_equals = on", "array_nulls = off", "row_security = off",
     "quote_all_identifiers = on", "default_transaction_isolation = 'serializable'", "extra_float_digits = -15",
     "debug_parallel_query = 'regress'"],
)  # fmt: skip
def test_a_roles_own_defaults_change_nothing(waiting: Register, role: Forge, database: Database, setting: str) -> None:
    """A role may change them for itself, for good."""
    with role() as connection:
        connection.execute(f"ALTER ROLE {WORK} SET {setting}".encode())
    register = database.open()
    try:
        assert register.verify() == waiting.verify()
    finally:
        register.close()
        database.statement(f"ALTER ROLE {WORK} RESET ALL")


def test_no_role_lets_the_server_forget_what_it_confirmed(database: Database) -> None:
    """A result that was sent would be in no ledger once the server has fallen."""
    database.statement(f"ALTER ROLE {WORK} SET synchronous_commit = off")
    register = database.open()
    try:
        with register.engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
    finally:
        register.close()
        database.statement(f"ALTER ROLE {WORK} RESET ALL")


def test_airflows_role_does_not_connect(database: Database) -> None:
    """Whoever is in the database can hold the lock by which writers of the ledger take turns."""
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        database.server.connected("airflow", "exchange")


NONE = np.zeros(0, np.uint64)
UNTOLD: dict[str, tuple[str, Callable[[Register], object]]] = {
    "a question in another's name": (
        "INSERT INTO told_use (asked_at, asked_by, reason, letter, hashes)"
        " VALUES (%(at)s, 'another', 'r', '7', '') RETURNING id",
        lambda register: register.told_uses.question(newest(register.engine, "told_use"), AT),
    ),
    "an old question": (
        "INSERT INTO told_use (asked_at, asked_by, reason, letter, hashes)"
        " VALUES (%(at)s - interval '3 days', 'another', 'r', '7', '1') RETURNING id",
        lambda register: register.told_uses.ask(NONE, "r", "7", AT),
    ),
    "an alarm": (
        "INSERT INTO alert (partner, subject, code, days, due_on, true_on, noticed_at)"
        " VALUES ('bank', 'bank.b1', 'overdue', 0, %(at)s, %(at)s, %(at)s) RETURNING id",
        lambda register: register.alerts.mark_sent(register.alerts.find(), AT),
    ),
    "a missing set": (
        "INSERT INTO missing_set VALUES ('bank', 'monthly', '2026-10', '', %(at)s, %(at)s, 0) RETURNING 1",
        lambda register: register.missing.reminded("bank", ("monthly", "2026-10", ""), 1, AT),
    ),
    "a destruction": (
        "INSERT INTO destruction (batch_id, role, kind, sha256, policy, actor, intended_at)"
        " VALUES ('bank.b1', 'data', 'originals', 'x', 'p', 'a', %(at)s) RETURNING id",
        lambda register: register.retention.intended(),
    ),
    "a raw export's destruction": (
        "INSERT INTO destruction (role, kind, sha256, policy, actor, intended_at)"
        " VALUES ('population/2026-11-01', 'exports', 'x', 'p', 'a', %(at)s) RETURNING id",
        lambda register: register.retention.intended_exports(),
    ),
}
"""What is put in past the ledger → and the verb that would use it, and have it signed."""


def newest(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT max(id) FROM {table}").scalar_one())  # noqa: S608


@pytest.mark.parametrize("what", UNTOLD)
def test_a_row_that_no_line_tells_is_not_used_and_not_signed(waiting: Register, role: Forge, what: str) -> None:
    forged, use = UNTOLD[what]
    with role() as connection:
        connection.execute(forged.encode(), {"at": AT})
    attempts: list[Callable[[], object]] = [lambda: use(waiting), waiting.verify]
    for attempt in attempts:
        with pytest.raises(Halt, match="is not what the ledger says"):
            attempt()
