"""Alerts in the register: warnings, alarms and breaches of due days, and sets that should have come.

Rules
- An alert is there once for a subject, its kind and a due day, however many watch; it says from which day it held and
  when it was noticed, and stays whether or not a message goes out.
- One that is about a batch is told to the ledger, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Date, Engine, Select, cast, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from exchange.calendar.working_days import OFFICE_ZONE, office_day
from exchange.register.attest import attest_rows
from exchange.register.batches import Batch
from exchange.register.database import reading, transaction
from exchange.register.ledger import append_note, touched
from exchange.register.lines import append_event, as_batch, get_batch
from exchange.register.models import LIVE, AlertRow, BatchRow, ClockStopRow, LedgerRow
from exchange.register.states import State


@dataclass(frozen=True)
class NewAlert:
    """``subject``: a batch's id, or what names an expected set. ``code``: of ``schemas/alerts.toml``."""

    partner: str
    subject: str
    code: str
    days: int
    due_on: date
    true_on: date


@dataclass(frozen=True)
class Alert(NewAlert):
    """An alert as it is recorded. ``told_at``: when a message about it went out; None: not yet."""

    id: int
    noticed_at: datetime
    told_at: datetime | None


class Alerts:
    """``actor`` is who watches."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def of_batch(self, batch_id: str, alerts: Iterable[NewAlert], at: datetime) -> list[Alert]:
        """Writes down alerts about a batch; those that nobody wrote down before."""
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True)
            added = [row for row in (_inserted(session, alert, at) for alert in alerts) if row is not None]
            if added:
                event_data = {f"alert.{row.code}{row.days or ''}": str(row.true_on) for row in added}
                append_event(session, batch, {}, event_data, self.actor)
                touched(session, *added)
            return [_alert(row) for row in added]

    def add(self, alert: NewAlert, at: datetime) -> Alert | None:
        """Writes down an alert that is about no batch; None where it is there already."""
        with transaction(self.engine) as session:
            row = _inserted(session, alert, at)
            if row is None:
                return None
            append_note(session, at, self.actor, {f"alert.{row.code}": row.subject})
            touched(session, row)
            return _alert(row)

    def sent(self, batch_ids: Iterable[str]) -> dict[str, dict[tuple[str, int], date]]:
        """Batch → kind → the office's day on which it was noticed last."""
        query = select(AlertRow).where(AlertRow.subject.in_(list(batch_ids))).order_by(AlertRow.noticed_at)
        by_subject: dict[str, dict[tuple[str, int], date]] = {}
        with transaction(self.engine) as session:
            for row in session.scalars(query):
                by_subject.setdefault(row.subject, {})[row.code, row.days] = office_day(row.noticed_at)
        return by_subject

    def missed(self, code: str) -> list[tuple[Batch, date]]:
        """Batches that missed a due day and have no alert of this code about it, each with that day: those that were
        closed after their last one, and those with two of which the first result came after the first.
        """
        last, of_first = func.coalesce(BatchRow.due_last, BatchRow.due_on), BatchRow.due_last.is_not(None)
        queries = (_missed(code, State.CLOSED, last), _missed(code, State.DELIVERED, BatchRow.due_on).where(of_first))
        with transaction(self.engine) as session:
            found = [
                (as_batch(row), day) for query in queries for row, day in session.execute(query) if day is not None
            ]
        return sorted(found, key=lambda missed: (missed[0].id, missed[1]))

    def find(
        self, *, partner: str | None = None, subject: str | None = None, untold: bool = False, limit: int | None = None
    ) -> list[Alert]:
        """The alerts that fit, the newest first."""
        query = select(AlertRow).order_by(AlertRow.noticed_at.desc(), AlertRow.id.desc()).limit(limit)
        if partner is not None:
            query = query.filter_by(partner=partner)
        if subject is not None:
            query = query.filter_by(subject=subject)
        if untold:
            query = query.where(AlertRow.told_at.is_(None))
        with transaction(self.engine) as session:
            return [_alert(row) for row in session.scalars(query)]

    def unsent_since(self) -> datetime | None:
        """When the oldest one that no message told of was noticed; None where all were told. Those from before the
        first message do not count: an office may want none, or have named where they go later.
        """
        first_told = select(func.min(AlertRow.told_at)).scalar_subquery()
        query = select(func.min(AlertRow.noticed_at)).where(
            AlertRow.told_at.is_(None), AlertRow.noticed_at > first_told
        )
        with reading(self.engine) as session:
            return session.scalar(query)

    def mark_sent(self, alerts: Iterable[Alert], at: datetime) -> None:
        """A message about these went out."""
        ids = [alert.id for alert in alerts]
        with transaction(self.engine) as session:
            untold = select(AlertRow).where(AlertRow.id.in_(ids), AlertRow.told_at.is_(None)).order_by(AlertRow.id)
            if rows := session.scalars(untold.with_for_update()).all():
                attest_rows(session, rows, min(row.noticed_at for row in rows))
                for row in rows:
                    row.told_at = at
                append_note(session, at, self.actor, {"alerts_told": len(rows)})
                touched(session, *rows)


def _missed(
    code: str, state: State, due: ColumnElement[date] | InstrumentedAttribute[date | None]
) -> Select[BatchRow, date | None]:
    """Batches, with the due day, that came into this state after it, and nobody was told; not where the clock was then
    paused since before that day was over.
    """
    came_on, zone = cast(func.timezone(OFFICE_ZONE.key, LedgerRow.at), Date), OFFICE_ZONE.key
    came = (LedgerRow.batch_id == BatchRow.id) & (LedgerRow.to_state == state) & (LedgerRow.from_state != state)
    stop = ClockStopRow
    stood = (stop.batch_id == BatchRow.id) & or_(stop.started_at.is_(None), stop.started_at > LedgerRow.at)
    paused = select(stop.number).where(stood, cast(func.timezone(zone, stop.stopped_at), Date) <= due).exists()
    same = (AlertRow.subject == BatchRow.id) & (AlertRow.due_on == due) & (AlertRow.code == code)
    known = select(AlertRow.id).where(same).exists()
    return select(BatchRow, due).join(LedgerRow, came).where(LIVE, came_on > due, ~paused, ~known)


def _inserted(session: Session, alert: NewAlert, at: datetime) -> AlertRow | None:
    row = insert(AlertRow).values(noticed_at=at, **asdict(alert))
    return session.scalar(row.on_conflict_do_nothing().returning(AlertRow))


def _alert(row: AlertRow) -> Alert:
    return Alert(**{name: getattr(row, name) for name in Alert.__dataclass_fields__})
