"""Hold the register against its ledger, and the archive against the register.

Rules
- How the register's verification ended stands on the board and in ``exchange health``.
- The archive is read in parts, one a night: each kept file is held against its hash once in ``NIGHTS`` nights. Which
  part a file is in follows from its hash, so that no list is kept; and whatever is sent is hashed then anyway.
- The first file that was altered ends the part: somebody must look before more is read. So does one that is gone,
  unless it was destroyed since, or its time is over and the next night writes that down: as where a backup was made
  while a night destroyed it, between the database's part and the archive's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from exchange import retention
from exchange.app import App
from exchange.base.duty import ALTERED, VERIFY, Duties
from exchange.base.errors import Halt
from exchange.calendar.working_days import office_day
from exchange.operation.timestamps import check_stamps
from exchange.watch.witnesses import cosigned

NIGHTS: Final = 30
_CHUNK: Final = 500


def verify_register(app: App, against: Sequence[Path] = ()) -> tuple[int, str]:
    """(lines, last hash) of a register that is what its ledger says, and that agrees with the kept checkpoints and with
    ``against``, whose time stamps and cosignatures hold; Halt with what is not.
    """
    duties = Duties.of_home(app.settings.home)
    try:
        lines, last = app.register.verify([*app.checkpoints.all(), *against])
        check_stamps(app)
        cosigned(app)
    except Halt:
        duties.done(VERIFY, ALTERED)
        raise
    duties.done(VERIFY, f"{lines}")
    return lines, last


def verify_archive(app: App) -> tuple[int, int]:
    """All kept files against their hashes: how many, and how many more are past their time and lie here no more. Halt
    with one that is gone or altered.
    """
    return _verified(app, app.register.retention.not_destroyed())


def verify_tonights_archive(app: App) -> int:
    """This night's part of the kept files against their hashes; how many. Halt as :func:`verify_archive`."""
    return _verified(app, app.register.retention.not_destroyed(tonights(office_day(app.now()))))[0]


def tonights(day: date) -> tuple[int, int]:
    """Which of how many parts of the kept files is verified in the night of this day: each once in ``NIGHTS``."""
    return day.toordinal() % NIGHTS, NIGHTS


def _verified(app: App, digests: Sequence[str]) -> tuple[int, int]:
    gone = []
    for digest in digests:
        try:
            app.archive.verified_path(digest)
        except Halt:
            if app.archive.has(digest):
                raise
            gone.append(digest)
    kept = set(app.register.retention.not_destroyed()).intersection(gone)
    if (unexplained := _kept_for_longer(app, sorted(kept))) is not None:
        app.archive.verified_path(unexplained)
    return len(digests) - len(gone), len(kept)


def _kept_for_longer(app: App, digests: Sequence[str]) -> str | None:
    """The first of these that something names whose time is not over; None where nothing does."""
    if not digests:
        return None
    due = {(file.batch, file.role) for file, _ in retention.due(app)}
    for first in range(0, len(digests), _CHUNK):
        for digest, *named in app.register.retention.naming(digests[first : first + _CHUNK]):
            if tuple(named) not in due:
                return digest
    return None
