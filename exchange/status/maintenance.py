"""Maintenance that was announced: the times in which the office will not answer, for all partners' status files.

    <home>/status/maintenance.json      what was announced, by whom; those that are over go with the next one

Rules: one process writes at a time, whole files only; a note holds no identity number, for it is read outside. What is
announced already is not announced twice: a command that was cut off may be run again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from exchange.base.errors import Halt
from exchange.base.files import locked, make_folder, write_atomically
from exchange.calendar.working_days import office_day
from exchange.output.typed_numbers import bears_number

ZH: Final = "系统维护，期间不收件、不发件；已报送的照常办理，不必重报"
EN: Final = "Maintenance: nothing is taken or sent meanwhile. What was sent is answered afterwards; send nothing twice."
_LONGEST: Final = 200


@dataclass(frozen=True)
class Announced:
    """``by``: who announced it, a person of the settings."""

    number: int
    begins_at: datetime
    ends_at: datetime
    zh: str
    en: str
    by: str


def announced(home: Path, now: datetime) -> list[Announced]:
    """What was announced and is not over, the earliest first."""
    notices = [notice for notice in _read(home) if notice.ends_at > now]
    return sorted(notices, key=lambda notice: (notice.begins_at, notice.number))


def announce(home: Path, begins_at: datetime, ends_at: datetime, now: datetime, by: str, words: tuple[str, str]) -> int:
    """Writes one down; its number, or that of the same one where it is announced already. ``words``: Chinese and
    English. Halt where its times or words are none.
    """
    if not now < ends_at or not begins_at < ends_at:
        msg = "maintenance ends after it begins, and not before now"
        raise Halt(msg, zh="维护的结束须在开始和现在之后：请核对时间")
    today = office_day(now)
    for text in words:
        if not text or len(text) > _LONGEST or not text.isprintable() or bears_number(text, today):
            msg = f"the words of a notice: one line of at most {_LONGEST} characters, without an identity number"
            raise Halt(msg, zh=f"通告文字须为一行，至多 {_LONGEST} 字，不得含身份证号")
    with locked(make_folder(home / "status")):
        before = _read(home)
        for notice in before:
            if (notice.begins_at, notice.ends_at, notice.zh, notice.en) == (begins_at, ends_at, *words):
                return notice.number
        number = max((notice.number for notice in before), default=0) + 1
        living = [notice for notice in before if notice.ends_at > now]
        _write(home, [*living, Announced(number, begins_at, ends_at, *words, by)])
    return number


def withdraw(home: Path, number: int, now: datetime) -> None:
    """Withdraws an announcement: status files no longer show it. Halt where none of this number is announced."""
    with locked(make_folder(home / "status")):
        before = _read(home)
        if number not in {notice.number for notice in before if notice.ends_at > now}:
            msg = f"no maintenance of number {number} is announced; exchange notice list shows them"
            raise Halt(msg, zh=f"没有编号为 {number} 的维护通告，用 exchange notice list 查看")
        # It stays in the file as over, so that its number is not given again.
        _write(home, [replace(notice, ends_at=now) if notice.number == number else notice for notice in before])


def _file(home: Path) -> Path:
    return home / "status" / "maintenance.json"


def _read(home: Path) -> list[Announced]:
    try:
        content = _file(home).read_bytes()
    except FileNotFoundError:
        return []
    times = ("begins_at", "ends_at")
    try:
        entries = json.loads(content)
        return [Announced(**entry | {name: datetime.fromisoformat(entry[name]) for name in times}) for entry in entries]
    except (ValueError, TypeError, KeyError):
        msg = f"{_file(home)} is not what this software writes; remove it and announce maintenance anew"
        raise Halt(msg, zh=f"{_file(home)} 已损坏：请删除后重新发布维护通告") from None


def _write(home: Path, all_of_them: list[Announced]) -> None:
    written = [
        asdict(notice) | {"begins_at": notice.begins_at.isoformat(), "ends_at": notice.ends_at.isoformat()}
        for notice in all_of_them
    ]
    write_atomically(_file(home), (json.dumps(written, ensure_ascii=False, indent=2) + "\n").encode())
