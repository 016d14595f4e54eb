"""Why a server did not let a connection in: the SQLSTATE that it gave, which psycopg has for statements alone.

Rules
- No message is judged: the same connection is tried once more while libpq is told to give the SQLSTATE instead of words
  (``PQERRORS_SQLSTATE``). psycopg has no call for that, so it is asked of the libpq that psycopg has loaded.
- That try ends after some seconds. One that is let in, or that no server answers, gives no state: whoever asks takes
  what happened for something that passes.
"""

from __future__ import annotations

import ctypes
import re
import select
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Final

import psycopg
from psycopg import pq

_SECONDS: Final = 5.0
_SQLSTATE_ALONE: Final = 3
"""``PGVerbosity`` in libpq-fe.h; since PostgreSQL 12."""
_STATE: Final = re.compile(rb"\s([0-9A-Z]{5})$", re.MULTILINE)
"""At the end of a line, one for each address and way that was tried; a line more may name the password file."""
_WAITS: Final = {pq.PollingStatus.READING: select.POLLIN, pq.PollingStatus.WRITING: select.POLLOUT}


def sqlstate(error: BaseException | None) -> str | None:
    """What the server says of the connection that this error is of, when it is tried again; None where it says nothing,
    lets it in, or the error is of no connection that was being made.
    """
    connection = getattr(error, "pgconn", None)
    speak = _verbosity()
    if connection is None or speak is None or isinstance(error, psycopg.errors.ConnectionTimeout):
        return None
    given = {option.keyword.decode(): option.val.decode() for option in connection.info if option.val}
    again = pq.PGconn.connect_start(psycopg.conninfo.make_conninfo(**given).encode())
    try:
        speak(again.pgconn_ptr, _SQLSTATE_ALONE)  # type: ignore[attr-defined]  # of all of psycopg's ways to libpq
        found = _STATE.findall(again.error_message) if _has_failed(again) else []
    finally:
        again.finish()
    return found[-1].decode() if found else None


def _has_failed(connection: pq.abc.PGconn) -> bool:
    """Waits for the end of the try; False where it was let in, or did not end in time."""
    ends = monotonic() + _SECONDS
    while (turn := connection.connect_poll()) in _WAITS:
        waiting = select.poll()
        waiting.register(connection.socket, _WAITS[pq.PollingStatus(turn)])
        if not waiting.poll(max(0.0, ends - monotonic()) * 1000):
            return False
    return turn == pq.PollingStatus.FAILED


@lru_cache(maxsize=1)
def _verbosity() -> Callable[[int | None, int], int] | None:
    """``PQsetErrorVerbosity`` of the one libpq in this process; None where it cannot be told which that is."""
    maps = Path("/proc/self/maps")
    lines = maps.read_text("utf-8", "surrogateescape").splitlines() if maps.exists() else []
    named = {fields[5] for line in lines if len(fields := line.split(maxsplit=5)) == 6}
    libraries = [path for path in named if Path(path).name.startswith("libpq") and ".so" in Path(path).name]
    if len(libraries) != 1:
        return None
    call: Callable[[int | None, int], int] = ctypes.CDLL(libraries[0]).PQsetErrorVerbosity
    call.argtypes, call.restype = [ctypes.c_void_p, ctypes.c_int], ctypes.c_int  # type: ignore[attr-defined]
    return call
