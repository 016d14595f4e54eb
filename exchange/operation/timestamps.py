"""Time stamps of an authority (RFC 3161) under each day's checkpoint of the ledger.

    <archive>/checkpoints/2026-11-27        the day's newest checkpoint
    <archive>/checkpoints/2026-11-27.tsr    the authority's reply: this existed then

Rules
- A day is stamped once it is over, by ``openssl ts``; the authority sees a hash, nothing of what is in the register.
- A reply counts when it verifies against the authority's certificate in the settings, over the file as it lies there:
  before it is kept, and again at each verification of the register.
- Without ``[timestamps]`` in the settings nothing is stamped; stamps that are there are then not verified.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import httpx

from exchange.app import App
from exchange.base.errors import Halt, Retryable
from exchange.base.files import write_atomically
from exchange.calendar.working_days import office_day
from exchange.register.checkpoints import stamp_of
from exchange.settings_sections import TimestampSettings

_SECONDS: Final = 60
_QUERY: Final = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


def stamp_days(app: App) -> list[str]:
    """Has each day that is over and bears no stamp yet stamped; these days. Retryable where the authority does not
    answer, Halt where its reply does not hold.
    """
    authority, today = app.settings.timestamps, str(office_day(app.now()))
    if authority is None:
        return []
    due = [note for note in app.checkpoints.files() if note.name < today and not stamp_of(note).exists()]
    for note in due:
        reply = _stamp_from(authority, note)
        _check(authority, note, reply)
        write_atomically(stamp_of(note), reply)
    return [note.name for note in due]


def check_stamps(app: App) -> int:
    """How many days bear a stamp; Halt with the first whose stamp does not hold."""
    authority = app.settings.timestamps
    if authority is None:
        return 0
    stamped = [note for note in app.checkpoints.files() if stamp_of(note).exists()]
    for note in stamped:
        _check(authority, note, stamp_of(note).read_bytes())
    return len(stamped)


def _stamp_from(authority: TimestampSettings, note: Path) -> bytes:
    query = _openssl("-query", "-data", str(note), "-sha256", "-cert")
    if query is None:
        msg = f"openssl made no time stamp query for {note}"
        raise Halt(msg, zh=f"openssl 未能为 {note} 制作时间戳请求")
    try:
        answer = httpx.post(authority.url, content=query, headers=_QUERY, timeout=_SECONDS)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        msg = f"the time stamp authority did not answer ({type(error).__name__})"
        raise Retryable(msg, zh="时间戳机构没有应答") from None
    return answer.content


def _check(authority: TimestampSettings, note: Path, reply: bytes) -> None:
    over, trusted = ["-data", str(note)], ["-CAfile", str(authority.certificate)]
    if _openssl("-verify", *over, *trusted, "-in", "/dev/stdin", given=reply) is None:
        msg = f"the time stamp of the ledger's checkpoint of {note.name} does not hold"
        raise Halt(msg, zh=f"{note.name} 检查点的时间戳核验不符")


def _openssl(*arguments: str, given: bytes = b"") -> bytes | None:
    """What ``openssl ts`` writes; None where it does not end well."""
    try:
        done = subprocess.run(
            ["openssl", "ts", *arguments], input=given, capture_output=True, timeout=_SECONDS, check=False
        )
    except FileNotFoundError:
        msg = "the program openssl is not installed on this machine"
        raise Halt(msg, zh="本机没有安装 openssl") from None
    except subprocess.TimeoutExpired:
        msg = f"openssl did not answer within {_SECONDS} seconds"
        raise Retryable(msg, zh=f"openssl 在 {_SECONDS} 秒内没有应答") from None
    return done.stdout if done.returncode == 0 else None
