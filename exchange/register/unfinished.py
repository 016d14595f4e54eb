"""Sets in partners' folders that are not complete: since when, why, and whether the partner was told.

Rule: the clock of a set starts anew whenever it moves. Nothing of this is in the ledger: no set is a batch yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, select, text
from sqlalchemy.dialects.postgresql import insert

from exchange.register.batches import UnfinishedSet
from exchange.register.database import transaction
from exchange.register.models import UnfinishedSetRow


class UnfinishedSets:
    """The incomplete sets of all partners."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def see(self, partner: str, stem: str, fingerprint: str, reason: str, at: datetime) -> UnfinishedSet:
        """Since when this incomplete set has looked like this; its clock starts anew whenever it moves."""
        row = {"fingerprint": fingerprint, "reason": reason, "first_seen": at, "noticed_at": None}
        seen = insert(UnfinishedSetRow).values(partner=partner, stem=stem, **row)
        seen = seen.on_conflict_do_update(
            index_elements=["partner", "stem"], set_=row, where=UnfinishedSetRow.fingerprint != fingerprint
        )
        with transaction(self.engine) as session:
            session.execute(seen)
            return _unfinished(session.scalars(select(UnfinishedSetRow).filter_by(partner=partner, stem=stem)).one())

    def all(self) -> list[UnfinishedSet]:
        """The incomplete sets of all partners, those that have stood longest first."""
        with transaction(self.engine) as session:
            return [_unfinished(row) for row in session.scalars(select(UnfinishedSetRow).order_by("first_seen"))]

    def noticed(self, partner: str, stem: str, at: datetime) -> None:
        """The partner was told of its incomplete set."""
        with transaction(self.engine) as session:
            session.scalars(select(UnfinishedSetRow).filter_by(partner=partner, stem=stem)).one().noticed_at = at

    def finished(self, partner: str, stems: Sequence[str]) -> None:
        """Forgets the partner's incomplete sets but these."""
        with transaction(self.engine) as session:
            session.execute(
                text("DELETE FROM unfinished_set WHERE partner = :partner AND NOT stem = ANY(:stems)"),
                {"partner": partner, "stems": list(stems)},
            )


def _unfinished(row: UnfinishedSetRow) -> UnfinishedSet:
    return UnfinishedSet(row.partner, row.stem, row.reason, row.first_seen, row.noticed_at)
