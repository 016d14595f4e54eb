"""What the guard against fishing stores: of each batch counts and keyed hashes of the rows that failed, and its holds.

Rules
- Evidence is written in the same transaction as the batch's first result. Its hashes go when the span is over; the
  counts stay, as those of answers do.
- A held batch is prepared and not delivered until a leader releases or refuses it; both once, with a reason, in the
  ledger.
- What is usual for a partner is computed from batches that were not held, or that a leader released.
- A batch that a leader released is not counted against the partner again: its span begins anew with the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from sqlalchemy import (
    CompoundSelect,
    DateTime,
    Engine,
    ForeignKey,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from exchange.base.errors import Halt
from exchange.base.keyed import Hashes, Kind
from exchange.guard.rules import Counts, Failed, Trip
from exchange.guard.thresholds import THRESHOLDS
from exchange.register.asked_lately import asked_too, forget
from exchange.register.database import reading, transaction
from exchange.register.ledger import touched
from exchange.register.lines import append_event, get_batch, now, transition
from exchange.register.models import Base, BatchRow
from exchange.register.states import State
from exchange.register.told import unpacked

RELEASED: Final = "released"
REFUSED: Final = "refused"
_REFUSAL_RECEIPT: Final = 2
"""Receipts that a batch has had before the one that refuses it: a held batch was accepted in its first."""
_KINDS: Final = {"numbers": Kind.NUMBER, "names": Kind.NAME, "groups": Kind.PLACE_AND_BIRTH}


class GuardEvidenceRow(Base):
    """Of a batch: rows, those that failed, and their hashes in one order (empty once the span is over)."""

    __tablename__ = "guard_evidence"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    rows: Mapped[int]
    no_such_number: Mapped[int]
    name_disagrees: Mapped[int]
    generation: Mapped[int]
    numbers: Mapped[bytes]
    names: Mapped[bytes]
    groups: Mapped[bytes]


class GuardHoldRow(Base):
    """A first result that waits for a leader's decision; ``tripped``: which rules tripped, with count and threshold."""

    __tablename__ = "guard_hold"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    held_at: Mapped[datetime]
    tripped: Mapped[list[str]]
    decision: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    reason: Mapped[str | None]


def _sums() -> list[Any]:
    """The counts of evidence rows, added up."""
    row = GuardEvidenceRow
    return [func.coalesce(func.sum(column), 0) for column in (row.rows, row.no_such_number, row.name_disagrees)]


def _of_span(query: Select[Any]) -> Select[Any]:
    """Of a partner's span, which begins no earlier than ``begin``: see :func:`_begin`."""
    begin = func.greatest(bindparam("begin", type_=DateTime(timezone=True)), _RELEASED_LAST.scalar_subquery())
    of_partner = query.join(BatchRow).where(BatchRow.partner == bindparam("partner"))
    return of_partner.where(GuardEvidenceRow.at > begin)


def _past_and_peers() -> CompoundSelect[Any]:
    """See ``Guard.past_and_peers``, the sums of each with its place."""
    row, hold = GuardEvidenceRow, aliased(GuardHoldRow)
    is_guessed = (hold.batch_id == row.batch_id) & (func.coalesce(hold.decision, "") != RELEASED)
    everybodys = select(*_sums()).where(row.at > bindparam("begin"))
    guessed = everybodys.join(hold, is_guessed)  # they are few: all others are not looked at one by one
    own = everybodys.where(~exists().where(is_guessed)).join(BatchRow).where(BatchRow.partner == bindparam("partner"))
    sums = (own.where(row.at <= bindparam("end")), own, everybodys, guessed)
    return union_all(*[query.add_columns(literal(number)) for number, query in enumerate(sums)])


_FULL: Final = (
    select(GuardEvidenceRow)
    .where(GuardEvidenceRow.at < bindparam("before"))
    .where(or_(*[getattr(GuardEvidenceRow, name) != b"" for name in _KINDS]))
    .order_by(GuardEvidenceRow.batch_id)
    .with_for_update(skip_locked=True)
)
_RELEASED_LAST: Final = (
    select(func.max(GuardHoldRow.decided_at))
    .join(BatchRow)
    .where(BatchRow.partner == bindparam("partner"), GuardHoldRow.decision == RELEASED)
)
_FAILS: Final = GuardEvidenceRow.numbers != b""
_SPAN_SUMS: Final = _of_span(select(*_sums(), func.count().filter(_FAILS)))
_SPAN_FAILING: Final = _of_span(select(GuardEvidenceRow).where(_FAILS).order_by(GuardEvidenceRow.at))
_PAST_AND_PEERS: Final = _past_and_peers()


def _begin(session: Session, partner: str, at: datetime) -> datetime:
    """When the partner's span before ``at`` begins."""
    last: datetime | None = session.scalar(_RELEASED_LAST, {"partner": partner})
    begin = at - timedelta(days=THRESHOLDS.span_days)
    return begin if last is None else max(begin, last)


@dataclass(frozen=True)
class Evidence:
    """Evidence of one batch, and which rules tripped (``guard.rules``). ``holds``: they hold the result back."""

    generation: int
    counts: Counts
    failed: Failed
    trips: Sequence[Trip] = ()
    holds: bool = False

    @property
    def summary(self) -> str:
        """What the ledger says of it."""
        return f"{'held' if self.holds else 'seen'} {'; '.join(map(str, self.trips))}"


@dataclass(frozen=True)
class GuardHold:
    batch: str
    partner: str
    held_at: datetime
    tripped: tuple[str, ...]
    decision: str | None
    reason: str | None = None


Renewed = Callable[[Hashes, Kind, int], Hashes]
"""Hashes of a kind and a generation → the same in the newest."""


def add_evidence(session: Session, batch_id: str, evidence: Evidence) -> None:
    """Adds a batch's evidence, and a hold where it ``holds``, to a transaction that writes a ledger line."""
    at, counts = now(), evidence.counts
    row = GuardEvidenceRow(batch_id=batch_id, at=at, rows=counts.rows, generation=evidence.generation)
    row.no_such_number, row.name_disagrees = counts.no_such_number, counts.name_disagrees
    for name in _KINDS:
        setattr(row, name, getattr(evidence.failed, name).tobytes())
    session.add(row)
    if evidence.holds:
        tripped = [str(trip) for trip in evidence.trips]
        session.add(GuardHoldRow(batch_id=batch_id, held_at=at, tripped=tripped))
    touched(session, row, *_emptied(session, at - timedelta(days=THRESHOLDS.span_days)))


def _emptied(session: Session, before: datetime) -> Sequence[GuardEvidenceRow]:
    """The rows whose span is over, without their hashes; those that another transaction empties are left to it."""
    rows = session.scalars(_FULL, {"before": before}).all()
    for row in rows:
        row.numbers = row.names = row.groups = b""
    return rows


def is_held(session: Session, batch_id: str) -> bool:
    """Whether the batch's first result must not leave."""
    row = session.get(GuardHoldRow, batch_id)
    return row is not None and row.decision != RELEASED


class Guard:
    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def span(self, partner: str, at: datetime, renewed: Renewed) -> tuple[Counts, Failed]:
        """Counts and failing rows of the partner's span before ``at``."""
        with reading(self.engine) as session:
            asked = {"partner": partner, "begin": at - timedelta(days=THRESHOLDS.span_days)}
            *sums, failing = map(int, session.execute(_SPAN_SUMS, asked).one())
            rows = session.scalars(_SPAN_FAILING, asked) if failing else ()
            return Counts(*sums), Failed.together([_failed(evidence, renewed) for evidence in rows])

    def failed_of_others(self, partner: str, at: datetime, renewed: Renewed) -> Failed:
        """Failing rows of all other partners in the span; not those from before a leader released something of theirs,
        or of this partner's.
        """
        row = GuardEvidenceRow
        with reading(self.engine) as session:
            begin = _begin(session, partner, at)
        # Told by whose batches are not meant: joined with all batches it would take as long as there are batches.
        not_meant = or_(
            BatchRow.partner == partner,
            *[and_(BatchRow.partner == other, row.at <= last) for other, last in self._released(begin)],
        )
        not_of = ~select(BatchRow.id).where(BatchRow.id == row.batch_id, not_meant).exists()
        failing = select(row.generation, *[getattr(row, name) for name in _KINDS])
        failing = failing.where(row.at > begin, row.numbers != b"", not_of)
        of_span = failing.order_by(row.at, row.batch_id).subquery()  # the three stay in one order
        packed = [func.string_agg(of_span.c[name], literal(b"")) for name in _KINDS]
        query = select(of_span.c.generation, *packed).group_by(of_span.c.generation)
        with reading(self.engine) as session:
            rows = session.execute(query).all()
        return Failed.together(
            [
                Failed(
                    *[
                        renewed(unpacked(part), kind, of_generation[0])
                        for part, kind in zip(of_generation[1:], _KINDS.values(), strict=True)
                    ]
                )
                for of_generation in rows
            ]
        )

    def _released(self, after: datetime) -> list[tuple[str, datetime]]:
        """The partners of which a leader released something since then, and when that was last."""
        query = select(BatchRow.partner, func.max(GuardHoldRow.decided_at)).join(GuardHoldRow)
        query = query.where(GuardHoldRow.decision == RELEASED, GuardHoldRow.decided_at > after)
        with reading(self.engine) as session:
            rows = session.execute(query.group_by(BatchRow.partner)).all()
        return [(partner, last) for partner, last in rows if last is not None]

    def past_and_peers(self, partner: str, at: datetime) -> tuple[Counts, Counts]:
        """The partner's own counts before its span, and those of all others up to now. Not of a batch that is held or
        was refused: what was found to be guessing would else be usual a month later, and excuse more of it.
        """
        end = at - timedelta(days=THRESHOLDS.span_days)
        asked = {"partner": partner, "begin": end - timedelta(days=THRESHOLDS.past_days), "end": end}
        with reading(self.engine) as session:
            totals = sorted(session.execute(_PAST_AND_PEERS, asked), key=lambda sums: sums[-1])
        past, mine, all_, not_usual = (Counts(*map(int, sums[:-1])) for sums in totals)
        return past, all_ - not_usual - mine

    def asked_too(self, partner: str, at: datetime, asked: Hashes, generation: int, renewed: Renewed) -> list[Hashes]:
        """For each other partner, whom its small sets of the span asked about: of the numbers ``asked``, which are of
        the newest generation, at least those that are among them.
        """
        by_partner: dict[str, list[Hashes]] = {}
        with reading(self.engine) as session:
            for other, made_with, hashes in asked_too(session, partner, at, asked, generation):
                by_partner.setdefault(other, []).append(renewed(unpacked(hashes), Kind.NUMBER, made_with))
        return [np.concatenate(parts) for parts in by_partner.values()]

    def forget_numbers(self) -> None:
        """Forgets the numbers of small sets whose span is over."""
        with transaction(self.engine) as session:
            forget(session)

    def unfinished(self) -> list[GuardHold]:
        """The holds that a leader decided and the partner has not been told of, the oldest first: the same decision
        again finishes it.
        """
        query = select(GuardHoldRow, BatchRow.partner).join(BatchRow, BatchRow.id == GuardHoldRow.batch_id)
        stays = (GuardHoldRow.decision == RELEASED) & (BatchRow.state == State.PREPARED)
        untold = (GuardHoldRow.decision == REFUSED) & (BatchRow.receipts_sent < _REFUSAL_RECEIPT)
        query = query.where(or_(stays, untold)).order_by(GuardHoldRow.held_at)
        with transaction(self.engine) as session:
            rows = session.execute(query).all()
        return [_hold(row, partner) for row, partner in rows]

    def holds(self) -> list[GuardHold]:
        """The holds that no leader has decided, the oldest first."""
        query = select(GuardHoldRow, BatchRow.partner).join(BatchRow, BatchRow.id == GuardHoldRow.batch_id)
        query = query.where(GuardHoldRow.decision.is_(None)).order_by(GuardHoldRow.held_at)
        with reading(self.engine) as session:
            rows = session.execute(query).all()
        return [_hold(row, partner) for row, partner in rows]

    def release(self, batch_id: str, reason: str) -> None:
        """The first result may leave; the same again changes nothing. Halt where it is not held, or was refused."""
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True)
            if self._decide(session, batch_id, RELEASED, reason):
                append_event(session, batch, {}, {"guard": f"{RELEASED} {reason}"}, self.actor)

    def refuse(self, batch_id: str, reason: str, code: str) -> None:
        """Refuses the batch after it was accepted, with this code of ``schemas/refusals.toml``."""
        with transaction(self.engine) as session:
            get_batch(session, batch_id, for_update=True)
            if self._decide(session, batch_id, REFUSED, reason):
                facts = {"refusal_code": code}
                event_data = facts | {"guard": f"{REFUSED} {reason}"}
                transition(session, batch_id, State.REFUSED, facts, event_data, self.actor)

    def _decide(self, session: Session, batch_id: str, decision: str, reason: str) -> bool:
        row = session.get(GuardHoldRow, batch_id)
        if row is None or row.decision not in (None, decision):
            msg = f"{batch_id} is not held by the guard" if row is None else f"{batch_id} was {row.decision} already"
            raise Halt(msg, zh=f"{batch_id} 未被扣留，或已另有决定")
        if row.decision is not None:
            return False
        row.decision, row.decided_at, row.decided_by, row.reason = decision, now(), self.actor, reason
        return True


def _hold(row: GuardHoldRow, partner: str) -> GuardHold:
    return GuardHold(row.batch_id, partner, row.held_at, tuple(row.tripped), row.decision, row.reason)


def _failed(row: GuardEvidenceRow, renewed: Renewed) -> Failed:
    hashes = {name: renewed(unpacked(getattr(row, name)), kind, row.generation) for name, kind in _KINDS.items()}
    return Failed(**hashes)
