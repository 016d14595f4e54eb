"""Messages of libraries never leave the process: they quote values of rows, and would end in logs.

Rules
- Warnings, and uncaught errors (of threads and destructors, too), are reported by type and line alone.
- Of libraries that see rows only file, line and level are logged, not the message; no stack is logged, since its last
  line is the error's text.
- Native code writes past Python to descriptor 2 (Rust prints a panic's message there before it is an exception): for
  the length of a step that descriptor is closed to it.
- A process that dies leaves no core: it would hold every row in memory. ``faulthandler`` tells files and lines only.
"""

from __future__ import annotations

import logging
import os
import resource
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from exchange.base.errors import kind_and_place

LIBRARIES: Final = frozenset(
    {
        "polars", "pyarrow", "pandas", "psycopg", "sqlalchemy", "paramiko", "great_expectations", "pydantic",
        "openpyxl", "msoffcrypto", "olefile", "py",
    }
)  # fmt: skip
"""First parts of the names of loggers whose messages are withheld; ``py`` is that of ``py.warnings``."""

_NO_CORE: Final = 1
"""Bytes, too few for any core. Where cores are handed to a program (``core_pattern``) the kernel heeds no limit, not
even 0, but this one.
"""

_OURS: Final = frozenset({"exchange", "household"})
_make_record = logging.LogRecord


def install() -> None:
    """Installs all this in the process, for good; calling it again changes nothing. A test runner's hook, which makes
    such errors fail a test, stays.
    """
    limit = 0 if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0 else _NO_CORE  # what is 0 may not be raised
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
    sys.excepthook = _uncaught
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _unraisable
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _in_thread
    warnings.showwarning = _warned
    logging.setLogRecordFactory(_record)


@contextmanager
def native_code_muted() -> Iterator[None]:
    """What is written to descriptor 2 meanwhile is lost; Python's own ``sys.stderr`` goes where it went."""
    kept, before = os.dup(2), sys.stderr
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):
        before.flush()
    goes_to_two = _descriptor(before) == 2
    own = os.fdopen(os.dup(kept), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    os.dup2(nowhere, 2)
    os.close(nowhere)
    if goes_to_two:
        sys.stderr = own
    try:
        yield
    finally:
        sys.stderr = before
        os.dup2(kept, 2)
        os.close(kept)
        with suppress(OSError):
            own.close()


def _descriptor(stream: Any) -> int | None:
    try:
        return int(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return None


def _tell(what: str, error: BaseException | None) -> None:
    with suppress(Exception):  # at a process's end there may be no standard error
        sys.stderr.write(f"{what}: {kind_and_place(error) if error is not None else 'unknown'}\n")


def _uncaught(_kind: type[BaseException], error: BaseException, _stack: TracebackType | None) -> None:
    if not isinstance(error, KeyboardInterrupt):
        _tell("unexpected", error)


def _unraisable(args: Any) -> None:
    _tell("unexpected, in a destructor", args.exc_value)


def _in_thread(args: threading.ExceptHookArgs) -> None:
    if not issubclass(args.exc_type, SystemExit):
        _tell("unexpected, in a thread", args.exc_value)


def _warned(
    message: Warning | str,  # noqa: ARG001  (what is not told)
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    logging.getLogger("exchange").debug("%s at %s:%s", category.__name__, Path(filename).name, lineno)


def _record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    record = _make_record(*args, **kwargs)
    top = (record.name or "").partition(".")[0]  # a copy (logging.makeLogRecord) gets its name later, as it was made
    if top in LIBRARIES:
        record.msg, record.args = f"{record.name}: {record.levelname} at {record.filename}:{record.lineno}", None
    if top in LIBRARIES or top in _OURS:
        record.exc_info = record.exc_text = record.stack_info = None
    return record
