"""Before the leader has released an answer, nothing that the partner sees tells whether a person has records.

Rules
- One code for all: whoever waits with an item of offence records is told *awaiting approval*, be it for the officer who
  looks into a hit or for the leader who lets *no record* go; where a source is not ready, all of them read that.
  Counts are those of the codes that are told.
- Such rows of a batch leave together, also after the due day (``steps/candidates.py``), so that a hit
  is not recognised by coming later than its neighbours.
- Under a standing approval clean rows leave at once, and waiting itself would tell. Therefore some of them wait, too,
  for an officer's spot check: one in ``spot_check_one_in`` (settings, ``[policy]``); of a partner who was told of more
  records than that within ``spot_check_days``, as many as it was told of. Rows that an officer has for something else
  are drawn like any other: else of these whoever waits would be a hit.
- Without one a batch waits for the leader as a whole, and one that comes late would tell: of its rows that could be
  drawn, one waits for an officer.
- **Who is drawn depends on nobody's records but what the partner was told of them**: neither on other rows of the batch
  nor on hits that wait. Who asks again, or asks beside people whom it knows to be clean, sees the same of somebody with
  a record and of somebody who is drawn.
- It is the person who is drawn, by a keyed hash, not the row: for whoever asks and for this purpose, each with half of
  the weight. Else asking twice would tell the one, asking for two purposes the other. Each person is drawn anew every
  ``DRAWN_FOR_DAYS``, counted from a day of the person's own, so that waiting at last does not prove a new record.
- A row that was drawn stands in the queue with the cause *spot check*, and the register's queue alone says later which
  ones were: nothing is drawn twice.

What remains: of a row that waits under a standing approval, or of a batch of one row that comes late, the odds of a hit
are its share among the partner's people to the share that is drawn. See
``docs/adr/0024-nothing-tells-before-the-release.md``.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Final

import polars as pl

from exchange.agreements.sections import LETTER_ITEMS
from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.matching.decide import CAUSES_COLUMN, IDENTITY_COLUMN, PERSON
from exchange.matching.lookup import SortedTable
from exchange.register import Batch
from exchange.settings import read_secret

SPOT: Final = "spot_check"
RECORD_CAUSES: Final = (*sorted(LETTER_ITEMS), SPOT)
"""Why an officer has a row that must not be told from others of its batch."""

AWAITING: Final = "awaiting_approval"
FOUND: Final = "record_found"
_DERIVED: Final = b"household exchange: people for a spot check"
DRAWN_FOR_DAYS: Final = 90
"""More than a hit can wait for its release (``schemas/deadlines.toml``), less than between two yearly queries."""


def as_disclosed(answers: pl.DataFrame, waits_for: str = AWAITING) -> pl.DataFrame:
    """The answers as a partner is told them: the same rows and columns (``matching.decide``), other codes in those of
    offences; these answers themselves where none is asked. ``waits_for``: the code of rows without a record that wait.
    """
    established = pl.col(IDENTITY_COLUMN) == "consistent"
    columns = _columns(answers)
    if not columns:
        return answers
    return answers.with_columns(
        pl.when(established & (pl.col(column) == "under_review"))
        .then(pl.lit(waits_for))
        .otherwise(pl.col(column))
        .alias(column)
        for column in columns
    )


@dataclass(frozen=True)
class SpotCheck:
    """Draws the rows of one batch that wait for a spot check. ``key``: secret; ``about``: partner and purpose; ``day``:
    of receipt; ``share``: of clean rows that are drawn, 0 to 1.
    """

    key: bytes
    about: str
    day: date
    share: float

    @classmethod
    def of(cls, app: App, batch: Batch, purpose: str) -> SpotCheck:
        """The draw for this batch, with the share that the settings and the partner's past give."""
        policy, items = app.settings.policy, sorted(LETTER_ITEMS)
        since = batch.received_at - timedelta(days=policy.spot_check_days)
        # What is real about a partner must not be read off its tests.
        disclosed, rows = (
            (0, 0) if batch.is_test else app.register.releases.share_told(batch.partner, items, FOUND, since)
        )
        share = max(1 / policy.spot_check_one_in, min(disclosed / max(rows - disclosed, 1), 1.0))
        return cls(cls.key_of(app), f"{batch.partner} {purpose}", office_day(batch.received_at), share)

    @staticmethod
    def key_of(app: App) -> bytes:
        """The secret of all draws, derived from the office's decryption key."""
        return hmac.digest(read_secret(app.settings.keys.decryption_key), _DERIVED, sha256)

    def drawn(self, answers: pl.DataFrame, rows: Sequence[int], people: SortedTable) -> list[int]:
        """The numbers, ascending, of the rows that wait for a spot check: of *no record* answers, which would leave at
        once, all that are drawn; of those that wait for the leader, one at most. Rows that an officer has for something
        else are drawn like any other. ``answers``: columns of ``matching.decide``; ``rows``: the numbers of its rows.
        """
        at_once, waiting = (self._drawn_of(answers, code, people) for code in ("no_record", AWAITING))
        return sorted(rows[position] for _, position in [*at_once, *sorted(waiting)[:1]])

    def _drawn_of(self, answers: pl.DataFrame, code: str, people: SortedTable) -> list[tuple[float, int]]:
        """(chance, position) of the rows with this code that are drawn."""
        if not (columns := _columns(answers)):
            return []
        with_code = answers.select(pl.any_horizontal(pl.col(columns) == code)).to_series().arg_true()
        keys = people.keys[answers[PERSON].gather(with_code).to_numpy()]
        chances = [(self.chance(int(key)), position) for key, position in zip(keys, with_code, strict=True)]
        return [chance for chance in chances if chance[0] < self.share]

    def chance(self, person: int) -> float:
        """A pseudo-random number from 0 to 1, uniform, the same for the same person, partner, purpose and span of days;
        drawn is who is below ``share``. ``person``: the key of the person's number in the register.
        """
        turn = (self.day.toordinal() + int(self._hashed(f"{person}") * DRAWN_FOR_DAYS)) // DRAWN_FOR_DAYS
        lower = min(self._hashed(f"{person} {turn}"), self._hashed(f"{person} {turn} {self.about}"))
        return 1 - (1 - lower) ** 2  # the lower one of two is below x with 1 - (1 - x)²

    def _hashed(self, text: str) -> float:
        return int.from_bytes(hmac.digest(self.key, text.encode(), sha256)[:7]) / (1 << 56)


def with_spot_checks(answers: pl.DataFrame, rows: Sequence[int], drawn: Collection[int]) -> pl.DataFrame:
    """The answers with the rows that were drawn under review. ``rows``: the numbers of the frame's rows."""
    if not drawn:
        return answers
    waits = pl.Series(rows, dtype=pl.Int64).is_in(list(drawn))
    held = [
        pl.when(waits & pl.col(column).is_in(["no_record", AWAITING]))
        .then(pl.lit("under_review"))
        .otherwise(pl.col(column))
        .alias(column)
        for column in _columns(answers)
    ]
    return answers.with_columns(*held, _with_cause(waits))


def _with_cause(waits: pl.Series) -> pl.Expr:
    """The causes of each row; where it is drawn, with the spot check as the last one."""
    causes = pl.col(CAUSES_COLUMN)
    among = causes.str.split(";").list.contains(SPOT)
    behind = pl.when(causes == "").then(pl.lit(SPOT)).otherwise(pl.concat_str(causes, pl.lit(f";{SPOT}")))
    return pl.when(pl.lit(waits) & ~among).then(behind).otherwise(causes).alias(CAUSES_COLUMN)


def _columns(answers: pl.DataFrame) -> list[str]:
    """The columns of items that speak of offence records."""
    return [name for name in answers.columns if name.removeprefix("answer.") in LETTER_ITEMS]
