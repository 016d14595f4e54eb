"""How long partners wait for their first result, by lane, as a histogram over all time.

    <home>/duty/latency.json      what was counted up to which line of the ledger

Rules
- Counted from the register's own lines: from the claim of a set to its result in the partner's folder.
- Only lines that came since the last look are read; the file and the lines together always give the same histogram.
  Where the file is lost, not whole, or of another ledger, all is counted from the beginning: the file names the hash of
  the last line that it counted, which a register that came back from a backup has not, however far it has gone on.
- The lane is told by cycle and rows; the size in bytes also decides (``intake/lanes.py``), but is not in the register.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from exchange.app import App
from exchange.base.files import write_atomically
from exchange.intake.lanes import AD_HOC, MAX_IMMEDIATE_ROWS, Lane
from exchange.register.counts import Answered, answered_since, line_hash

BOUNDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 28800.0, 86400.0, 432000.0)
"""Upper bounds in seconds; one more bucket, without a bound, follows."""


@dataclass
class Histogram:
    """``buckets``: how many answers in each, not summed up; ``seconds``: of all together."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Counts one more."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


_Counted = tuple[int, dict[Lane, Histogram], str | None]
"""The number of the last line that was counted, the histograms, that line's hash."""


def latencies(app: App) -> Mapping[Lane, Histogram]:
    """Each lane's histogram as the ledger stands now."""
    path = app.settings.home / "duty" / "latency.json"
    engine = app.register.engine
    seq, histograms, known = _read_state(path)
    if seq and line_hash(engine, seq) != known:
        seq, histograms, _ = _none()
    before = seq
    for answered in answered_since(engine, seq):
        histograms[_lane(answered, app.settings.policy.large_rows)].add(answered.seconds)
        seq = answered.seq
    if seq != before:
        _keep(path, seq, histograms, line_hash(engine, seq))
    return histograms


def _lane(answered: Answered, large_rows: int) -> Lane:
    rows = answered.rows or 0
    if answered.cycle == AD_HOC and rows <= MAX_IMMEDIATE_ROWS:
        return Lane.IMMEDIATE
    return Lane.LARGE if rows >= large_rows else Lane.BATCH


def _none() -> _Counted:
    return 0, {lane: Histogram() for lane in Lane}, None


def _read_state(path: Path) -> _Counted:
    try:
        record = json.loads(path.read_bytes())
        histograms = {lane: Histogram(**record["lanes"][lane]) for lane in Lane}
        if record["bounds"] != list(BOUNDS) or not _fit(histograms.values()):
            return _none()
        return int(record["seq"]), histograms, str(record["hash"])
    except (OSError, ValueError, KeyError, TypeError):
        return _none()


def _fit(histograms: Iterable[Histogram]) -> bool:
    return all(len(histogram.buckets) == len(BOUNDS) + 1 for histogram in histograms)


def _keep(path: Path, seq: int, histograms: Mapping[Lane, Histogram], last: str | None) -> None:
    lanes = {
        lane: {"buckets": histogram.buckets, "seconds": histogram.seconds} for lane, histogram in histograms.items()
    }
    write_atomically(path, json.dumps({"bounds": BOUNDS, "seq": seq, "hash": last, "lanes": lanes}).encode())
