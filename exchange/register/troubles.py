"""What the database's troubles mean: which pass by themselves, in what words, by SQLSTATE.

Rules: the SQLSTATE decides, never a message; nothing of a statement or its values goes into words. Who holds a lock is
named by process, role and program. The classes: PostgreSQL's manual, appendix A.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from exchange.base.errors import ExchangeError, Halt, Retryable
from exchange.register import turned_away

GONE: Final = "the register's database cannot be reached"
READ_ONLY: Final = "the database is read-only: a standby, or its disk is"
ZH_READ_ONLY: Final = "数据库只读（备库，或其磁盘只读）"
_NOT_ACCEPTED: Final = "the database does not accept this role or its password (password_file)"

_AWAY: Final = ("08", "57P", "53100", "53300", "58", "25006")
"""What befalls whoever asks, whatever is asked: also a database that takes nothing, as its disk is full or it is a
standby.
"""
_RETRYABLE: Final = {
    "08": GONE,
    "57P": GONE,
    "53300": f"{GONE}: all its connections are taken",
    "53100": "the database's disk is full; make room there",
    "53200": "the database is out of memory",
    "53": "the database is short of something it needs",
    "58": "the database's machine is in trouble: it cannot read or write its files",
    "40001": "another transaction was faster",
    "40P01": "another transaction was in the way of this one, and this one in its way",
    "40": "the database undid this transaction",
    "55P03": "a lock was not free in time",
    "57": "somebody who looks after the database is in the way",
    "57014": "the database took too long and was stopped",
    "25P03": "this connection stood still inside a transaction for too long and was ended",
    "25P04": "this transaction took too long and was ended",
    "25006": READ_ONLY,
}
"""SQLSTATE, or what it begins with → words; the longest that fits counts."""

_HALT: Final = {
    "28": _NOT_ACCEPTED,
    "3D000": "the server has no database of this name",
    "42501": "the database's role may not do this; run docker/grants.sql as the owner",
    "42P01": "the database lacks a table; run `exchange register migrate`",
    "42703": "the database lacks a column; run `exchange register migrate`",
    "XX": "the database reports a fault of its own; its log says which",
    "XX001": "the database says that its data are corrupted; secure it as it is",
    "XX002": "the database says that an index is corrupted; secure it as it is",
}

_ASKS: Final = "the database asks for a password, and none was found (password_file)"

_ZH: Final = "数据库暂不可用"
_ZH_HALT: Final = "登记数据库有异常，请告知系统管理员"
_ZH_NOT_LET_IN: Final = "数据库不接受本机关的账户、口令或库名，请告知系统管理员"
_NOT_LET_IN: Final = ("28", "3D")

_HOLDERS: Final = text("""
    SELECT a.pid, a.usename, a.application_name, date_trunc('second', now() - a.xact_start)::text
    FROM pg_stat_activity a
    WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.usename IS NOT NULL
        AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.granted
            AND l.locktype <> 'virtualxid' AND l.mode <> 'AccessShareLock')
    ORDER BY a.pid = ANY(ARRAY(SELECT unnest(pg_blocking_pids(w.pid)) FROM pg_locks w WHERE NOT w.granted)) DESC,
        a.xact_start NULLS FIRST LIMIT 1
""")
"""Whoever somebody waits for now comes first. Of other roles' sessions it is not told since when; and a lock may be
held by a session in no transaction.
"""

_WAITED: Final = frozenset({"55P03", "57014"})


class RegisterAway(Retryable):
    """The database cannot be reached, or takes nothing, whoever asks."""


def translated(error: DBAPIError, engine: Engine) -> ExchangeError | None:
    """What an error of the database is to those who run a step; None where it is a fault of our own."""
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        gone = error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError")
        return of_connection(error.orig) if gone else None
    trouble = _told(state)
    if trouble is None and error.connection_invalidated:
        return RegisterAway(GONE, zh=_ZH)
    if isinstance(trouble, Retryable) and state in _WAITED:
        return Retryable(f"{trouble}{holder(engine)}", zh=_ZH)
    return trouble


def of_connection(error: BaseException | None) -> ExchangeError:
    """What it is that a connection was not made, or broke: Halt where the server says no to what stands in the
    settings, Retryable where it says that it cannot now, or says nothing.
    """
    connection = getattr(error, "pgconn", None)
    if connection is not None and connection.needs_password:
        return Halt(_ASKS, zh=_ZH_NOT_LET_IN)
    state = getattr(error, "sqlstate", None) or turned_away.sqlstate(error)
    return (_told(state) if state else None) or RegisterAway(GONE, zh=_ZH)


def _told(state: str) -> ExchangeError | None:
    if (words := _longest(_HALT, state)) is not None:
        return Halt(words, zh=_ZH_NOT_LET_IN if state.startswith(_NOT_LET_IN) else _ZH_HALT)
    words = _longest(_RETRYABLE, state)
    kind = RegisterAway if state.startswith(_AWAY) else Retryable
    return None if words is None else kind(words, zh=ZH_READ_ONLY if words == READ_ONLY else _ZH)


def _longest(words: dict[str, str], state: str) -> str | None:
    return next((words[state[:length]] for length in (5, 3, 2) if state[:length] in words), None)


def holder(engine: Engine) -> str:
    """Who holds a lock that others may wait for, the longest in a transaction; empty where nobody can be named."""
    try:
        with engine.connect() as connection:
            longest = connection.execute(_HOLDERS).first()
    except SQLAlchemyError:
        return ""
    if longest is None:
        return ""
    process, role, program, since = longest
    does = f"has been in a transaction for {since}" if since else "holds a lock; its administrator can end it"
    return f"; process {process} ({role}, {program or 'a program without a name'}) {does}"
