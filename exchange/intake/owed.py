"""Runs that are owed: a set that a resident worker has is told to Airflow after it is answered, and written down until
then.

    <home>/runs_owed/<SHA-256 of the batch id>     holds the batch id, until Airflow has its run

Rules
- It is written down, lastingly, before a worker has the set, and struck out when its run is there: whoever is killed in
  between, the run comes, and does what there is left to do.
- The lookout starts them, and takes over after a minute what another one left. Where none has given a sign of life for
  a minute, ``collect`` starts all of them.
- A small set that ``collect`` claims while a lookout is on duty is handed to it: a run of its own would take from a
  burst several times what the answer takes.
- A run twice asked for is one run: its id is the batch id.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from exchange.app import App
from exchange.base.duty import LOOKOUT, Duties
from exchange.base.files import disk_trouble, sha256, write_atomically

SILENCE: Final = timedelta(minutes=1)
"""After so long somebody else starts what is owed."""


@dataclass(frozen=True)
class OwedRuns:
    folder: Path

    @classmethod
    def of_home(cls, home: Path) -> OwedRuns:
        return cls(home / "runs_owed")

    def owe(self, batch_id: str) -> None:
        write_atomically(self._path(batch_id), batch_id.encode())

    def hand_over(self, batch_id: str) -> None:
        """Likewise, for any lookout to take over at once."""
        self.owe(batch_id)
        with disk_trouble(self.folder), suppress(FileNotFoundError):  # paid meanwhile
            os.utime(self._path(batch_id), (0, 0))

    def paid(self, batch_id: str) -> None:
        """Its run is there; nothing to do where that is known."""
        with disk_trouble(self.folder):
            self._path(batch_id).unlink(missing_ok=True)

    def all(self, older_than: timedelta = timedelta()) -> list[str]:
        """The batches whose runs have been owed for so long, the oldest first."""
        noted: list[tuple[float, str]] = []
        for path in self.folder.glob("[0-9a-f]*"):
            with suppress(FileNotFoundError):  # paid meanwhile
                noted.append((path.stat().st_mtime, path.read_text("utf-8")))
        before = time.time() - older_than.total_seconds()
        return [batch_id for moment, batch_id in sorted(noted) if moment <= before]

    def _path(self, batch_id: str) -> Path:
        return self.folder / sha256(batch_id.encode())


def lookout_on_duty(app: App) -> bool:
    """Whether a lookout has given a sign of life just now."""
    sign = Duties.of_home(app.settings.home).last(LOOKOUT)
    return sign is not None and app.now() - sign.at <= SILENCE
