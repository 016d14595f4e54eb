"""The register's database: connecting, migrating, and what its troubles mean.

Rules
- Every wait has a limit, at the server and here (``Timeouts``): a client that stopped does not hold up the others, a
  server that stopped does not hold up a client.
- What a session assumes of its settings it says itself: a role may change its own defaults for good, and names would
  mean other things, dates be written otherwise, or most of those who write at once be turned away. What it cannot say,
  the database's encoding, is held against what it must be before there are tables (``check_encoding``).
- A lost or refused connection is Retryable, wherever it happens, and so is what ``troubles.py`` says will pass; other
  faults are our own and are raised as they are, without the values that a statement carried.
- The password never stands in a URL, only in libpq's password file.
- A small batch asks dozens of questions, and a message to the server and back costs more than most answers: what only
  asks needs no transaction (``reading``), and a connection that was used a moment ago is not tested,
  unless the server sent something meanwhile, as it does when it ends one.
"""

from __future__ import annotations

import select as sockets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, func, select, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from exchange.base.errors import Halt, Retryable
from exchange.register import ledger, troubles
from exchange.register.signing import LedgerKey

_MIGRATIONS = Path(__file__).with_name("migrations")
ENCODING: Final = "UTF8"
_LOCK_NOT_AVAILABLE = "55P03"
_CONNECTIONS: Final = 15
"""The most connections that one process keeps open."""

_UNUSED_SECONDS: Final = 5.0
"""A connection that was unused for so long is tested before it is used."""
_LONGEST_SETTING: Final = 2**31 - 1
"""The largest time that the server takes in a setting, in milliseconds."""
_MIGRATING = 0x4D494752  # "MIGR": of several who migrate at once, one does it and the others find it done


@dataclass(frozen=True)
class Timeouts:
    """How long the register's database is waited for, in seconds. ``connect``: for a connection; ``lock``: for a lock
    that another holds; ``statement``: for one statement, at the server; ``idle``: how long a transaction may stand
    still, after which the server ends it and frees its locks; ``silence``: for a machine that no longer answers;
    ``answer``: for anything at all from the server, also where it stopped with its connections open.
    """

    connect: int = 5
    lock: float = 30
    statement: float = 300
    idle: float = 60
    silence: int = 30
    answer: float = 330


DEFAULT_TIMEOUTS: Final = Timeouts()


def open_engine(
    url: str, password_file: Path | None, key: LedgerKey | None = None, timeouts: Timeouts = DEFAULT_TIMEOUTS
) -> Engine:
    """An engine that tests pooled connections before use and hides parameters from every message.
    ``key`` signs the ledger's lines (``ledger.key_of``).
    """
    server = {
        "timezone": "UTC",  # in which the digests write times
        "datestyle": "ISO",
        "bytea_output": "hex",
        "search_path": "public",
        "default_transaction_isolation": r"read\ committed",  # who waited for a lock sees what was written under it
        "synchronous_commit": "on",  # what was confirmed is there when the server has fallen
        "lock_timeout": f"{timeouts.lock * 1000:.0f}",
        "statement_timeout": f"{timeouts.statement * 1000:.0f}",
        "idle_in_transaction_session_timeout": f"{timeouts.idle * 1000:.0f}",
        "tcp_keepalives_idle": f"{timeouts.silence}",  # a machine that vanished holds no name and no row for hours
        "tcp_keepalives_interval": f"{max(1, timeouts.silence // 3)}",
        "tcp_keepalives_count": "3",
    }
    arguments: dict[str, object] = {
        "connect_timeout": timeouts.connect,
        "application_name": "exchange",
        "client_encoding": "utf8",
        "options": " ".join(f"-c {name}={value}" for name, value in server.items()),
        "keepalives": 1,
        "keepalives_idle": timeouts.silence,  # a server that vanished without a word is noticed, too
        "keepalives_interval": max(1, timeouts.silence // 3),
        "keepalives_count": 3,
        "tcp_user_timeout": timeouts.silence * 1000,
    }
    if password_file is not None:
        arguments["passfile"] = str(password_file)
    # What many threads needed at once stays open: a lookout would open and close connections all the time.
    pool = {"pool_size": _CONNECTIONS, "max_overflow": 0, "pool_timeout": timeouts.lock}
    engine = create_engine(url, connect_args=arguments, hide_parameters=True, **pool)
    event.listen(engine, "do_connect", _connecting(timeouts))
    event.listen(engine, "checkin", _on_checkin)
    event.listen(engine, "checkout", _on_checkout)
    return engine.execution_options(ledger_key=key)


def _connecting(timeouts: Timeouts) -> Callable[..., psycopg.Connection[Any]]:
    """Opens connections that give up on a server that keeps them open and says nothing."""

    class Impatient(psycopg.Connection[Any]):
        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            try:
                return super().wait(gen, interval, timeouts.answer if timeout is None else timeout)
            except psycopg.errors._WaitTimeout:
                if timeout is None:
                    self.pgconn.finish()  # its state is unknown
                raise

    def connect(_dialect: object, _record: object, arguments: Sequence[Any], named: dict[str, Any]) -> Any:
        return Impatient.connect(*arguments, **named)

    return connect


def _on_checkin(_connection: object, record: Any) -> None:
    record.info["unused since"] = time.monotonic()


def _on_checkout(connection: Any, record: Any, _proxy: object) -> None:
    """Has a broken connection replaced."""
    since = record.info.get("unused since")
    if since is None:  # it was opened just now
        return
    readable = sockets.poll()
    readable.register(connection.fileno(), sockets.POLLIN)
    if time.monotonic() - since < _UNUSED_SECONDS and not readable.poll(0):
        return
    try:
        connection.execute("")
        connection.rollback()
    except psycopg.Error:
        raise InvalidatePoolError from None


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that asks and changes nothing: each of its statements sees what is committed when it is asked, as in a
    transaction, without one. Errors as :func:`transaction` says them.
    """
    with reaching(engine), Session(_asking(engine), autoflush=False, expire_on_commit=False) as session:
        yield session


@lru_cache(maxsize=8)
def _asking(engine: Engine) -> Engine:
    """The engine in autocommit mode, over the same connections."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """A session that commits when its block ends well, the ledger's lines last; Retryable when the database cannot be
    reached or goes away, and when something there is in the way for now (``troubles.py``).
    """
    with reaching(engine), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session
        ledger.write(session)


@contextmanager
def reaching(engine: Engine) -> Iterator[None]:
    """What goes wrong with the database in the block is said as :func:`transaction` says it."""
    try:
        yield
    except PoolTimeoutError:
        msg = "all of this program's connections to the register's database are in use"
        raise Retryable(msg, zh="登记数据库的连接已用完") from None
    except DBAPIError as error:
        trouble = troubles.translated(error, engine)
        if trouble is None:
            raise
        raise trouble from None


@contextmanager
def held(engine: Engine, kind: int, name: str, seconds: int, longest: float) -> Iterator[None]:
    """Holds a name of this kind for the block, among all machines; Retryable when another still has it after so many
    seconds. It is let go when whoever held it dies. ``longest``: seconds that the block may take, in which the database
    is asked nothing; the server lets the name go after that.
    """
    key, still = (kind, func.hashtext(name)), min(round(longest * 1000), _LONGEST_SETTING)
    patience = func.set_config("idle_in_transaction_session_timeout", f"{still}", True)
    with transaction(engine) as session:
        if not session.scalar(select(func.pg_try_advisory_xact_lock(*key), patience)):
            session.execute(select(func.set_config("lock_timeout", f"{seconds}s", True)))
            try:
                session.execute(select(func.pg_advisory_xact_lock(*key)))
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                    raise
                msg = f"another run is still sending a file of this name{troubles.holder(engine)}"
                raise Retryable(msg, zh="另一进程正在发出同名文件") from None
        yield


@dataclass(frozen=True)
class Probe:
    """``revision``: of the database's tables, None where there are none; ``head``: of this version's; ``now``: by the
    server's clock; ``read_only``: it takes nothing, as a standby does; ``encoding``: in which its texts are kept.
    """

    revision: str | None
    head: str | None
    now: datetime
    read_only: bool
    encoding: str = ENCODING


def probe(engine: Engine) -> Probe:
    """Asks the database how it is, in two statements; Retryable where it cannot be reached."""
    scripts = Config()
    scripts.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with reaching(engine), engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        settings = map(func.current_setting, ("transaction_read_only", "server_encoding"))
        moment, read_only, encoding = connection.execute(select(func.clock_timestamp(), *settings)).one()
    return Probe(revision, ScriptDirectory.from_config(scripts).get_current_head(), moment, read_only == "on", encoding)


def check_encoding(encoding: str) -> None:
    """Halt where a database is of another encoding than UTF-8 (``createdb`` takes its server's, under ``LANG=C`` none):
    the first Chinese letter's number, or a year later the first rare character of a name, would be a fault.
    """
    if encoding != ENCODING:
        msg = (
            f"the register's database is of encoding {encoding}, which cannot hold all names; make it anew: "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
        zh = f"登记库的编码是 {encoding}，存不下全部姓名用字：请以 ENCODING 'UTF8' TEMPLATE template0 重建数据库"
        raise Halt(msg, zh=zh)


def check_written(engine: Engine) -> None:
    """RegisterAway where the database cannot be reached, or takes nothing: whoever works waits for it, and no set and
    no partner is at fault. Halt, Retryable as :func:`probe`.
    """
    if probe(engine).read_only:
        raise troubles.RegisterAway(troubles.READ_ONLY, zh=troubles.ZH_READ_ONLY)


def migrate(engine: Engine) -> None:
    """Brings the database to this version's tables; nothing to do where it has them. A migration may take its time.
    Halt as :func:`check_encoding`.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with reaching(engine), engine.begin() as connection:
        check_encoding(connection.execute(select(func.current_setting("server_encoding"))).scalar_one())
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
