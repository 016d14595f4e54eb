"""Rows that need an officer (人工核实): queued, decided, returned.

Rules
- A decision names the version of the row that the officer saw; a row that changed since is not decided.
- Who decided, when and why stands in the ledger; so does every opening of a row.
- Where two officers are needed, a row is open until both have decided (``eyes.py``). A row that somebody has open is
  not opened or decided by another for ``HELD``; one that was handed to somebody, for ``HANDED``.
- Who decided takes it back until the row is in a release. A row that leaves in a release is decided no more; a
  rejected release opens its rows again, with the leader's reason.
- Of a batch that a leader refused after it was prepared no row is listed, opened to be decided, or decided: nothing of
  it leaves, and nobody needs to look at its people.
- Nobody who was asked about is in here: a row is its number in its batch, and a keyed hash of its case.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Engine, Integer, any_, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.register import eyes
from exchange.register.attest import attested_session
from exchange.register.database import reading, transaction
from exchange.register.eyes import Word
from exchange.register.lines import append_event, get_batch, now
from exchange.register.models import BatchRow, ReviewRow
from exchange.register.queue_then import QUEUED_ROWS, written
from exchange.register.queued import DecidedBefore, NewReview, add_reviews, decided_before
from exchange.register.review_blocks import changed
from exchange.register.states import ReviewState, State

HELD: Final = timedelta(minutes=10)
"""How long a row that somebody opened is theirs alone."""


HANDED: Final = timedelta(days=1)
"""How long a row that was handed to a colleague waits for them alone; then anybody of the office opens it again."""


@dataclass(frozen=True)
class Decision:
    """An officer's answers for a row: column (``identity`` or an item) → answer code. ``version``: of the row as it was
    seen.
    """

    row: int
    version: int
    answers: Mapping[str, str]
    reason: str
    note: str | None = None


@dataclass(frozen=True)
class Review:
    """A row of the queue. ``version`` grows with each change; ``returned_for``: the leader's reason; ``words``: of
    officers beside the one who decided; ``as_before``: the decision that it took over.
    """

    batch: str
    row: int
    division: str
    causes: tuple[str, ...]
    state: ReviewState
    version: int
    answers: Mapping[str, str]
    reason: str | None
    note: str | None
    decided_by: str | None
    decided_at: datetime | None
    returned_for: str | None
    words: tuple[Word, ...] = ()
    held_by: str | None = None
    held_until: datetime | None = None
    as_before: str | None = None

    @property
    def is_disputed(self) -> bool:
        """Whether two officers said different things of it, and a third, or a leader, decides."""
        return self.state is ReviewState.OPEN and len(self.words) >= eyes.DISPUTED

    def was_opened_by(self, person: str, at: datetime) -> bool:
        """Whether this person opened it, and nobody since; what a colleague handed them they have yet to open."""
        return self.held_by == person and not (self.held_until is not None and self.held_until > at + HELD)

    def waits_without(self, person: str) -> bool:
        """Whether it is open, and this person has given a word on it already."""
        return self.state is ReviewState.OPEN and any(word.by == person for word in self.words)


@dataclass(frozen=True)
class ReviewFilter:
    """``division``: the office's, with everything below it (its code without trailing pairs of zeros)."""

    batch: str | None = None
    division: str | None = None
    state: ReviewState | None = ReviewState.OPEN
    limit: int | None = None


def unqueued(batch_id: str, row: int) -> Review:
    """A row that no officer ever had in hand, as one that is leaving."""
    return Review(batch_id, row, "", (), ReviewState.LEAVING, 0, {}, None, None, None, None, None)


class Reviews:
    """The queue; ``actor`` is the officer in whose name it is used."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def add(self, batch_id: str, reviews: Sequence[NewReview]) -> None:
        """Puts rows into the queue; those that are in it already stay as they are."""
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True)
            if reviews:
                add_reviews(session, batch_id, reviews)
                told = {QUEUED_ROWS: written(review.row for review in reviews)}
                append_event(session, batch, {}, {"queued": len(reviews)} | told, self.actor)

    def decided_before(self, cases: Collection[str], since: datetime) -> dict[str, DecidedBefore]:
        """Case (keyed hash) → its last decision, of those of ``cases`` whose last decision was given since then and
        left.
        """
        return decided_before(self.engine, cases, since)

    def find(self, wanted: ReviewFilter) -> list[Review]:
        """The rows that fit, in the order of batches and rows; of one batch, as the ledger says."""
        query = select(ReviewRow).order_by(ReviewRow.batch_id, ReviewRow.row).limit(wanted.limit)
        if wanted.batch is not None:
            query = query.filter_by(batch_id=wanted.batch)
        if wanted.state is not None:
            query = query.filter_by(state=wanted.state)
        if wanted.division is not None:
            query = query.where(ReviewRow.division.startswith(below(wanted.division)))
        query = query.join(BatchRow).where(BatchRow.state != State.REFUSED)
        with attested_session(self.engine, *filter(None, [wanted.batch])) as session:
            return [_review(row) for row in session.scalars(query)]

    def get(self, batch_id: str, row: int) -> Review:
        """One row of the queue; Halt where it is not in it."""
        with reading(self.engine) as session:
            return _review(_row(session, batch_id, row))

    def decided(self, batch_id: str, rows: Sequence[int] | None = None) -> list[Review]:
        """The rows of a batch that an officer decided, whatever came of it; of these alone where rows are named."""
        query = select(ReviewRow).filter_by(batch_id=batch_id).where(ReviewRow.decision.is_not(None))
        if rows is not None:
            query = query.where(_among(rows))
        with attested_session(self.engine, batch_id, rows=rows) as session:
            return [_review(row) for row in session.scalars(query.order_by(ReviewRow.row))]

    def among(self, batch_id: str, rows: Sequence[int]) -> list[Review]:
        """The rows among these that are or were in the queue, in their order."""
        query = select(ReviewRow).filter_by(batch_id=batch_id).where(_among(rows)).order_by(ReviewRow.row)
        with attested_session(self.engine, batch_id, rows=rows) as session:
            return [_review(row) for row in session.scalars(query)]

    def opened(self, batch_id: str, rows: Sequence[int], *, hold: bool = False) -> None:
        """Records in the ledger that an officer looks at these rows, before anything is shown. ``hold``: nobody else
        opens them for ``HELD``; Halt where another has one open.
        """
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True, rows=rows if hold else ())
            if hold:
                _check_not_refused(batch)
            for row in self._free(session, batch_id, rows if hold else ()):
                row.held_by, row.held_until = self.actor, now() + HELD
                changed(session, batch_id, [row.row])
            append_event(session, batch, {}, {"opened": ",".join(str(row) for row in rows)}, self.actor)

    def left(self, batch_id: str, number: int) -> None:
        """Whoever has the row open leaves it undecided, and others may open it at once; nothing to do for others."""
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True, rows=[number])
            row = _row(session, batch_id, number)
            if row.held_by == self.actor:
                row.held_by = row.held_until = None
                changed(session, batch_id, [number])
                append_event(session, batch, {}, {"left": str(number)}, self.actor)

    def hand(self, batch_id: str, number: int, to: str) -> None:
        """Whoever has the row open hands it to a colleague, by person id, undecided; Halt where it is not open with
        them, or the colleague gave a word on it.
        """
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True, rows=[number])
            row = _row(session, batch_id, number)
            if row.state != ReviewState.OPEN or row.held_by != self.actor:
                msg = f"{batch_id} row {number} is not open with you; open it, then hand it over"
                raise Halt(msg, zh=f"{batch_id} 第 {number} 行不在您手中，请先打开再移交")
            if to in {word.by for word in eyes.words_of(row)}:
                msg = f"{batch_id} row {number}: {to} has given a word on it; another officer must look"
                raise Halt(msg, zh=f"{batch_id} 第 {number} 行 {to} 已核实，须移交另一位民警")
            row.held_by, row.held_until = to, now() + HANDED
            changed(session, batch_id, [number])
            append_event(session, batch, {}, {f"handed.{number}": to}, self.actor)

    def decide(self, batch_id: str, decisions: Sequence[Decision], *, two: bool = False) -> bool:
        """All of these or none; Halt where a row changed since it was seen, is not open to a decision, or another has
        it open. ``two``: a row is decided once two officers agree, or a third has looked; whether all of these are.
        """
        return self.decide_all({batch_id: decisions}, {batch_id} if two else ())[batch_id]

    def decide_all(self, by_batch: Mapping[str, Sequence[Decision]], two: Collection[str] = ()) -> dict[str, bool]:
        """As :meth:`decide`, of several batches: all of them or none; by batch. ``two``: those of two officers."""
        with transaction(self.engine) as session:
            # By their ids: two who decide rows of the same batches wait for each other in one order.
            settled = {batch: self._decide(session, batch, by_batch[batch], batch in two) for batch in sorted(by_batch)}
        return {batch_id: settled[batch_id] for batch_id in by_batch}

    def _decide(self, session: Session, batch_id: str, decisions: Sequence[Decision], two: bool) -> bool:
        may_be = (ReviewState.OPEN,) if two else (ReviewState.OPEN, ReviewState.DECIDED)
        rows = [decision.row for decision in decisions]
        batch = get_batch(session, batch_id, for_update=True, rows=rows)
        _check_not_refused(batch)
        changed(session, batch_id, rows)
        event_data: dict[str, str] = {}
        settled = True
        for decision, row in zip(decisions, self._free(session, batch_id, rows), strict=True):
            if row.state not in may_be or row.version != decision.version:
                msg = f"{batch_id} row {decision.row} is {row.state} and was changed since it was seen; look again"
                raise Halt(msg, zh=f"{batch_id} 第 {decision.row} 行在您查看后已有变动，请重新查看")
            row.version += 1
            row.held_by = row.held_until = None
            word = eyes.word(self.actor, now(), decision.answers, decision.reason, decision.note)
            if two and not eyes.is_settled(row, word):
                eyes.keep(row, word)
                event_data[f"review.{row.row}"] = f"word {len(eyes.words_of(row))}"
                settled = False
            else:
                event_data |= self._settle(row, word)
        append_event(session, batch, {}, event_data, self.actor)
        return settled

    def _settle(self, row: ReviewRow, word: Word) -> dict[str, str]:
        """Makes the word the row's decision; what the ledger records of it."""
        row.state = ReviewState.DECIDED
        row.decision = json.dumps(dict(word.answers), sort_keys=True)
        row.reason, row.note = word.reason, word.note
        row.decided_by, row.decided_at, row.as_before = self.actor, now(), None
        facts = {f"review.{row.row}": f"{row.decision} {row.reason}"}
        return facts | ({f"review.{row.row}.earlier": row.earlier} if row.earlier else {})

    def undo(self, batch_id: str, number: int) -> None:
        """Takes back what this person said of a row; Halt where they said nothing, or it is in a release."""
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True, rows=[number])
            row = _row(session, batch_id, number)
            changed(session, batch_id, [number])
            if row.state == ReviewState.DECIDED and row.decided_by == self.actor:
                row.state, row.decision, row.reason, row.note = ReviewState.OPEN, None, None, None
                row.decided_by = row.decided_at = row.as_before = None
            elif row.state != ReviewState.OPEN or not eyes.without(row, self.actor):
                msg = f"{batch_id} row {number} is {row.state}: there is nothing of yours that can be taken back"
                raise Halt(msg, zh=f"{batch_id} 第 {number} 行没有您可撤回的结论")
            row.version += 1
            append_event(session, batch, {}, {f"review.{number}": "undone"}, self.actor)

    def _free(self, session: Session, batch_id: str, numbers: Sequence[int]) -> list[ReviewRow]:
        """These rows; Halt where somebody else has one of them open."""
        rows = _rows(session, batch_id, numbers)
        for row in rows:
            if row.held_by not in (None, self.actor) and row.held_until is not None and row.held_until > now():
                until = row.held_until.astimezone(OFFICE_ZONE).strftime("%m-%d %H:%M")
                msg = f"{batch_id} row {row.row} is with {row.held_by} until {until}, Beijing time"
                raise Halt(msg, zh=f"{batch_id} 第 {row.row} 行正由 {row.held_by} 办理，{until} 后可打开")
        return rows

    def deciders(self, batch_id: str, rows: Sequence[int] | None = None) -> set[str]:
        """Who decided any of these rows, by default of all, by person id: nobody of them approves what comes of it."""
        with attested_session(self.engine, batch_id, rows=rows) as session:
            return deciders(session, batch_id, rows)

    def divisions_of(self, batch_id: str) -> frozenset[str]:
        """The divisions of the offices whose rows a batch has or had in the queue."""
        query = select(ReviewRow.division).filter_by(batch_id=batch_id).distinct()
        with reading(self.engine) as session:
            return frozenset(session.scalars(query))

    def rows_with(self, batch_id: str, cause: str, rows: Sequence[int] | None = None) -> frozenset[int]:
        """The rows of a batch, or those of these, that are or were in the queue for this cause."""
        query = select(ReviewRow.row).filter_by(batch_id=batch_id).where(ReviewRow.causes.contains([cause]))
        if rows is not None:
            query = query.where(_among(rows))
        with attested_session(self.engine, batch_id, rows=rows) as session:
            return frozenset(session.scalars(query))

    def count(self, batch_id: str) -> dict[ReviewState, int]:
        """How many of a batch's rows are in each state; none of a refused batch is open to an officer."""
        query = select(ReviewRow.state, func.count()).filter_by(batch_id=batch_id).join(BatchRow)
        query = query.where(or_(ReviewRow.state != ReviewState.OPEN, BatchRow.state != State.REFUSED))
        query = query.group_by(ReviewRow.state)
        with transaction(self.engine) as session:
            counts = {ReviewState(state): count for state, count in session.execute(query)}
        return {state: counts.get(state, 0) for state in ReviewState}


def _check_not_refused(batch: BatchRow) -> None:
    if batch.state == State.REFUSED:
        msg = f"{batch.id} was refused: none of its rows is decided any more"
        raise Halt(msg, zh=f"{batch.id} 已不予受理，其中各行不再核实")


def _among(rows: Sequence[int]) -> ColumnElement[bool]:
    """Rows of these numbers, as one array: a statement has at most 65,535 parameters, a release may have more rows."""
    return ReviewRow.row == any_(bindparam(None, list(rows), ARRAY(Integer)))


def below(division: str) -> str:
    """What the codes of a division and of all below it begin with."""
    code = division
    while code.endswith("00"):
        code = code[:-2]
    return code


def leave(session: Session, batch_id: str, rows: Sequence[int]) -> None:
    """Decided rows are in a release now."""
    _set(session, batch_id, rows, ReviewState.DECIDED, {"state": ReviewState.LEAVING})


def give_back(session: Session, batch_id: str, rows: Sequence[int], reason: str) -> None:
    """Rows of a rejected release go back to the officer, with the leader's reason."""
    changes: dict[str, object] = {"state": ReviewState.OPEN, "version": ReviewRow.version + 1, "returned_for": reason}
    changes |= {"earlier": None, "decided_with": None, "as_before": None}
    _set(session, batch_id, rows, ReviewState.LEAVING, changes)


def take_back(session: Session, batch_id: str, rows: Sequence[int]) -> None:
    """Rows of a release that was withdrawn are decided as before, and wait for the next one."""
    _set(session, batch_id, rows, ReviewState.LEAVING, {"state": ReviewState.DECIDED})


def gone(session: Session, batch_id: str, rows: Sequence[int]) -> None:
    """The rows' answers lie in the partner's folder."""
    _set(session, batch_id, rows, ReviewState.LEAVING, {"state": ReviewState.RELEASED})


def deciders(session: Session, batch_id: str, rows: Sequence[int] | None = None) -> set[str]:
    """Who decided any of these rows, or gave a word on one; by default of all of the batch."""
    query = select(ReviewRow.decided_by, ReviewRow.decided_with).filter_by(batch_id=batch_id).distinct()
    if rows is not None:
        query = query.where(_among(rows))
    return {name for by, beside in session.execute(query) for name in (by, *(beside or ())) if name is not None}


def _set(session: Session, batch_id: str, rows: Sequence[int], state: ReviewState, changes: dict[str, object]) -> None:
    update_rows = update(ReviewRow).filter_by(batch_id=batch_id, state=state).where(_among(rows))
    session.execute(update_rows.values(changes))
    changed(session, batch_id, rows)


def _rows(session: Session, batch_id: str, numbers: Sequence[int]) -> list[ReviewRow]:
    """These rows in their order, by one query; Halt where one is not in the queue."""
    query = select(ReviewRow).filter_by(batch_id=batch_id).where(_among(numbers))
    kept = {row.row: row for row in session.scalars(query)} if numbers else {}
    for number in numbers:
        if number not in kept:
            msg = f"{batch_id} has no row {number} for an officer"
            raise Halt(msg, zh=f"{batch_id} 没有须核实的第 {number} 行")
    return [kept[number] for number in numbers]


def _row(session: Session, batch_id: str, number: int) -> ReviewRow:
    (row,) = _rows(session, batch_id, [number])
    return row


def _review(row: ReviewRow) -> Review:
    return Review(
        batch=row.batch_id,
        row=row.row,
        division=row.division,
        causes=tuple(row.causes),
        state=ReviewState(row.state),
        version=row.version,
        answers=json.loads(row.decision or "{}"),
        reason=row.reason,
        note=row.note,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        returned_for=row.returned_for,
        words=tuple(eyes.words_of(row)),
        held_by=row.held_by,
        held_until=row.held_until,
        as_before=row.as_before,
    )
