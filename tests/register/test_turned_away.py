"""A connection that a server does not let in: what it is to those who run a step, by the SQLSTATE alone.

Rules
- For a person is what stands in the office's settings or was done to the server; it passes by itself what only time
  takes away. A server's words, in whichever language, change nothing.
"""

from __future__ import annotations

import os
import signal
import socketserver
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from psycopg.errors import _sqlcodes as sqlcodes

from exchange.base.errors import ExchangeError, Halt, Retryable
from exchange.base.files import write_atomically
from exchange.demo.servers.processes import wait_for
from exchange.register import open_register
from exchange.register.database import Timeouts, open_engine, reaching
from exchange.register.troubles import of_connection
from tests.register.test_database import FOR_A_PERSON

WORK = "exchange_work"
QUICK = Timeouts(connect=5)
ALTER = f"ALTER ROLE {WORK}"
OF_ROLE = "role or its password"
FULL = "connections are taken"
AT_THE_SERVER = {
    "its password is over": (f"{ALTER} VALID UNTIL '2001-01-01'", f"{ALTER} VALID UNTIL 'infinity'", Halt, OF_ROLE),
    "it may not log in": (f"{ALTER} NOLOGIN", f"{ALTER} LOGIN", Halt, OF_ROLE),
    "it may not connect": (
        f"REVOKE CONNECT ON DATABASE exchange FROM PUBLIC, {WORK}",
        f"GRANT CONNECT ON DATABASE exchange TO PUBLIC, {WORK}", Halt, "may not do this",
    ),
    "it has too many": (f"{ALTER} CONNECTION LIMIT 0", f"{ALTER} CONNECTION LIMIT -1", Retryable, FULL),
    "the database has too many": (
        "ALTER DATABASE exchange CONNECTION LIMIT 0", "ALTER DATABASE exchange CONNECTION LIMIT -1", Retryable, FULL,
    ),
    "the database takes nobody now": (
        "ALTER DATABASE exchange ALLOW_CONNECTIONS false", "ALTER DATABASE exchange ALLOW_CONNECTIONS true",
        Retryable, "cannot be reached",
    ),
}  # fmt: skip
"""What was done → statements that do and undo it, what it is, some of its words."""


@pytest.mark.parametrize("done", AT_THE_SERVER)
def test_what_was_done_at_the_server(database: Any, done: str) -> None:
    does, undoes, kind, words = AT_THE_SERVER[done]
    with psycopg.connect(**superuser(database), autocommit=True) as admin:
        admin.execute(does.encode())
        try:
            with closing(database.open()) as register, pytest.raises(kind, match=words):
                register.waiting()
        finally:
            admin.execute(undoes.encode())


def superuser(database: Any) -> dict[str, Any]:
    there = {"host": "127.0.0.1", "port": database.server.port, "user": "postgres", "dbname": "postgres"}
    return {**there, "passfile": str(database.server.password_file)}


@pytest.mark.parametrize(
    ("role", "name", "password", "words"),
    [
        (WORK, "exchange", "a guess", OF_ROLE), ("nobody", "exchange", "a guess", OF_ROLE),
        (WORK, "exchange", "", "none was found"), (WORK, "elsewhere", None, "no database of this name"),
    ],
)  # fmt: skip
def test_what_stands_in_the_settings_is_for_a_person(
    database: Any, tmp_path: Path, role: str, name: str, password: str | None, words: str
) -> None:
    """``password``: None for the right one, empty for none."""
    passwords = database.server.password_file
    if password is not None:
        passwords = tmp_path / "pgpass"
        write_atomically(passwords, f"*:*:*:{role}:{password}\n".encode() if password else b"")
    url = f"postgresql+psycopg://{role}@127.0.0.1:{database.server.port}/{name}"
    with closing(open_register(url, "tests", passwords)) as register, pytest.raises(Halt, match=words) as caught:
        register.waiting()
    assert "a guess" not in str(caught.value)
    assert "口令" in caught.value.zh


def test_a_server_that_is_being_stopped_is_tried_again(migrated: Any) -> None:
    """It has said no to nobody: 57P03, before it asks for any password."""
    data = migrated.server.folder / "server" / "data"
    with psycopg.connect(**superuser(migrated)):
        os.kill(int((data / "postmaster.pid").read_text("utf-8").split()[0]), signal.SIGTERM)

        def is_told() -> bool:
            with closing(migrated.open()) as register, pytest.raises(Retryable, match="cannot be reached"):
                register.waiting()
            return "shutting down" in (migrated.server.folder / "server" / "log").read_text("utf-8")

        try:
            assert wait_for(is_told, 60)
        finally:
            migrated.close()
            migrated.server.stop()
            migrated.server.start()


# ── a server of these tests, which says what it is told to ───────────────────────────────────────────────


class Sayer(socketserver.ThreadingTCPServer):
    """Turns each connection away with the next of ``states``, the last one for ever, whatever the words."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Turning)
        self.states: list[str] = []
        self.words = ""

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://{WORK}@127.0.0.1:{self.server_address[1]}/exchange"


class Turning(socketserver.BaseRequestHandler):
    server: Sayer

    def handle(self) -> None:
        length, code = struct.unpack("!ii", self.request.recv(8))
        if code == 80877103:  # TLS is asked for
            self.request.sendall(b"N")
            length, _ = struct.unpack("!ii", self.request.recv(8))
        self.request.recv(length - 8)
        states = self.server.states
        state = states.pop(0) if len(states) > 1 else states[0]
        said = (("S", "致命错误"), ("V", "FATAL"), ("C", state), ("M", self.server.words))
        fields = b"".join(f"{kind}{text}\0".encode() for kind, text in said) + b"\0"
        self.request.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)


@pytest.fixture(scope="module")
def sayer() -> Iterator[Sayer]:
    with serving(Sayer()) as server:
        yield server


@contextmanager
def serving(server: Sayer) -> Iterator[Sayer]:
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def told(sayer: Sayer, *states: str, words: str) -> ExchangeError:
    sayer.states, sayer.words = list(states), words
    engine = open_engine(sayer.url, None, None, QUICK)
    try:
        with pytest.raises(ExchangeError) as caught, reaching(engine), engine.connect():
            pass
    finally:
        engine.dispose()
    return caught.value


@pytest.mark.parametrize("words", ["FATAL:  28P01", "password authentication failed for user 张三", "", "57P03"])
def test_each_sqlstate_is_for_a_person_or_for_a_retry_whatever_the_words(sayer: Sayer, words: str) -> None:
    """What neither of the tables knows is tried again: the connection was not made, and nothing was done."""
    states = sorted(code for code in sqlcodes if len(code) == 5 and not code.startswith(("00", "01", "02")))
    for state in states if not words else ("28P01", "28000", "3D000", "57P03", "53300", "55000"):
        trouble = told(sayer, state, words=words)
        kind = Halt if FOR_A_PERSON.match(state) else Retryable
        assert isinstance(trouble, kind), state
        assert "张三" not in str(trouble)


def test_what_has_passed_when_it_is_asked_again_is_tried_again(sayer: Sayer) -> None:
    assert isinstance(told(sayer, "28P01", "57P03", words=""), Retryable)


def test_a_server_that_says_nothing_is_tried_again(sayer: Sayer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it falls silent between the two tries: the second one ends."""
    monkeypatch.setattr("exchange.register.turned_away._SECONDS", 0.2)
    monkeypatch.setattr(Turning, "handle", lambda self: self.request.recv(1 << 16) and self.request.recv(1))
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(host="127.0.0.1", port=1, user=WORK, dbname="exchange", connect_timeout=2)
    assert isinstance(of_connection(caught.value), Retryable)
    engine = open_engine(sayer.url, None, None, Timeouts(connect=2, answer=1))
    with pytest.raises(Retryable), reaching(engine), engine.connect():
        pass
    engine.dispose()
