"""What a partner can know of a person's records before the leader has released the answer: nothing.

Rules
- One code for all: whoever waits with an item of offence records is told *awaiting approval*, be it for the officer who
  looks into a hit or for the leader who lets *no record* go; where a source is not ready, all of them read that.
  Counts are those of the codes that are told.
- In one company: such rows of a batch leave together, also after the due day (``steps/candidates.py``), so that a hit
  is not recognised by coming later than its neighbours.
- Under a standing approval clean rows leave at once, and waiting itself would tell. Therefore some of them wait, too,
  for an officer's spot check: one in ``spot_check_one_in`` (settings, ``[policy]``), drawn by a keyed hash of batch
  and row; of a partner who has had more hits than that within ``spot_check_days``, as many as it had hits; and of a
  batch at least as many as it has hits, where it has as many clean rows. Rows that an officer has for something else
  are drawn like any other: else of these whoever waits would be a hit.
- A row that was drawn stands in the queue with the cause *spot check*, and the register's queue alone says later which
  ones were: nothing is drawn twice.

What remains: of a row that waits under a standing approval the odds of a hit are its share among the partner's people
to the share that is drawn: at most one to one. See ``docs/adr/0024-nothing-tells-before-the-release.md``.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

import polars as pl

from exchange.agreements.sections import LETTER_ITEMS
from exchange.app import App
from exchange.matching.decide import CAUSES_COLUMN, IDENTITY_COLUMN
from exchange.register import Batch
from exchange.settings import read_secret

SPOT: Final = "spot_check"
RECORD_CAUSES: Final = (*sorted(LETTER_ITEMS), SPOT)
"""Why an officer has a row that must not be told from others of its batch."""

AWAITING: Final = "awaiting_approval"
_DERIVED: Final = b"household exchange: rows for a spot check"


def told(answers: pl.DataFrame, waits_for: str = AWAITING) -> pl.DataFrame:
    """The answers as a partner is told them. ``waits_for``: the code of rows without a record that wait."""
    established = pl.col(IDENTITY_COLUMN) == "consistent"
    columns = _columns(answers)
    return answers.with_columns(
        pl.when(established & (pl.col(column) == "under_review"))
        .then(pl.lit(waits_for))
        .otherwise(pl.col(column))
        .alias(column)
        for column in columns
    )


@dataclass(frozen=True)
class SpotCheck:
    """A draw for one batch. ``key``: secret; ``share``: of the clean rows, 0 to 1."""

    key: bytes
    share: float

    @classmethod
    def of(cls, app: App, batch: Batch) -> SpotCheck:
        secret = read_secret(app.settings.keys.decryption_key)
        policy = app.settings.policy
        since = batch.received_at - timedelta(days=policy.spot_check_days)
        # What is real about a partner must not be read off its tests.
        hits, rows = (
            (0, 0) if batch.is_test else app.register.reviews.share_of(batch.partner, sorted(LETTER_ITEMS), since)
        )
        key = hmac.digest(secret, _DERIVED + batch.manifest_sha256.encode(), sha256)
        return cls(key, max(1 / policy.spot_check_one_in, min(hits / max(rows - hits, 1), 1.0)))

    def drawn(self, answers: pl.DataFrame, rows: Sequence[int]) -> list[int]:
        """Which of these rows (``rows``: their numbers) wait for a spot check, ascending. Of *no record* answers, which
        would leave at once, whatever else an officer has the row for; at least as many as there are hits among them.
        """
        columns = _columns(answers)
        if not columns:
            return []
        clean = answers.select(pl.any_horizontal(pl.col(columns) == "no_record")).to_series()
        hits = answers[CAUSES_COLUMN].str.split(";").list.set_intersection(sorted(LETTER_ITEMS)).list.len()
        drawn = sorted((self._chance(rows[position]), rows[position]) for position in clean.arg_true())
        least = int((hits > 0).sum())
        return sorted(row for position, (chance, row) in enumerate(drawn) if position < least or chance < self.share)

    def _chance(self, row: int) -> float:
        """From 0 to 1, the same for the same row."""
        return int.from_bytes(hmac.digest(self.key, str(row).encode(), sha256)[:8]) / (1 << 64)


def with_spot_checks(answers: pl.DataFrame, rows: Sequence[int], drawn: Collection[int]) -> pl.DataFrame:
    """The answers with the rows that were drawn under review. ``rows``: the numbers of the frame's rows."""
    if not drawn:
        return answers
    waits = pl.Series(rows, dtype=pl.Int64).is_in(list(drawn))
    held = [
        pl.when(waits & (pl.col(column) == "no_record"))
        .then(pl.lit("under_review"))
        .otherwise(pl.col(column))
        .alias(column)
        for column in _columns(answers)
    ]
    return answers.with_columns(*held, _with_cause(waits))


def _with_cause(waits: pl.Series) -> pl.Expr:
    """The causes, the spot check behind those of other work."""
    causes = pl.col(CAUSES_COLUMN)
    among = causes.str.split(";").list.contains(SPOT)
    behind = pl.when(causes == "").then(pl.lit(SPOT)).otherwise(pl.concat_str(causes, pl.lit(f";{SPOT}")))
    return pl.when(pl.lit(waits) & ~among).then(behind).otherwise(causes).alias(CAUSES_COLUMN)


def _columns(answers: pl.DataFrame) -> list[str]:
    """The columns of items that speak of offence records."""
    return [name for name in answers.columns if name.removeprefix("answer.") in LETTER_ITEMS]
