"""Sets in partners' folders that are not complete: since when, why, and whether the partner was told.

Rules: the clock of a set starts anew whenever it moves, and where it was first seen by a clock that ran ahead: until
that day came the partner would be told nothing. Nothing of this is in the ledger: no set is a batch yet. A
partner may leave thousands of them, and each minute's look sees all: they cost as many questions as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ARRAY, Engine, String, any_, cast, select, text, update

from exchange.register.batches import UnfinishedSet
from exchange.register.database import transaction
from exchange.register.models import UnfinishedSetRow

_SEE: Final = text("""
    INSERT INTO unfinished_set (partner, stem, fingerprint, reason, first_seen, noticed_at)
    SELECT :partner, stem, fingerprint, reason, :at, NULL
    FROM unnest(CAST(:stems AS text[]), CAST(:fingerprints AS text[]), CAST(:reasons AS text[]))
        AS seen (stem, fingerprint, reason)
    ON CONFLICT (partner, stem) DO UPDATE
    SET fingerprint = excluded.fingerprint, reason = excluded.reason, first_seen = excluded.first_seen,
        noticed_at = CASE WHEN unfinished_set.fingerprint = excluded.fingerprint THEN unfinished_set.noticed_at END
    WHERE unfinished_set.fingerprint <> excluded.fingerprint OR unfinished_set.first_seen > excluded.first_seen
""")


class UnfinishedSets:
    """The incomplete sets of all partners."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def see(self, partner: str, stem: str, fingerprint: str, reason: str, at: datetime) -> UnfinishedSet:
        """Records an incomplete set as it looks now; since when it has looked like this. Its clock starts anew whenever
        it changes.
        """
        return self.see_all(partner, {stem: (fingerprint, reason)}, at)[stem]

    def see_all(self, partner: str, sets: Mapping[str, tuple[str, str]], at: datetime) -> dict[str, UnfinishedSet]:
        """As :meth:`see`, of several of this partner's sets. ``sets``: stem → (fingerprint, reason)."""
        if not sets:
            return {}
        fingerprints, reasons = zip(*sets.values(), strict=True)
        given = {"partner": partner, "stems": [*sets], "fingerprints": [*fingerprints], "reasons": [*reasons], "at": at}
        query = select(UnfinishedSetRow).where(
            UnfinishedSetRow.partner == partner, UnfinishedSetRow.stem == any_(cast([*sets], ARRAY(String)))
        )
        with transaction(self.engine) as session:
            session.execute(_SEE, given)
            return {row.stem: _unfinished(row) for row in session.scalars(query)}

    def all(self, partner: str | None = None) -> list[UnfinishedSet]:
        """The incomplete sets of all partners, or of one, those that have stood longest first."""
        query = select(UnfinishedSetRow).order_by("first_seen")
        if partner is not None:
            query = query.filter_by(partner=partner)
        with transaction(self.engine) as session:
            return [_unfinished(row) for row in session.scalars(query)]

    def partners(self) -> frozenset[str]:
        """The partners that have an incomplete set in their folder."""
        with transaction(self.engine) as session:
            return frozenset(session.scalars(select(UnfinishedSetRow.partner).distinct()))

    def noticed(self, partner: str, stem: str, at: datetime) -> None:
        """The partner was told of its incomplete set; nothing to do where another look found it gone meanwhile."""
        with transaction(self.engine) as session:
            session.execute(update(UnfinishedSetRow).filter_by(partner=partner, stem=stem).values(noticed_at=at))

    def finished(self, partner: str, stems: Sequence[str]) -> None:
        """Forgets the partner's incomplete sets but these."""
        with transaction(self.engine) as session:
            session.execute(
                text("DELETE FROM unfinished_set WHERE partner = :partner AND NOT stem = ANY(:stems)"),
                {"partner": partner, "stems": list(stems)},
            )


def _unfinished(row: UnfinishedSetRow) -> UnfinishedSet:
    return UnfinishedSet(row.partner, row.stem, row.fingerprint, row.reason, row.first_seen, row.noticed_at)
