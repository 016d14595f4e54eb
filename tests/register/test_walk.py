"""Whatever number of lines is read at once, and whoever checks their signatures: the first that is wrong is said."""

from __future__ import annotations

import json

import pytest

from exchange.base.errors import Halt
from exchange.demo.servers.postgres import WORK
from exchange.register import Register, walk

from .conftest import AT, Database
from .test_forged import write_line

LINES = 5


@pytest.fixture(params=[1, 2, 3, LINES, 2000])
def filled(register: Register, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Register:
    """So many lines, and so many of them read at once."""
    monkeypatch.setattr(walk, "_IN_ORDER", walk._IN_ORDER.execution_options(yield_per=request.param))
    monkeypatch.setattr(walk, "_OF_A_THREAD", 2)
    for number in range(LINES):
        register.claim(f"bank.b{number}", "bank", "a" * 64, [], AT)
    return register


def test_a_sound_ledger_is_read_to_its_end(filled: Register) -> None:
    assert filled.verify()[0] == LINES


@pytest.mark.parametrize("number", range(1, LINES + 1))
def test_the_first_line_that_is_wrong_is_said(filled: Register, database: Database, number: int) -> None:
    database.tamper("UPDATE ledger SET actor = 'x' WHERE seq > %s", number)
    if number < LINES:
        with pytest.raises(Halt, match=f"altered at line {number + 1}$"):
            filled.verify()
    for column in ("signature", "root"):
        database.tamper(f"UPDATE ledger SET {column} = left({column}, -4) || 'AAA=' WHERE seq >= %s", number)  # noqa: S608
        with pytest.raises(Halt, match=f"line {number} of the ledger was not signed"):
            filled.verify()


@pytest.mark.parametrize("digests", ["/{", json.dumps({"alert/1": "a" * 64})])
def test_what_an_unsigned_line_tells_is_not_read(filled: Register, database: Database, digests: str) -> None:
    with database.server.connected(WORK, "exchange") as role:
        write_line(role, digests=digests)
    with pytest.raises(Halt, match=f"line {LINES + 1} of the ledger was not signed"):
        filled.verify()
