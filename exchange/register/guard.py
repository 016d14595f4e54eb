"""What the guard against fishing stores: of each batch counts and keyed hashes of the rows that failed, and its holds.

Rules
- A batch is judged, and its evidence written, in the transaction of its first result; of one partner one batch after
  another: those that are worked at once would pass together what none of them passes alone. Batches of several partners
  that are judged in the same moment, as many as there are processes, do not see each other.
- The hashes of evidence go in the night after the span is over; the counts stay, as those of answers do.
- A held batch is prepared and not delivered until a leader releases or refuses it; both once, with a reason, in the
  ledger.
- What is usual for a partner is computed from batches that were not held, or that a leader released.
- A batch that a leader released is not counted against the partner again: its span begins anew with the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import (
    Engine,
    ForeignKey,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.base.errors import Halt
from exchange.base.keyed import Hashes, Kind
from exchange.guard.rules import Counts, Failed, Trip
from exchange.guard.thresholds import THRESHOLDS
from exchange.register.asked_lately import asked_too, forget
from exchange.register.database import reading, transaction
from exchange.register.evidence_sums import added_up, counts_of
from exchange.register.ledger import append_note, touched
from exchange.register.lines import append_event, get_batch, now, transition
from exchange.register.models import Base, BatchRow
from exchange.register.states import State
from exchange.register.told import unpacked

RELEASED: Final = "released"
REFUSED: Final = "refused"
_REFUSAL_RECEIPT: Final = 2
"""Receipts that a batch has had before the one that refuses it: a held batch was accepted in its first."""
_JUDGING: Final = 0x47554152  # "GUAR": the advisory lock's class
_JUDGING_SECONDS: Final = 300
_KINDS: Final = {"numbers": Kind.NUMBER, "names": Kind.NAME, "groups": Kind.PLACE_AND_BIRTH}


class GuardEvidenceRow(Base):
    """The evidence of a batch: how many rows, how many failed, and hashes of those, in one order (empty from the night
    after the span on).
    """

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


_EVER: Final = datetime(9999, 12, 31, tzinfo=UTC)

_FULL: Final = (
    select(GuardEvidenceRow)
    .where(GuardEvidenceRow.at < bindparam("before"))
    .where(or_(*[getattr(GuardEvidenceRow, name) != b"" for name in _KINDS]))
    .order_by(GuardEvidenceRow.batch_id)
    .with_for_update(skip_locked=True)
)
_FAILING: Final = (
    select(GuardEvidenceRow)
    .join(BatchRow)
    .where(BatchRow.partner == bindparam("partner"), GuardEvidenceRow.at > bindparam("begin"))
    .where(GuardEvidenceRow.numbers != b"")
    .order_by(GuardEvidenceRow.at)
)
_HELD: Final = (
    select(GuardHoldRow, GuardEvidenceRow, BatchRow.partner)
    .join(GuardEvidenceRow, GuardEvidenceRow.batch_id == GuardHoldRow.batch_id)
    .join(BatchRow, BatchRow.id == GuardHoldRow.batch_id)
    .where(
        or_(
            and_(func.coalesce(GuardHoldRow.decision, "") != RELEASED, GuardEvidenceRow.at > bindparam("begin")),
            and_(
                GuardHoldRow.decision == RELEASED,
                BatchRow.partner == bindparam("partner"),
                GuardHoldRow.decided_at > bindparam("end"),
            ),
        )
    )
)
"""What is held or was refused within half a year, everybody's; and what a leader released of the partner's lately."""


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
class Usual:
    """``since``: behind this moment the span begins; ``span``: its counts, ``fails``: whether rows failed in it;
    ``past``: the partner's own counts before, ``peers``: those of all others up to now, both for half a year and not of
    a batch that is held or was refused: what was found to be guessing would else be usual a month later, and excuse
    more of it.
    """

    since: datetime
    span: Counts
    fails: bool
    past: Counts
    peers: Counts

    @property
    def own(self) -> tuple[datetime, Counts, Counts]:
        """What changes with each further batch of the partner that is judged."""
        return self.since, self.span, self.past


@dataclass(frozen=True)
class GuardHold:
    """A first result that the guard holds. ``tripped``: the rules, with count and threshold; ``decision``: a leader's,
    None until then.
    """

    batch: str
    partner: str
    held_at: datetime
    tripped: tuple[str, ...]
    decision: str | None
    reason: str | None = None


Renewed = Callable[[Hashes, Kind, int], Hashes]
"""Hashes of a kind and a generation → the same in the newest."""


def add_judged(session: Session, batch: BatchRow, judge: Callable[[], Evidence]) -> Evidence:
    """Adds what ``judge`` says of the batch, and a hold where it ``holds``, to a transaction that writes a ledger line.
    Until that ends nobody else judges a batch of this partner; meanwhile it may ask nothing for as long as one question
    of the judge's may take.
    """
    patience = func.set_config("idle_in_transaction_session_timeout", f"{_JUDGING_SECONDS}s", True)
    session.execute(select(func.pg_advisory_xact_lock(_JUDGING, func.hashtext(batch.partner)), patience))
    evidence, batch_id = judge(), batch.id
    at, counts = now(), evidence.counts
    row = GuardEvidenceRow(batch_id=batch_id, at=at, rows=counts.rows, generation=evidence.generation)
    row.no_such_number, row.name_disagrees = counts.no_such_number, counts.name_disagrees
    for name in _KINDS:
        setattr(row, name, getattr(evidence.failed, name).tobytes())
    session.add(row)
    if evidence.holds:
        tripped = [str(trip) for trip in evidence.trips]
        session.add(GuardHoldRow(batch_id=batch_id, held_at=at, tripped=tripped))
    touched(session, row)
    return evidence


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
    """The guard's part of the register. ``actor``: in whose name a hold is released or refused."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def usual(self, partner: str, at: datetime) -> Usual:
        """What is counted of the partner's span before ``at``, and what it is compared with."""
        end = at - timedelta(days=THRESHOLDS.span_days)
        begin = end - timedelta(days=THRESHOLDS.past_days)
        with reading(self.engine) as session:
            held = session.execute(_HELD, {"partner": partner, "begin": begin, "end": end}).all()
            released = [hold.decided_at for hold, _, _ in held if hold.decision == RELEASED]
            since = max([end, *[moment for moment in released if moment is not None]])
            spans = [(since, _EVER), (begin, end), (begin, _EVER)]
            sums = added_up(session, partner, spans, of_all=[(begin, _EVER)])
        span, past, mine, everybodys = map(counts_of, sums)
        guessed = [(row, of) for hold, row, of in held if hold.decision != RELEASED]
        past -= _together(row for row, of in guessed if of == partner and row.at <= end)
        peers = everybodys - mine - _together(row for row, of in guessed if of != partner)
        return Usual(since, span, bool(sums[0, 3]), past, peers)

    def failed(self, partner: str, usual: Usual, renewed: Renewed) -> Failed:
        """The failing rows of the partner's span."""
        if not usual.fails:
            return Failed()
        with reading(self.engine) as session:
            rows = session.scalars(_FAILING, {"partner": partner, "begin": usual.since})
            return Failed.together([_failed(evidence, renewed) for evidence in rows])

    def failed_of_others(self, partner: str, since: datetime, renewed: Renewed) -> Failed:
        """Failing rows of all other partners behind this moment, at which the partner's span begins; not those from
        before a leader released something of theirs.
        """
        row = GuardEvidenceRow
        # Told by whose batches are not meant: joined with all batches it would take as long as there are batches.
        not_meant = or_(
            BatchRow.partner == partner,
            *[and_(BatchRow.partner == other, row.at <= last) for other, last in self._released(since)],
        )
        not_of = ~select(BatchRow.id).where(BatchRow.id == row.batch_id, not_meant).exists()
        failing = select(row.generation, *[getattr(row, name) for name in _KINDS])
        failing = failing.where(row.at > since, row.numbers != b"", not_of)
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

    def asked_too(self, partner: str, at: datetime, asked: Hashes, generation: int, renewed: Renewed) -> list[Hashes]:
        """For each other partner, whom its small sets of the span asked about: of the numbers ``asked``, which are of
        the newest generation, at least those that are among them.
        """
        by_partner: dict[str, list[Hashes]] = {}
        with reading(self.engine) as session:
            for other, made_with, hashes in asked_too(session, partner, at, asked, generation):
                by_partner.setdefault(other, []).append(renewed(unpacked(hashes), Kind.NUMBER, made_with))
        return [np.concatenate(parts) for parts in by_partner.values()]

    def forget(self, at: datetime) -> None:
        """Forgets what is kept for a span and its span is over: hashes of rows that failed, which the ledger is told,
        and the numbers of small sets.
        """
        with transaction(self.engine) as session:
            if rows := _emptied(session, at - timedelta(days=THRESHOLDS.span_days)):
                append_note(session, at, self.actor, {"guard_emptied": len(rows)})
                touched(session, *rows)
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


def _together(rows: Iterable[GuardEvidenceRow]) -> Counts:
    return sum((Counts(row.rows, row.no_such_number, row.name_disagrees) for row in rows), Counts())


def _failed(row: GuardEvidenceRow, renewed: Renewed) -> Failed:
    hashes = {name: renewed(unpacked(getattr(row, name)), kind, row.generation) for name, kind in _KINDS.items()}
    return Failed(**hashes)
