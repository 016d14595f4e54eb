"""Which lane a batch takes: the immediate one for small ad hoc sets, one in parts for very large sets, the common one
for all others.

Rules
- The manifest's bytes decide, and what the office calls large. A batch keeps them for good, so whoever asks, however
  often, hears the same: no batch has a run in two lanes. (Where ``large_rows`` is changed between claim and receipt one
  may get a second run; it finds the steps done, or the claim taken.)
- A manifest that cannot be read takes the common lane, where receiving it says why.
- Size and rows are as the manifest says, not trusted yet. The size was held against the listing when the set was
  claimed, and a data file with more rows than its manifest says is refused.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from exchange.app import App
from exchange.base.errors import Refused
from exchange.wire.manifest import RequestManifest, parse

AD_HOC: Final = "ad_hoc"
"""The cycle that is answered at once (Jilin's notice of 2015, art. 2: on the day itself)."""

MAX_IMMEDIATE_ROWS: Final = 10_000
MAX_IMMEDIATE_BYTES: Final = 4 * 1024 * 1024
"""Of a set in the immediate lane: what is answered in a few seconds more than a single row, so that the next set need
not wait. What is larger and ad hoc is due on the same day and can do with minutes.
"""


class Lane(StrEnum):
    """The value is the name of the DAG that answers the batch."""

    IMMEDIATE = "immediate"
    BATCH = "batch"
    LARGE = "large"


def lane_of(app: App, batch_id: str) -> Lane:
    """The lane of a claimed batch; Halt where its manifest is not in the archive."""
    return lane_by(app, app.archive.read(app.register.batch(batch_id).manifest_sha256))


def lane_by(app: App, content: bytes) -> Lane:
    """The lane of a batch with this manifest."""
    try:
        manifest = parse(RequestManifest, content)
    except Refused:
        return Lane.BATCH
    small = manifest.rows <= MAX_IMMEDIATE_ROWS and manifest.data.size <= MAX_IMMEDIATE_BYTES
    if manifest.cycle == AD_HOC and small:
        return Lane.IMMEDIATE
    return Lane.LARGE if manifest.rows >= app.settings.policy.large_rows else Lane.BATCH
