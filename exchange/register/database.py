"""The register's database: connecting, migrating, and what its troubles mean.

Rules: a lost or refused connection is Retryable, wherever it happens; other faults are our own and are raised as they
are, without the values that a statement carried. The password never stands in a URL, only in libpq's password file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from exchange.base.errors import Retryable
from exchange.register import ledger
from exchange.register.signing import LedgerKey

_MIGRATIONS = Path(__file__).with_name("migrations")
_CONNECT_SECONDS = 5
_SILENCE_SECONDS = 30
_MIGRATING = 0x4D494752  # "MIGR": of several who migrate at once, one does it and the others find it done


def open_engine(url: str, password_file: Path | None, key: LedgerKey | None = None) -> Engine:
    """An engine that checks a pooled connection before it is used and hides parameters from every message. ``key``
    signs the ledger's lines (``ledger.key_of``).
    """
    arguments: dict[str, object] = {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "exchange",
        "options": "-c timezone=UTC",  # in which the digests write times
        "keepalives_idle": _SILENCE_SECONDS,  # a server that vanished without a word is noticed, too
        "tcp_user_timeout": _SILENCE_SECONDS * 1000,
    }
    if password_file is not None:
        arguments["passfile"] = str(password_file)
    engine = create_engine(url, connect_args=arguments, pool_pre_ping=True, hide_parameters=True)
    return engine.execution_options(ledger_key=key)


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """A session that commits when its block ends well, the ledger's lines last; Retryable when the database cannot be
    reached or goes away.
    """
    with _reaching(), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session
        ledger.write(session)


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if not (error.connection_invalidated or _is_gone(error)):
            raise
        msg = "the register's database cannot be reached"
        raise Retryable(msg) from None


def _is_gone(error: OperationalError | InterfaceError) -> bool:
    """Whether the server refused or dropped the connection (SQLSTATE class 08, 57P; none when nothing answered)."""
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state.startswith(("08", "57P", "53300"))


def migrate(engine: Engine) -> None:
    """Brings the database to this version's tables; nothing to do where it has them."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with _reaching(), engine.begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
