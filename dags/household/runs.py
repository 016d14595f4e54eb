"""The ids of the runs of ``release``: the release's name, and the hour in which the run is to send it.

Rules
- An hour begins when the release was approved, which nobody knows before; so a run that was made by hand beforehand, or
  in another hour, and whatever was done to it, keeps no approved release from getting a run of its own.
- A run whose release does not lie in the partner's folder after an hour is followed by another: runs send what the
  register says was approved, and two at once send it once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

AGAIN: Final = timedelta(hours=1)
_MARK: Final = "~"


def run_id_of(release_id: str, since: datetime, now: datetime) -> str:
    """The id of this hour's run. ``since``: from when the release may leave."""
    hour = since + max(0, (now - since) // AGAIN) * AGAIN
    return f"{release_id}{_MARK}{hour.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def release_of(run_id: str) -> str:
    """The release that a run sends; a run made by hand may be called as the release alone."""
    return run_id.partition(_MARK)[0]
