"""Runs that are owed: Airflow gets the run of a set that a resident worker has after the answer; until then a note on
disk says that it is owed.

    <home>/runs_owed/<SHA-256 of the batch id>              holds the batch id, until Airflow has its run
    <home>/runs_owed/<SHA-256 of the batch id>.answered     likewise, once a worker has answered it

Rules
- The note is written, and synced, before a worker has the set, and removed when its run is there: whoever is killed in
  between, the run comes, and does what there is left to do.
- That it is answered is a hint, which decides when its run starts and nothing else: the run of an answered set can
  wait, and thousands of them started at once would hold up all that comes in.
- The lookout starts them, and has answered after a minute what another one left. Where none has given a sign of life
  for a minute, ``collect`` starts those of all that is not answered, and of the others so many in each poll.
- A small set that ``collect`` claims while a lookout is on duty is handed to it: a run of its own would take from a
  burst several times what the answer takes.
- What lies there and is no note (a file of somebody else's, one that cannot be read, a folder, a pipe) is passed over,
  and said once: whoever does the office's work with another account leaves such, and it is to hold up no other set. A
  set whose note that was has its run from the register, which says what has not moved (``collect.py``).
- Clocks are put back: a note from ahead of now has been owed for as long as it is ahead, and a sign of life from there
  is none.
- A run twice asked for is one run: its id is the batch id.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final

from exchange.app import App
from exchange.base.duty import LOOKOUT, Duties
from exchange.base.files import disk_trouble, sha256, write_atomically

log = logging.getLogger(__name__)

SILENCE: Final = timedelta(minutes=1)
"""After so long somebody else sees to what is owed."""

_ANSWERED: Final = ".answered"
_MOST_BYTES: Final = 1024
"""So many bytes of a note are read; a batch id has some two hundred."""

_NOT_WAITING: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""How a note is opened: no link, and no pipe that nobody writes to."""


@dataclass(frozen=True)
class OwedRuns:
    """The notes in this folder. Their errors are those of a disk in trouble (``files.disk_trouble``)."""

    folder: Path

    @classmethod
    def of_home(cls, home: Path) -> OwedRuns:
        """The notes of the office whose home this is."""
        return cls(home / "runs_owed")

    def owe(self, batch_id: str) -> None:
        """Notes that the batch's run is owed; dated now."""
        write_atomically(self._path(batch_id), batch_id.encode())
        self._date(self._path(batch_id), time.time())

    def hand_over(self, batch_id: str) -> None:
        """As :meth:`owe`, dated so that any lookout takes it over at once."""
        write_atomically(self._path(batch_id), batch_id.encode())
        self._date(self._path(batch_id), time.time() - SILENCE.total_seconds())

    def mark_answered(self, batch_id: str) -> None:
        """Notes that the set is answered: its run can wait, behind those that wait already. Nothing where the run is
        there.
        """
        with disk_trouble(self.folder), suppress(FileNotFoundError):
            self._path(batch_id).replace(self._answered_path(batch_id))
        self.postpone(batch_id)

    def is_answered(self, batch_id: str) -> bool:
        """Whether it was answered, and its run is still owed."""
        return self._answered_path(batch_id).exists()

    def postpone(self, batch_id: str) -> None:
        """Puts the run of an answered set behind all others that wait."""
        self._date(self._answered_path(batch_id), time.time())

    def paid(self, batch_id: str) -> None:
        """Removes the note: the run is there. Nothing to do where there is none."""
        with disk_trouble(self.folder):
            for path in (self._path(batch_id), self._answered_path(batch_id)):
                path.unlink(missing_ok=True)

    def all(self) -> list[str]:
        """The batches whose runs are owed."""
        return [*self.unanswered(), *self.answered()]

    def unanswered(self, older_than: timedelta = timedelta()) -> list[str]:
        """The batches that no worker has answered and that have been owed for so long, the oldest first."""
        return self._noted("[0-9a-f]" * 64, older_than)

    def answered(self, older_than: timedelta = timedelta(), most: int | None = None) -> list[str]:
        """The answered batches whose runs have waited for so long, the oldest first, no more than ``most``."""
        return self._noted(f"*{_ANSWERED}", older_than, most)

    def _noted(self, pattern: str, older_than: timedelta, most: int | None = None) -> list[str]:
        now = time.time()
        noted, batches = list[tuple[float, Path]](), list[str]()
        for path in self.folder.glob(pattern):
            with suppress(OSError):  # paid meanwhile
                noted.append((path.lstat().st_mtime, path))
        for _, path in sorted(note for note in noted if abs(now - note[0]) >= older_than.total_seconds()):
            if len(batches) == most:
                break
            if (batch_id := _batch_noted(path)) is not None:
                batches.append(batch_id)
        return batches

    def _date(self, path: Path, moment: float) -> None:
        """Dates a note by this machine's clock, not by that of the disk's server."""
        with disk_trouble(self.folder), suppress(FileNotFoundError):  # paid meanwhile
            os.utime(path, (moment, moment))

    def _path(self, batch_id: str) -> Path:
        return self.folder / sha256(batch_id.encode())

    def _answered_path(self, batch_id: str) -> Path:
        return self._path(batch_id).with_suffix(_ANSWERED)


def _batch_noted(path: Path) -> str | None:
    """The batch that a note is about; None where it is none, or paid meanwhile."""
    try:
        with os.fdopen(os.open(path, _NOT_WAITING), "rb") as note:
            content = note.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        _passed_over(path, type(error).__name__)
        return None
    if sha256(content) != path.stem:
        _passed_over(path, "another content than its name says")
        return None
    return content.decode()


@cache
def _passed_over(path: Path, why: str) -> None:
    log.warning("%s: is no note of a run that is owed, and is passed over (%s)", path, why)


def lookout_on_duty(app: App) -> bool:
    """Whether a lookout has given a sign of life just now."""
    sign = Duties.of_home(app.settings.home).last(LOOKOUT)
    return sign is not None and sign.is_of_late(app.now(), SILENCE)
