"""PostgreSQL's own dump and restore of one database, by its programs.

Rules
- A dump is one consistent snapshot, in PostgreSQL's custom form; its table of contents is read back before it counts.
- The password comes from libpq's password file, told by the environment; never in an argument.
- The database is asked to let us in first: an exit code does not tell a wrong password from a server that is away.
- Restoring is one transaction: all of it or nothing. Owner and rights are the new server's: `exchange office init`.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import make_url

from exchange.base.errors import Halt, Retryable
from exchange.register.troubles import of_connection

_SECONDS: Final = 6 * 3600
_KNOCK_SECONDS: Final = 10
_VERSION: Final = re.compile(rb"\(PostgreSQL\) (\d+)")
_CUSTOM: Final = ("--format", "custom", "--compress", "1", "--no-owner", "--no-privileges")
_WHOLE: Final = (
    "--single-transaction",
    "--exit-on-error",
    "--no-owner",
    "--no-privileges",
    "--clean",
    "--if-exists",
)


def dump(url: str, password_file: Path | None, path: Path, programs: Path | None = None) -> None:
    """The database behind this SQLAlchemy URL into a file; Retryable where it cannot be had now, Halt where it does not
    let us in, or is newer than the program.
    """
    if _major("pg_dump", programs) < _knock(url, password_file):
        msg = "pg_dump is older than the server; name the server's own programs in [backup] programs"
        raise Halt(msg, zh="pg_dump 比数据库服务器旧：在 [backup] programs 中指定服务器自带的程序")
    _run("pg_dump", [*_CUSTOM, "--file", str(path), *_address(url)], password_file, programs)
    path.chmod(0o600)
    _run("pg_restore", ["--list", str(path)], None, programs)


def restore(path: Path, url: str, password_file: Path | None, programs: Path | None = None) -> None:
    """The dump's tables take the place of those in the database, all or none; errors as for a dump."""
    _knock(url, password_file)
    _run("pg_restore", [*_WHOLE, *_address(url), str(path)], password_file, programs)


def _address(url: str) -> list[str]:
    """The database's, for PostgreSQL's programs, without a password."""
    options = {"dbname": "--dbname", "user": "--username", "host": "--host", "port": "--port"}
    there = _place(url)
    return ["--no-password", *(part for name, value in there.items() for part in (options[name], str(value)))]


def _place(url: str) -> dict[str, Any]:
    """The same, in libpq's words; what the URL does not say is left out."""
    there = make_url(url)
    host = there.host or there.query.get("host") or "localhost"
    port = there.port or there.query.get("port") or 5432
    named = {"host": host, "port": port, "user": there.username, "dbname": there.database}
    return {name: value for name, value in named.items() if value}


def _knock(url: str, password_file: Path | None) -> int:
    """Whether it lets us in; its major version."""
    there = _place(url) | ({} if password_file is None else {"passfile": str(password_file)})
    try:
        with psycopg.connect(**there, connect_timeout=_KNOCK_SECONDS) as connection:
            return connection.info.server_version // 10000
    except psycopg.OperationalError as error:
        raise of_connection(error) from None


def _major(program: str, programs: Path | None) -> int:
    """What ``--version`` says: ``pg_dump (PostgreSQL) 18.1 (Debian …)``."""
    said = _VERSION.search(_run(program, ["--version"], None, programs))
    return int(said[1]) if said else 0


def _run(program: str, arguments: list[str], password_file: Path | None, programs: Path | None) -> bytes:
    """What it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    if password_file is not None:
        environment["PGPASSFILE"] = str(password_file)
    command = [str(programs / program) if programs else program, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS, env=environment)
    except FileNotFoundError:
        msg = f"{command[0]} is not installed on this machine"
        raise Halt(msg, zh=f"本机未安装 {command[0]}") from None
    except subprocess.TimeoutExpired:
        msg = f"{program} did not end within {_SECONDS // 3600} hours"
        raise Retryable(msg, zh=f"{program} {_SECONDS // 3600} 小时内没有完成") from None
    if done.returncode == 0:
        return done.stdout
    msg = (
        f"{program} ended with {done.returncode}; is the database there, and is there room?"  # what it says quotes rows
    )
    raise Retryable(msg, zh=f"{program} 未完成（{done.returncode}）：请看数据库是否可用、磁盘是否有空间")
