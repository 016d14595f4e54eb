from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from exchange.base.errors import Halt
from exchange.calendar.working_days import Due
from exchange.register import FileRecord, Register
from exchange.register.ledger import BEGINNING
from exchange.wire.manifest import RequestManifest

from .conftest import Database

AT = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)
Statement = Callable[..., None]


@pytest.fixture
def filled(
    register: Register, database: Database, manifest: RequestManifest, due: Due, result_files: list[FileRecord]
) -> Register:
    """Five lines: one batch on its whole way."""

    def make() -> str:
        register.claim("bank.b1", "bank", "a" * 64, [], AT)
        register.accept("bank.b1", manifest, due)
        register.prepared("bank.b1", {"name": {"consistent": 3}}, result_files)
        register.delivered("bank.b1")
        register.closed("bank.b1")
        return "bank.b1"

    database.made("closed", make)
    return register


@pytest.fixture
def tamper(database: Database) -> Statement:
    return database.tamper


def test_an_empty_ledger_is_sound(register: Register) -> None:
    assert register.verify() == (0, BEGINNING)


def test_a_sound_ledger_tells_its_length_and_last_hash(filled: Register) -> None:
    assert filled.verify() == (5, filled.steps("bank.b1")[-1].hash)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger SET actor = 'x'", "DELETE FROM ledger", "TRUNCATE ledger", "UPDATE ledger SET seq = 9 WHERE false"],
)
def test_the_database_refuses_to_change_the_ledger(database: Database, filled: Register, statement: str) -> None:
    with closing(database.open_as_owner()) as owner:
        for register, why in ((filled, "permission denied"), (owner, "only added to")):
            with pytest.raises(DBAPIError, match=why), register.engine.begin() as connection:
                connection.execute(text(statement))
    assert filled.verify()[0] == 5


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("batch_id", "bank.b2"), ("from_state", "sealed"), ("to_state", "refused"), ("actor", "nobody"),
        ("facts", "{}"), ("at", datetime(2026, 11, 23, tzinfo=UTC)), ("previous_hash", "0" * 64), ("hash", "0" * 64),
    ],
)  # fmt: skip
def test_an_altered_line_is_found(filled: Register, tamper: Statement, column: str, value: object) -> None:
    filled.claim("bank.b2", "bank", "a" * 64, [], AT)
    tamper(f"UPDATE ledger SET {column} = %s WHERE seq = 2", value)  # noqa: S608
    with pytest.raises(Halt, match="altered at line 2"):
        filled.verify()


def test_a_removed_line_is_found(filled: Register, tamper: Statement) -> None:
    tamper("DELETE FROM ledger WHERE seq = 3")
    with pytest.raises(Halt, match="altered at line 3"):
        filled.verify()


@pytest.mark.parametrize("first", [5, 1])
def test_a_ledger_cut_short_is_found(filled: Register, tamper: Statement, first: int) -> None:
    tamper("DELETE FROM ledger WHERE seq >= %s", first)
    with pytest.raises(Halt, match=f"cut short after line {first - 1}"):
        filled.verify()


def test_a_missing_head_is_found(filled: Register, tamper: Statement) -> None:
    tamper("DELETE FROM ledger_head")
    with pytest.raises(Halt, match="cut short"):
        filled.verify()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE batch SET state = 'refused'",
        "UPDATE batch SET purpose = 'another'",
        "UPDATE batch SET rows_in = 300",
        "UPDATE batch SET due_on = '2027-01-01'",
        "UPDATE batch SET items = '{name}'",
        "UPDATE batch SET letter = NULL",
        "UPDATE batch SET refusal_code = 'data_hash'",
        "UPDATE batch SET received_at = received_at + interval '1 day'",
        "UPDATE file SET sha256 = repeat('e', 64) WHERE role = 'result'",
        "DELETE FROM file WHERE role = 'result'",
    ],
)
def test_a_batch_that_is_not_what_the_ledger_says_is_found(filled: Register, tamper: Statement, statement: str) -> None:
    tamper(statement)
    with pytest.raises(Halt, match=r"bank\.b1 is not what the ledger says"):
        filled.verify()


def test_a_batch_that_came_past_the_ledger_is_found(filled: Register, tamper: Statement) -> None:
    tamper(
        "INSERT INTO batch (id, partner, manifest_sha256, state, received_at, items, due_provisional)"
        " VALUES ('bank.b9', 'bank', 'a', 'claimed', now(), '{}', false)"
    )
    with pytest.raises(Halt, match=r"bank\.b9 is not what the ledger says"):
        filled.verify()


def test_a_line_added_while_the_ledger_is_read_is_no_alarm(filled: Register, database: Database) -> None:
    other = database.open("other")
    added: list[object] = []

    def add_once(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("SELECT") and "ledger_head" in statement and not added:
            added.append(other.claim("bank.b2", "bank", "a" * 64, [], AT))

    event.listen(filled.engine, "before_cursor_execute", add_once)
    try:
        assert filled.verify()[0] in (5, 6)
    finally:
        event.remove(filled.engine, "before_cursor_execute", add_once)
        other.close()
    assert added
    assert filled.verify()[0] == 6
