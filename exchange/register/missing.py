"""Sets that agreements expect: what came, what was missing on its day, and how often the partner was reminded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ARRAY, Engine, String, any_, cast, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from exchange.base.errors import Refused
from exchange.calendar.periods import MONTHS
from exchange.register.attest import attest_rows
from exchange.register.database import transaction
from exchange.register.ledger import append_note, touched
from exchange.register.models import LIVE, BatchRow, MissingSetRow
from exchange.register.states import State
from exchange.wire.manifest import RequestManifest

Key = tuple[str, str, str]
"""Cycle, period, purpose (empty where any will do)."""

_SETS = 0x53455453  # "SETS": orders those who accept a set for the same period
_NOT_ACCEPTED = (State.CLAIMED, State.REFUSED)


@dataclass(frozen=True)
class MissingSet:
    """A set that an agreement expects and that had not come by its day. ``arrived_at``: when it came after all."""

    partner: str
    cycle: str
    period: str
    purpose: str
    expected_by: date
    noticed_at: datetime
    reminders: int
    reminded_at: datetime | None
    arrived_at: datetime | None

    @property
    def key(self) -> Key:
        """What it is known by, beside its partner."""
        return self.cycle, self.period, self.purpose


class MissingSets:
    """``actor`` is who watches."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def came(self, partner: str) -> dict[Key, datetime]:
        """(cycle, period, purpose) of the partner's accepted live sets of periodic cycles, as sets are expected of no
        other → when the first of them came.
        """
        return self.came_of([partner])[partner]

    def came_of(self, partners: Collection[str]) -> dict[str, dict[Key, datetime]]:
        """Partner → what :meth:`came` says, of each of these, by one question."""
        named = (BatchRow.partner, BatchRow.cycle, BatchRow.period, BatchRow.purpose)
        of_these = BatchRow.partner == any_(cast(list(partners), ARRAY(String)))
        query = select(*named, func.min(BatchRow.received_at)).where(LIVE, of_these, BatchRow.cycle.in_(MONTHS))
        query = query.where(BatchRow.state.not_in(_NOT_ACCEPTED)).group_by(*named)
        came: dict[str, dict[Key, datetime]] = {partner: {} for partner in partners}
        with transaction(self.engine) as session:
            for partner, cycle, period, purpose, at in session.execute(query):
                came[partner][cycle or "", period or "", purpose or ""] = at
        return came

    def notice(self, partner: str, key: Key, expected_by: date, at: datetime) -> MissingSet:
        """Records that this set has not come; the record that was made first."""
        cycle, period, purpose = key
        row = insert(MissingSetRow).values(partner=partner, cycle=cycle, period=period, purpose=purpose)
        row = row.values(expected_by=expected_by, noticed_at=at, reminders=0)
        with transaction(self.engine) as session:
            added = session.scalar(row.on_conflict_do_nothing().returning(MissingSetRow.partner))
            kept = _row(session, partner, key)
            if added is not None:
                self._append_note(session, kept, "noticed", at)
            return _missing(kept)

    def reminded(self, partner: str, key: Key, number: int, at: datetime) -> None:
        """The partner has its n-th reminder."""
        with transaction(self.engine) as session:
            row = _row(session, partner, key, for_update=True)
            if row.reminders < number:
                attest_rows(session, [row], row.noticed_at)
                row.reminders, row.reminded_at = number, at
                self._append_note(session, row, f"reminder {number}", at)

    def arrived(self, partner: str, key: Key, at: datetime) -> None:
        """Records that a set which was missing has come."""
        with transaction(self.engine) as session:
            row = _row(session, partner, key, for_update=True)
            attest_rows(session, [row], row.noticed_at)
            row.arrived_at = at
            self._append_note(session, row, "arrived", at)

    def _append_note(self, session: Session, row: MissingSetRow, what: str, at: datetime) -> None:
        purpose = f".{row.purpose}" if row.purpose else ""
        append_note(session, at, self.actor, {f"missing.{row.partner}.{row.cycle}.{row.period}{purpose}": what})
        touched(session, row)

    def find(self, *, partner: str | None = None, every: bool = False) -> list[MissingSet]:
        """What has not come yet, the oldest first; with ``every``, also what came late."""
        query = select(MissingSetRow).order_by(MissingSetRow.expected_by, MissingSetRow.partner, MissingSetRow.cycle)
        if partner is not None:
            query = query.filter_by(partner=partner)
        if not every:
            query = query.where(MissingSetRow.arrived_at.is_(None))
        with transaction(self.engine) as session:
            return [_missing(row) for row in session.scalars(query)]


def check_not_doubled(
    session: Session, batch_id: str, manifest: RequestManifest, at_most: int, stage: str | None
) -> None:
    """Refused where so many other sets of the same stage were accepted for the cycle, period and purpose; of two that
    are judged at once, one waits for the other.
    """
    names = ("partner", "cycle", "period", "purpose")
    key = " ".join(str(getattr(manifest, name)) for name in names)
    session.execute(select(func.pg_advisory_xact_lock(_SETS, func.hashtext(key))))
    same = [getattr(BatchRow, name) == getattr(manifest, name) for name in names]
    same.append(BatchRow.stage.is_not_distinct_from(stage))
    others = select(func.count(BatchRow.id)).where(*same, BatchRow.id != batch_id)
    if (session.scalar(others.where(BatchRow.state.not_in(_NOT_ACCEPTED))) or 0) >= at_most:
        raise Refused("period_doubled", column="period")


def _row(session: Session, partner: str, key: Key, *, for_update: bool = False) -> MissingSetRow:
    return session.get_one(MissingSetRow, (partner, *key), with_for_update=for_update)


def _missing(row: MissingSetRow) -> MissingSet:
    return MissingSet(**{name: getattr(row, name) for name in MissingSet.__dataclass_fields__})
