"""The embedded PostgreSQL: data outlives a restart, only the right password opens it, nothing listens but loopback."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from exchange.demo.servers.ports import port_answers
from exchange.demo.servers.postgres import Postgres


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("world") / "postgres")
    server.start()
    yield server
    server.remove()
    assert not server.folder.exists()


def ask(server: Postgres, database: str, statement: str) -> list[tuple[object, ...]]:
    engine = create_engine(server.url(database), connect_args={"passfile": str(server.password_file)})
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


@pytest.mark.parametrize("database", ["exchange", "airflow"])
def test_data_outlives_a_restart(server: Postgres, database: str) -> None:
    ask(server, database, "CREATE TABLE kept AS SELECT 7 AS n")
    port = server.port
    server.stop()
    assert not server.is_running()
    assert not port_answers(port)
    server.stop()
    server.start()
    server.start()
    assert server.is_running()
    assert server.port == port
    assert ask(server, database, "SELECT n FROM kept") == [(7,)]


def test_another_handle_finds_the_running_server(server: Postgres) -> None:
    assert Postgres(server.folder).is_running()


def test_roles_are_no_superusers(server: Postgres) -> None:
    assert ask(server, "exchange", "SELECT current_setting('is_superuser')") == [("off",)]


def test_a_wrong_password_is_refused(server: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host="127.0.0.1", port=server.port, user="airflow", dbname="airflow", password="guess")


def test_the_password_is_in_a_private_file_only(server: Postgres) -> None:
    assert stat.S_IMODE(server.password_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((server.folder / "server").stat().st_mode) == 0o700
    password = server.password_file.read_text().splitlines()[-1].rpartition(":")[2]
    others = [path for path in server.folder.rglob("*") if path.is_file() and path != server.password_file]
    assert not any(password.encode() in path.read_bytes() for path in others)
    assert password not in server.url("airflow")


def test_only_loopback_is_listened_on(server: Postgres) -> None:
    place = {"host": "127.0.0.1", "port": server.port, "user": "postgres", "passfile": str(server.password_file)}
    with psycopg.connect(**place) as connection:  # type: ignore[arg-type]
        for setting, value in (("listen_addresses", "127.0.0.1"), ("unix_socket_directories", "")):
            assert connection.execute("SELECT current_setting(%s)", [setting]).fetchone() == (value,)


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_what_is_committed_outlives_a_power_failure(server: Postgres, setting: str) -> None:
    """Unless one says that it need not, as the other tests do."""
    place = {"host": "127.0.0.1", "port": server.port, "user": "postgres", "passfile": str(server.password_file)}
    with psycopg.connect(**place) as connection:  # type: ignore[arg-type]
        assert connection.execute("SELECT current_setting(%s)", [setting]).fetchone() == ("on",)


def test_an_interrupted_making_starts_over(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres")
    (server.folder / "server" / "data").mkdir(parents=True)
    (server.folder / "server" / "data" / "half").write_text("made")
    server.start()
    try:
        assert ask(server, "exchange", "SELECT 1") == [(1,)]
    finally:
        server.remove()
