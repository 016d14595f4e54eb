"""More time for an objection (异议延期): an officer proposes it, a leader gives it, once, or says why not.

Rules
- Only an open objection that has its first time can be given more (``schemas/deadlines.toml``).
- An officer proposes, and a leader, another person, decides; returned, it may be proposed again. A leader may give it
  unasked, too, but not where somebody has asked: that proposal is decided.
- Who decided a row of the objection gives it no more time; nor who decided one that it is about, which the register
  does not know (``review/second_eyes.py``).
- Doing again what was done already changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.calendar.deadlines import EXTENDED_OBJECTION, OBJECTION
from exchange.calendar.working_days import OfficeDays
from exchange.register.batches import Batch
from exchange.register.clock import counted
from exchange.register.database import transaction
from exchange.register.lines import append_event, as_batch, get_batch
from exchange.register.models import BatchRow, ExtensionProposalRow
from exchange.register.reviews import deciders
from exchange.register.states import OPEN


@dataclass(frozen=True)
class ExtensionProposal:
    """``approved``: None until a leader decided; ``why``: a rejection's reason."""

    batch: str
    number: int
    proposed_at: datetime
    proposed_by: str
    reason: str
    decided_at: datetime | None
    decided_by: str | None
    approved: bool | None
    why: str | None


class Extensions:
    """The objections' longer times; ``actor`` is in whose name they are proposed and given."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def extendable(self) -> list[Batch]:
        """The open objections with their first time, what is due first before the rest."""
        query = select(BatchRow).where(BatchRow.cycle == OBJECTION, BatchRow.state.in_(OPEN))
        query = query.order_by(BatchRow.due_on, BatchRow.id)
        with transaction(self.engine) as session:
            objections = [as_batch(row) for row in session.scalars(query)]
        return [objection for objection in objections if objection.may_be_extended]

    def proposals(self, batch_id: str | None = None) -> list[ExtensionProposal]:
        """A batch's proposals, the first first; without a batch, those of all open ones that wait for a leader."""
        row = ExtensionProposalRow
        waits = row.decided_at.is_(None) & BatchRow.state.in_(OPEN)
        query = select(row).join(BatchRow).where(waits if batch_id is None else row.batch_id == batch_id)
        with transaction(self.engine) as session:
            return [_proposal(proposal) for proposal in session.scalars(query.order_by(row.batch_id, row.number))]

    def propose(self, batch_id: str, at: datetime, reason: str) -> bool:
        """An officer asks for more time. False where somebody has asked already."""
        with transaction(self.engine) as session:
            row = _extendable(session, batch_id)
            rows = _rows(session, batch_id)
            if any(proposal.decided_at is None for proposal in rows):
                return False
            number = len(rows) + 1
            asked = ExtensionProposalRow(batch_id=batch_id, number=number, proposed_at=at, proposed_by=self.actor)
            asked.reason = reason
            session.add(asked)
            event_data = {f"extension_proposed.{number}": f"{at.isoformat()} {reason}"}
            append_event(session, row, {}, event_data, self.actor)
            return True

    def approve(self, batch_id: str, at: datetime, office_days: OfficeDays, shown: int) -> None:
        """The leader gives the time that was asked for. ``shown``: the number of the proposal that the leader saw."""
        with transaction(self.engine) as session:
            row, asked = self._decidable(session, batch_id, shown)
            asked.decided_at, asked.decided_by, asked.approved = at, self.actor, True
            self._extend(session, row, office_days, asked.reason)

    def reject(self, batch_id: str, at: datetime, why: str, shown: int) -> None:
        """The objection keeps the time that it has. ``shown`` as of ``approve``."""
        with transaction(self.engine) as session:
            row, asked = self._decidable(session, batch_id, shown)
            asked.decided_at, asked.decided_by, asked.approved, asked.why = at, self.actor, False, why
            event_data = {f"extension_rejected.{asked.number}": f"{at.isoformat()} {why}"}
            append_event(session, row, {}, event_data, self.actor)

    def extend(self, batch_id: str, office_days: OfficeDays, reason: str) -> None:
        """A leader gives more time unasked."""
        with transaction(self.engine) as session:
            row = _extendable(session, batch_id)
            if any(proposal.decided_at is None for proposal in _rows(session, batch_id)):
                msg = f"more time is asked for {batch_id}; approve that or return it"
                raise Halt(msg, zh=f"{batch_id} 已有人申请延期，请批准或退回该申请")
            self._extend(session, row, office_days, reason)

    def _extend(self, session: Session, row: BatchRow, office_days: OfficeDays, reason: str) -> None:
        if self.actor in deciders(session, row.id):
            msg = f"{self.actor} decided a row of {row.id}; another leader gives it more time"
            raise Halt(msg, zh=f"{self.actor} 核实过 {row.id} 的行，须由另一位领导延期")
        row.due_working_days = EXTENDED_OBJECTION
        facts = {"due_working_days": EXTENDED_OBJECTION} | counted(session, row, office_days)
        append_event(session, row, facts, {"extended": reason}, self.actor)

    def _decidable(self, session: Session, batch_id: str, shown: int) -> tuple[BatchRow, ExtensionProposalRow]:
        """The locked batch and its proposal, where this person may decide it."""
        row = _extendable(session, batch_id)
        asked = next((proposal for proposal in _rows(session, batch_id) if proposal.decided_at is None), None)
        if asked is None or asked.number != shown:
            msg = f"what is asked for {batch_id} is not what was shown; look at it again"
            raise Halt(msg, zh=f"{batch_id} 的延期申请与所示不同，请重新查看")
        if asked.proposed_by == self.actor:
            msg = f"{self.actor} has proposed this; another person decides it"
            raise Halt(msg, zh=f"{self.actor} 是申请人，须由另一人决定")
        return row, asked


def _extendable(session: Session, batch_id: str) -> BatchRow:
    """The locked line of an open objection that has its first time."""
    row = get_batch(session, batch_id, for_update=True)
    if not as_batch(row).may_be_extended:
        msg = f"{batch_id} is no open objection with its first time; it cannot be extended"
        raise Halt(msg, zh=f"{batch_id} 不是在办且未延期的异议，不能延期")
    return row


def _rows(session: Session, batch_id: str) -> list[ExtensionProposalRow]:
    query = select(ExtensionProposalRow).filter_by(batch_id=batch_id).order_by(ExtensionProposalRow.number)
    return list(session.scalars(query))


def _proposal(row: ExtensionProposalRow) -> ExtensionProposal:
    names = [name for name in ExtensionProposal.__dataclass_fields__ if name != "batch"]
    return ExtensionProposal(batch=row.batch_id, **{name: getattr(row, name) for name in names})
