"""Heartbeats: when a standing duty of this office (collect, lookout, watch …) was last done, kept as a file's time.

    <home>/duty/<name>      its time: when it was last done; its content: how it ended (codes and counts)

Rules: in the office's own folder, which all its machines share, so that any of them can read it; not synced, since a
heartbeat lost in a power cut is written again at once; one that cannot be written never stops the duty itself, nor does
one that cannot be read, which is none: the next one takes its place. Its time is by the clock of the machine that did
the duty, not by the one of whoever has the disk.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from exchange.base.errors import ExchangeError
from exchange.base.files import make_folder, private

LOOKOUT: Final = "lookout"
COLLECT: Final = "collect"
RUNS: Final = "runs"
WATCH: Final = "watch"
RELEASES: Final = "releases"
RETENTION: Final = "retention"
VERIFY: Final = "verify"
BACKUP: Final = "backup"
ALTERED: Final = "altered"
"""The summary of a verification that found the ledger altered."""


def look_at(partner: str) -> str:
    """The duty of looking into one partner's folder, as the lookout does."""
    return f"look.{partner}"


@dataclass(frozen=True)
class Sign:
    """``at``: when, in UTC; ``summary``: how it ended, empty where there is nothing to say."""

    at: datetime
    summary: str

    def is_of_late(self, now: datetime, span: timedelta) -> bool:
        """Whether it was given no longer ago; one from as far ahead is of a clock that was put back since."""
        return abs(now - self.at) <= span


@dataclass(frozen=True)
class Duties:
    """The heartbeats in one folder."""

    folder: Path

    @classmethod
    def of_home(cls, home: Path) -> Duties:
        """The signs of life of the office whose home this is."""
        return cls(home / "duty")

    def done(self, name: str, summary: str = "", at: datetime | None = None) -> None:
        """The duty was done just now, or then; safe where two processes write at once."""
        with suppress(OSError, ExchangeError):
            make_folder(self.folder)
            temporary = self.folder / f".writing-{name}.{os.getpid()}"  # as what was cut off is named, and taken away
            try:
                with open(temporary, "w", encoding="utf-8", opener=private) as sign:
                    sign.write(summary)
                os.utime(temporary, (moment := time.time() if at is None else at.timestamp(), moment))
                temporary.replace(self.folder / name)
            except OSError:
                temporary.unlink(missing_ok=True)  # each minute another process would leave one
                raise

    def withdraw(self, name: str) -> None:
        """Takes a sign away, of what was done and holds no longer."""
        with suppress(OSError):
            (self.folder / name).unlink(missing_ok=True)

    def last(self, name: str) -> Sign | None:
        """When it was last done; None where it never was, or that cannot be read."""
        path = self.folder / name
        try:
            moment, summary = path.stat().st_mtime, path.read_text("utf-8", "replace")
            return Sign(datetime.fromtimestamp(moment, UTC), summary)
        except (OSError, ValueError, OverflowError):  # beyond all dates: of a clock, or a disk, that is out of order
            return None
