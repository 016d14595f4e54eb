"""The share on time, and how a share is written, on pages and in workbooks alike.

Rules
- On time are the batches that were done and not late, of those that were done or are overdue; the others are not yet to
  be judged.
- In tenths of a per cent, a half upwards; the workbook gets the number that the page shows.
- 100.0% says *all* and 0.0% says *none*: a share that would be rounded to one of them without being it is written as
  the tenth beside it. One late batch among three thousand is 99.9% on time. Nor is a share all where the whole has
  another part that is not shown.
"""

from __future__ import annotations

import math


def share_of(part: int, whole: int, *, hidden: bool = False) -> float:
    """The share of a part in a whole that is not nought. ``hidden``: the whole has another part, which may not be shown
    and is in neither number.
    """
    return min(part / whole, math.nextafter(1, 0)) if hidden else part / whole


def on_time(*, done: int, late: int, overdue: int) -> float | None:
    """The share of batches on time; None where none is to be judged. ``late``: those of ``done`` that were."""
    judged = done + overdue
    return (done - late) / judged if judged else None


def rounded(share: float, steps: int = 1000) -> float:
    """The share as it is shown: a multiple of one in so many steps, from 0 to 1."""
    shown = math.floor(round(share * steps, 6) + 0.5)
    if 0 < share < 1:
        shown = min(max(shown, 1), steps - 1)
    return shown / steps


def percent(share: float | None) -> str:
    """The share in words; a dash where there was nothing to divide by."""
    return "—" if share is None else f"{rounded(share):.1%}"
