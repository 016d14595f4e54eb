"""``criminal_record`` (无违法犯罪记录): what the five offence sources hold of a person.

Rules
- What counts is what the purpose's legal bases let its partner know (``what_counts.py``). Any other record leaves the
  answer, the queue and the counts as they are for somebody without any.
- Anyone with a record that counts, or of which it is unclear whether it counts, goes to an officer; the machine never
  releases a hit and never calls it *no record*.
- A missing source, or one older than its limit, makes the row wait; it is never *no record*.
- *No record* leaves only with the leader's approval, which an agreement may hold in advance for ad hoc requests;
  without it the row is *awaiting approval*.
- Sealed juvenile records, and what is no record at all, are not in the snapshots (``snapshots/offences.py``), so that
  nothing here can know.

One search serves every purpose; records are read and judged for the people who have any, some hundredth of those asked.

Sources: Jilin's notice of 2015, section 3; national rules on criminal-record queries of 2021, articles 2, 3 and 10.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from exchange.base.tables import OFFENCE_SOURCES
from exchange.matching.items.rule import ItemRule
from exchange.matching.offence_records import counted_records
from exchange.matching.sources import Sources


def _look_up(frame: pl.DataFrame, sources: Sources) -> pl.DataFrame:
    """Adds ``criminal_record.hit``, ``.ready`` and ``.approved``."""
    hit = np.zeros(frame.height, dtype=bool)
    hit[counted_records(frame["person"].to_numpy(), sources)["person"].to_numpy()] = True
    of_all = {"ready": sources.ready(OFFENCE_SOURCES), "approved": sources.approved}
    return frame.hstack(
        [
            pl.Series("criminal_record.hit", hit),
            *[pl.Series(f"criminal_record.{name}", np.full(frame.height, value)) for name, value in of_all.items()],
        ]
    )


RULE = ItemRule(
    code="criminal_record",
    needs=OFFENCE_SOURCES,
    looks_up=_look_up,
    answer=(
        pl.when("criminal_record.hit")
        .then(pl.lit("under_review"))
        .when(~pl.col("criminal_record.ready"))
        .then(pl.lit("source_not_ready"))
        .when("criminal_record.approved")
        .then(pl.lit("no_record"))
        .otherwise(pl.lit("awaiting_approval"))
    ),
)
