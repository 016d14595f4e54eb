"""The clock of a batch: paused and resumed with who and why, and its due day counted anew.

Rules
- ``due_last`` is that of the items whose deadline is later than the batch's (``schemas/deadlines.toml``); once the
  first result lies there, what is still open is judged by it.
- ``due_original`` is what the first receipt said and never changes; ``due_on`` is the present one: the batch's
  working days, over the pauses that have ended and the calendar as it is known now (``calendar/working_days.py``).
- Only an accepted batch that is not closed, and of which not all is overdue, can be paused: offence records in an ad
  hoc batch have their days though its other items were due at once. While the clock is paused the due day is
  not known: ``due_on`` is then what it would be had the clock been resumed at once, and ``clock_stands`` says so.
- An officer proposes that it be paused, and a leader, another person, approves: until then it runs; rejected, it was
  never paused (national rules on criminal-record queries of 2021: with the approval of the head of an organ of county
  level or above). Who knows what was looked into resumes it without asking.
- The register and its ledger write ``stop`` and ``start``: names of before, which what is signed keeps.
- Doing again what was done already changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.calendar.deadlines import WORKING_DAYS, later_items
from exchange.calendar.missed import Ended, missed
from exchange.calendar.working_days import ClockPause, Due, OfficeDays, due_after, office_day
from exchange.register.batches import Batch, Step
from exchange.register.database import transaction
from exchange.register.lines import append_event, as_batch, get_batch
from exchange.register.models import BatchRow, ClockProposalRow, ClockStopRow
from exchange.register.states import OPEN, State


@dataclass(frozen=True)
class Stop:
    """``reason``: a code of ``schemas/reviews.toml``; no ``started_at``: the clock is still paused."""

    number: int
    stopped_at: datetime
    stopped_by: str
    reason: str
    note: str | None
    started_at: datetime | None
    started_by: str | None
    started_note: str | None


@dataclass(frozen=True)
class Proposal:
    """A proposal to pause a clock. ``approved``: None until a leader decided; ``why``: the reason of a rejection."""

    batch: str
    number: int
    proposed_at: datetime
    proposed_by: str
    reason: str
    note: str | None
    decided_at: datetime | None
    decided_by: str | None
    approved: bool | None
    why: str | None


def clock_pauses(stops: Iterable[Stop]) -> list[ClockPause]:
    """The pauses that have ended, by their days."""
    return [
        ClockPause(office_day(stop.stopped_at), office_day(stop.started_at))
        for stop in stops
        if stop.started_at is not None
    ]


def paused_since(stops: Iterable[Stop]) -> date | None:
    """Since which day the clock is paused; None where it runs."""
    return max((office_day(stop.stopped_at) for stop in stops if stop.started_at is None), default=None)


def present_due(batch: Batch, stops: Iterable[Stop], office_days: OfficeDays) -> Due:
    """The due day of an accepted batch as it is counted now; KeyError where it was not accepted."""
    number = batch.due_working_days
    if number is None:  # accepted before the register kept it
        number = WORKING_DAYS[batch.cycle or ""]
    return due_after(number, office_day(batch.received_at), office_days, clock_pauses(stops))


def present_last(batch: Batch, stops: Iterable[Stop], office_days: OfficeDays) -> Due | None:
    """The due day of the batch's items with a later deadline, None where it has none."""
    days = max(later_items(batch.cycle or "", batch.items).values(), default=None) if batch.due_last else None
    if days is None:
        return None
    return due_after(days, office_day(batch.received_at), office_days, clock_pauses(stops))


def missed_days(batch: Batch, steps: Iterable[Step], stops: Iterable[Stop]) -> list[tuple[date, int]] | None:
    """The due days that a closed batch missed, each with by how many days; None where it is not closed, or has none."""
    moved = {step.to_state: office_day(step.at) for step in steps if step.from_state != step.to_state}
    if batch.due_on is None or State.CLOSED not in moved:
        return None
    first, done = moved.get(State.DELIVERED), moved[State.CLOSED]
    return missed(Ended(batch.due_on, batch.due_last, first, done, paused_since(stops)))


def is_as_counted(batch: Batch, stops: Iterable[Stop], office_days: OfficeDays) -> bool:
    """Whether the batch has no due days yet, or those that are counted for it now."""
    return batch.due_on is None or all(
        getattr(batch, name) == value for name, value in _counted(batch, list(stops), office_days).items()
    )


class Clock:
    """The clocks of all batches; ``actor`` is in whose name they are paused and resumed."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def propose(self, batch_id: str, at: datetime, reason: str, note: str | None = None) -> bool:
        """An officer asks for the clock to be paused; it runs on. False where somebody has asked already."""
        with transaction(self.engine) as session:
            row = _running_out(session, batch_id)
            if row.clock_stands or _undecided(session, batch_id) is not None:
                return False
            _check_not_due(row, at)
            number = len(_proposals(session, batch_id)) + 1
            session.add(
                ClockProposalRow(
                    batch_id=batch_id, number=number, proposed_at=at, proposed_by=self.actor, reason=reason, note=note
                )
            )
            event_data = {f"stop_proposed.{number}": f"{at.isoformat()} {reason} {note or ''}".strip()}
            append_event(session, row, {}, event_data, self.actor)
            return True

    def approve(self, batch_id: str, at: datetime, shown: int | None = None) -> None:
        """The leader pauses the clock from now on; Halt where nobody has asked, or the leader did so. ``shown``:
        the number of the proposal that the leader saw; Halt where another one waits.
        """
        with transaction(self.engine) as session:
            row, asked = _decidable(session, batch_id, self.actor, shown)
            _check_not_due(row, at)
            asked.decided_at, asked.decided_by, asked.approved = at, self.actor, True
            number = len(_stops(session, batch_id)) + 1
            stop = ClockStopRow(batch_id=batch_id, number=number, stopped_at=at, stopped_by=asked.proposed_by)
            stop.reason, stop.note = asked.reason, asked.note
            session.add(stop)
            event_data = {f"stop.{number}": f"{at.isoformat()} {asked.reason} {asked.note or ''}".strip()}
            append_event(session, row, {"clock_stands": True}, event_data, self.actor)

    def reject(self, batch_id: str, at: datetime, why: str, shown: int | None = None) -> None:
        """The clock was never paused; Halt where nobody has asked. ``shown`` as of ``approve``."""
        with transaction(self.engine) as session:
            row, asked = _decidable(session, batch_id, self.actor, shown)
            asked.decided_at, asked.decided_by, asked.approved, asked.why = at, self.actor, False, why
            append_event(session, row, {}, {f"stop_rejected.{asked.number}": f"{at.isoformat()} {why}"}, self.actor)

    def start(self, batch_id: str, at: datetime, office_days: OfficeDays, why: str | None = None) -> bool:
        """The clock runs again, and the due day is known again; False where it runs already."""
        with transaction(self.engine) as session:
            row = _running_out(session, batch_id)
            if not row.clock_stands:
                return False
            *_, last = session.scalars(select(ClockStopRow).filter_by(batch_id=batch_id).order_by("number"))
            last.started_at, last.started_by, last.started_note = max(at, last.stopped_at), self.actor, why
            facts = {"clock_stands": False} | counted(session, row, office_days)
            append_event(
                session, row, facts, {f"start.{last.number}": f"{at.isoformat()} {why or ''}".strip()}, self.actor
            )
            return True

    def recompute(self, batch_id: str, office_days: OfficeDays) -> bool:
        """Counts an open batch's due day by the calendar as it is known now; whether anything changed."""
        with transaction(self.engine) as session:
            row = get_batch(session, batch_id, for_update=True)
            if row.state not in OPEN or row.due_on is None:
                return False
            facts = counted(session, row, office_days)
            before = f"{row.due_on}{' provisional' if row.due_provisional else ''}"
            if facts == {name: getattr(row, name) for name in facts}:
                return False
            append_event(session, row, facts, {"due_before": before}, self.actor)
            return True

    def proposals(self, batch_id: str | None = None) -> list[Proposal]:
        """A batch's proposals, the first first; without a batch, those of all open ones that wait for a leader."""
        query = select(ClockProposalRow).join(BatchRow).order_by(ClockProposalRow.batch_id, ClockProposalRow.number)
        waits = ClockProposalRow.decided_at.is_(None) & BatchRow.state.in_(OPEN)
        chosen = waits if batch_id is None else ClockProposalRow.batch_id == batch_id
        with transaction(self.engine) as session:
            return [_proposal(row) for row in session.scalars(query.where(chosen))]

    def stops(self, batch_id: str) -> list[Stop]:
        """A batch's pauses, the first first."""
        with transaction(self.engine) as session:
            return _stops(session, batch_id)

    def open_batches(self) -> list[tuple[Batch, list[Stop]]]:
        """All batches with which something is still to be done, with the pauses of their clocks, oldest first."""
        query = select(BatchRow).where(BatchRow.state.in_(OPEN)).order_by(BatchRow.received_at, BatchRow.id)
        with transaction(self.engine) as session:
            batches = {row.id: (as_batch(row), list[Stop]()) for row in session.scalars(query)}
            stops = select(ClockStopRow).join(BatchRow).where(BatchRow.state.in_(OPEN)).order_by(ClockStopRow.number)
            for stop in session.scalars(stops):
                if stop.batch_id in batches:
                    batches[stop.batch_id][1].append(_stop(stop))
        return list(batches.values())

    def renewed(self, batch_id: str, number: int) -> None:
        """The partner has the receipts up to this one."""
        with transaction(self.engine) as session:
            row = get_batch(session, batch_id, for_update=True)
            if row.receipts_sent < number:
                append_event(session, row, {"receipts_sent": number}, {}, self.actor)


def _running_out(session: Session, batch_id: str) -> BatchRow:
    """The locked line of a batch that has a due day before it."""
    row = get_batch(session, batch_id, for_update=True)
    if row.due_on is None or row.state not in OPEN:
        msg = f"{batch_id} is {row.state}; only the clock of an accepted batch that is not closed is paused or resumed"
        raise Halt(msg, zh=f"{batch_id} 未受理或已办结（{State(row.state).zh}），不能停止或恢复计时")
    return row


def _check_not_due(row: BatchRow, at: datetime) -> None:
    """Halt where the due day is over, of items with a later deadline theirs."""
    last = row.due_last or row.due_on
    if last is None or last < office_day(at):
        msg = f"{row.id} was due on {last}; pausing its clock now would change nothing"
        raise Halt(msg, zh=f"{row.id} 的时限 {last} 已过，停止计时已无意义")


def _decidable(session: Session, batch_id: str, actor: str, shown: int | None) -> tuple[BatchRow, ClockProposalRow]:
    """The locked batch and its proposal, where this person may decide it."""
    row, asked = _running_out(session, batch_id), _undecided(session, batch_id)
    if asked is None:
        msg = f"nobody has asked for the clock of {batch_id} to be paused"
        raise Halt(msg, zh=f"没有人报请停止 {batch_id} 的计时")
    if shown is not None and asked.number != shown:
        msg = f"what waits for the clock of {batch_id} is not what was shown; look at it again"
        raise Halt(msg, zh=f"{batch_id} 待批的报请与所示不同，请重新查看")
    if asked.proposed_by == actor:
        msg = f"{actor} has proposed this; another person decides it"
        raise Halt(msg, zh=f"由 {actor} 报请，须由另一人审批")
    return row, asked


def _undecided(session: Session, batch_id: str) -> ClockProposalRow | None:
    return next((row for row in _proposals(session, batch_id) if row.decided_at is None), None)


def _proposals(session: Session, batch_id: str) -> list[ClockProposalRow]:
    query = select(ClockProposalRow).filter_by(batch_id=batch_id).order_by(ClockProposalRow.number)
    return list(session.scalars(query))


def counted(session: Session, row: BatchRow, office_days: OfficeDays) -> dict[str, Any]:
    """The due days of a locked batch as they are counted now, by the names of their columns."""
    session.flush()
    return _counted(as_batch(row), _stops(session, row.id), office_days)


def _counted(batch: Batch, stops: Sequence[Stop], office_days: OfficeDays) -> dict[str, Any]:
    due, last = present_due(batch, stops, office_days), present_last(batch, stops, office_days)
    if last is None:
        return {"due_on": due.day, "due_provisional": due.provisional}
    return {"due_on": due.day, "due_last": last.day, "due_provisional": due.provisional or last.provisional}


def _stops(session: Session, batch_id: str) -> list[Stop]:
    query = select(ClockStopRow).filter_by(batch_id=batch_id).order_by(ClockStopRow.number)
    return [_stop(row) for row in session.scalars(query)]


def _proposal(row: ClockProposalRow) -> Proposal:
    return Proposal(
        batch=row.batch_id, **{name: getattr(row, name) for name in Proposal.__dataclass_fields__ if name != "batch"}
    )


def _stop(row: ClockStopRow) -> Stop:
    return Stop(**{name: getattr(row, name) for name in Stop.__dataclass_fields__})
