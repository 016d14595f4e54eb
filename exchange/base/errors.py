"""Errors, grouped by what happens next; nothing is ever decided by an error's text.

    ExchangeError
    ├── Refused     tell the partner: the set is refused whole, the receipt carries the code
    ├── Retryable   try again: the network, the database or the disk is in the way, nothing is lost
    └── Halt        call a person: the office's own house is not in order, trying again will not help

Rules
- An error carries a code, a row number, a column name and a rule's name, never a value out of a file.
- What somebody reads on a page says it in Chinese, too (``zh``); logs hold the English message.
"""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SCARCE = frozenset({errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN})
_PACKAGE = Path(__file__).parent.parent


class ExchangeError(Exception):
    """What the exchange raises on purpose; a subclass says what happens next. ``zh``: the message in Chinese."""

    def __init__(self, message: str = "", *, zh: str = "") -> None:
        super().__init__(message)
        self.zh = zh

    @property
    def in_both(self) -> str:
        """The message in Chinese, where it has one, with the English beside."""
        parted = " " if self.zh.endswith(("。", "！", "？")) else " · "
        return f"{self.zh}{parted}{self}" if self.zh and str(self) else f"{self.zh}{self}"


class Refused(ExchangeError):
    """The set cannot be trusted or read as a whole; ``code`` is one of ``schemas/refusals.toml``.

    ``row`` counts data rows from 1 (the header is row 0); ``column`` is a column's or a manifest field's name.
    """

    def __init__(self, code: str, *, row: int | None = None, column: str | None = None) -> None:
        self.code = code
        self.row = row
        self.column = column
        position = "".join(
            [f", row {row}" if row is not None else "", f", column {column}" if column is not None else ""]
        )
        super().__init__(f"refused: {code}{position}")


class Retryable(ExchangeError):
    """Something outside is in the way for now; the same step may simply be run again."""


class Halt(ExchangeError):
    """A person must look before this goes on; the message says at what."""


def kind_and_place(error: BaseException) -> str:
    """An error's kind, and the last line of this package (else of anybody) that it went through; never its text."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = (called for called in reversed(frames) if _PACKAGE in Path(called.filename).parents)
    frame = next(ours, frames[-1] if frames else None)
    return type(error).__name__ + (f" at {Path(frame.filename).name}:{frame.lineno}" if frame else "")


def disk_in_the_way(error: OSError, folder: Path | None = None) -> Retryable | None:
    """What a disk that takes nothing means, with the folder; None where the error is another one. ``folder``: where
    something was written, for errors that name no file. Somebody makes room, then the same step is run again.
    """
    named = error.filename2 or error.filename
    path = folder or (Path(named).parent if isinstance(named, str) else None)
    where = f": {path}" if path else ""
    if error.errno == errno.EROFS:
        return Retryable(f"the office's disk is read-only{where}", zh=f"本单位磁盘只读{where}")
    if error.errno not in _FULL:
        return None
    if path is not None and path.exists():
        room = os.statvfs(path)
        if room.f_files and not room.f_favail and room.f_bavail:
            return Retryable(
                f"the office's disk has no inodes left{where}; remove files there, then run this step again",
                zh=f"本单位磁盘文件数已满{where}",
            )
    return Retryable(
        f"the office's disk is full{where}; make room, then run this step again", zh=f"本单位磁盘已满{where}"
    )


def machine_in_the_way(error: BaseException) -> Retryable | None:
    """What it means that this machine has no memory, no thread or no open file left; None where the error is another
    one. It passes, and is never the fault of what was worked on.
    """
    last = {(Path(frame.filename).name, frame.name) for frame in traceback.extract_tb(error.__traceback__)[-2:]}
    no_thread = isinstance(error, RuntimeError) and ("threading.py", "start") in last
    scarce = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _SCARCE)
    if not scarce and not no_thread:
        return None
    return Retryable(
        f"this machine has no memory, no thread or no open file left ({kind_and_place(error)})",
        zh="本机内存、线程或可打开的文件数已用尽",
    )


def not_allowed(what: str) -> Halt:
    """For somebody whose account of the machine has no rights to a file: where the work is done instead."""
    return Halt(
        f"{what}: this account may not read or write it; daily work is done on the pages, the administrator helps",
        zh="您的账户无权读写所需的文件：日常请在网页办理，应急请系统管理员以服务账户办理。",
    )


@contextmanager
def without_values(*passing: type[BaseException]) -> Iterator[None]:
    """Turns an error that nobody foresaw into a Halt that says only its kind and place: the messages of libraries quote
    values, and what leaves a step goes into logs. Polars panics with a BaseException, so these are caught as well. What
    ends a process goes through, and what the caller names in ``passing``, without the error that it may have come upon.
    A full disk and a machine without memory are foreseen, wherever they are met.
    """
    through: tuple[type[BaseException], ...] = (ExchangeError, KeyboardInterrupt, SystemExit, GeneratorExit, *passing)
    try:
        yield
    except through as error:
        error.__cause__ = error.__context__ = None
        raise
    except BaseException as error:
        if isinstance(error, OSError) and (trouble := disk_in_the_way(error)) is not None:
            raise trouble from None
        if (trouble := machine_in_the_way(error)) is not None:
            raise trouble from None
        msg = f"unexpected {kind_and_place(error)}"
        if isinstance(error, PermissionError):
            raise not_allowed(msg) from None
        raise Halt(msg, zh="程序出错，请告知系统管理员") from None
