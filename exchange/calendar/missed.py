"""Whether a batch that is done was in time: one rule for the report, pages, the command line and alerts.

Rules
- The first result is held to the batch's due day, everything together to the last day of its items
  (``calendar/deadlines.py``). A batch that missed either is late.
- No day is missed while the clock is paused: of a batch that was answered without its clock having been resumed, a day
  on which it was paused, or a later one, is not over yet.
- A batch is so many days late as the worse of the two was missed by.

``supervision/aggregates.py`` says the same for a frame, ``register/by_month.py`` in SQL; tests compare them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Ended:
    """The days of a batch that is done. ``due_last``: of its items with a later deadline, None where it has none;
    ``first``: when its first result was delivered; ``done``: when all was; ``paused``: since when its clock is paused,
    None where it was resumed.
    """

    due_on: date
    due_last: date | None
    first: date | None
    done: date
    paused: date | None = None


def missed(batch: Ended) -> list[tuple[date, int]]:
    """The due days that it missed and by how many days, the first result's before the last; none where it was in
    time.
    """
    ends = [(batch.due_last or batch.due_on, batch.done)]
    if batch.due_last is not None and batch.first is not None:
        ends.insert(0, (batch.due_on, batch.first))
    was_paused = batch.paused
    return [(due, (end - due).days) for due, end in ends if end > due and (was_paused is None or was_paused > due)]
