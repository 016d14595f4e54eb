"""Releases (放行): rows of a batch that leave after its first result, with a leader's approval where it is required.

proposed ──► approved ──► prepared ──► delivered
    │            └──────► reopened
    └──────► rejected ──► reopened

Rules
- **What was seen is what leaves**: a release names the hash of its rows and answers. The leader approves that hash; a
  release whose answers have changed before they leave is withdrawn, and its rows are proposed again.
- **Four eyes**: who decided a row of a release does not approve it.
- A row is in at most one release that is not reopened; a rejected release keeps its rows until an officer reopens it.
- With the last row the batch is closed. Each result says how many rows are open after it: of several that may leave at
  once one is prepared when the one before lies in the folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Final

from sqlalchemy import JSON, Engine, Integer, Select, bindparam, cast, func, or_, select
from sqlalchemy.orm import Session

from exchange.base.errors import Halt, Retryable
from exchange.register import reviews
from exchange.register.attest import attested_session
from exchange.register.batches import FileRecord
from exchange.register.database import reading, transaction
from exchange.register.lines import append_event, file_row, get_batch, hashes, now, transition
from exchange.register.models import LIVE, BatchRow, ReleaseRow
from exchange.register.states import ReleaseState, State
from exchange.register.uncollected import add_uncollected, by_partner

_DIGITS: Final = 9
UNDER_WAY: Final = frozenset({ReleaseState.PROPOSED, ReleaseState.APPROVED, ReleaseState.PREPARED})
"""States in which something is still to be done with a release."""

_AFTER: Final = {
    ReleaseState.APPROVED: (ReleaseState.PREPARED, ReleaseState.DELIVERED),
    ReleaseState.PREPARED: (ReleaseState.DELIVERED,),
    ReleaseState.REJECTED: (ReleaseState.REOPENED,),
}
"""State → the later states that show a release has been in it: what a second try at the same step finds."""

AnswerCounts = Mapping[str, Mapping[str, int]]
"""Item → answer code → rows."""


@dataclass(frozen=True)
class ReleaseSummary:
    """The summary of a release: the counts of its rows' answers; of these, the answers that took the place of open
    ones; of an objection, the rows whose answer is another one than before; and the hash of what leaves, without which
    it can neither be approved nor sent.
    """

    counts: AnswerCounts
    settled: AnswerCounts = field(default_factory=dict)
    upheld: int | None = None
    answers_sha256: str | None = None


@dataclass(frozen=True)
class Release:
    """A release as it is recorded. ``rows``: their numbers in the batch, ascending; ``counts``, ``settled``, ``upheld``
    and ``answers_sha256``: see :class:`ReleaseSummary`; ``reason``: of a rejection or withdrawal.
    """

    batch: str
    number: int
    state: ReleaseState
    rows: tuple[int, ...]
    counts: AnswerCounts
    needs_approval: bool
    proposed_at: datetime
    judged_by: str | None
    judged_at: datetime | None
    reason: str | None
    settled: AnswerCounts
    upheld: int | None
    answers_sha256: str | None

    @property
    def id(self) -> str:
        """Its name; the ids of its runs in Airflow begin with it."""
        return f"{self.batch}.release-{self.number}"

    @property
    def may_leave_since(self) -> datetime | None:
        """Since when it is approved, or needed no approval, and not delivered yet; None in other states."""
        if self.state not in (ReleaseState.APPROVED, ReleaseState.PREPARED):
            return None
        return self.judged_at or self.proposed_at


def parse_id(release_id: str) -> tuple[str, int]:
    """Batch and number; Halt where the text is no release's name."""
    batch_id, mark, number = release_id.rpartition(".release-")
    if not mark or not (number.isascii() and number.isdecimal() and len(number) <= _DIGITS):
        msg = f"{release_id} is not the name of a release: it should be <batch>.release-<number>"
        raise Halt(msg, zh=f"{release_id} 不是放行的名称（<批次>.release-<序号>）")
    return batch_id, int(number)


@cache
def _share_told(items: tuple[str, ...], code: str) -> Select[int | None, int | None]:
    """See ``Releases.share_told``; of ``partner`` ``since`` then."""
    asked = select(BatchRow.id, BatchRow.rows_in, by_partner().label("told"))
    asked = asked.where(BatchRow.partner == bindparam("partner"))
    of_items = BatchRow.items.overlap(list(items))
    batches = asked.where(LIVE, BatchRow.received_at > bindparam("since"), of_items).subquery()
    settled = cast(ReleaseRow.settled, JSON)
    with_code = [func.coalesce(cast(settled[item][code].as_string(), Integer), 0) for item in items]
    answered = select(func.sum(sum(with_code[1:], with_code[0]))).join(batches, batches.c.id == ReleaseRow.batch_id)
    left = or_(batches.c.told, ReleaseRow.upheld > 0)
    delivered = answered.where(ReleaseRow.state == ReleaseState.DELIVERED, left).scalar_subquery()
    return select(delivered, func.sum(batches.c.rows_in).filter(batches.c.told))


class Releases:
    """The releases. ``actor``: in whose name one is proposed, approved, rejected or delivered."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def propose(
        self, batch_id: str, rows: Sequence[int], outcome: ReleaseSummary, *, needs_approval: bool
    ) -> Release | None:
        """A new release of these rows; None where one of them is in a release already that was not reopened."""
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True)
            if not self._held(session, batch_id).isdisjoint(rows):
                return None
            last = session.scalar(select(func.max(ReleaseRow.number)).filter_by(batch_id=batch_id)) or 0
            row = ReleaseRow(
                batch_id=batch_id,
                number=last + 1,
                state=ReleaseState.PROPOSED if needs_approval else ReleaseState.APPROVED,
                rows=list(rows),
                counts=json.dumps(outcome.counts, sort_keys=True),
                settled=json.dumps(outcome.settled, sort_keys=True),
                upheld=outcome.upheld,
                answers_sha256=outcome.answers_sha256,
                needs_approval=needs_approval,
                proposed_at=now(),
            )
            session.add(row)
            reviews.leave(session, batch_id, rows)
            append_event(session, batch, {}, {_key(row): f"{row.state} {len(rows)}"} | _answers(row), self.actor)
            return as_release(row)

    def approve(self, batch_id: str, number: int, shown: str) -> None:
        """The leader lets the rows go. ``shown``: the ``answers_sha256`` of what the leader saw; Halt where it is not
        that of the release, or the leader decided one of its rows.
        """
        with transaction(self.engine) as session:
            row = self._judged(session, batch_id, number, ReleaseState.APPROVED, None)
            if row is None:
                return
            if row.answers_sha256 is None or row.answers_sha256 != shown:
                msg = f"{as_release(row).id} is not what was shown; look at it again"
                raise Halt(msg, zh=f"{as_release(row).id} 与所示不同，请重新查看")
            if self.actor in reviews.deciders(session, batch_id, row.rows):
                msg = f"{as_release(row).id}: who decided a row cannot approve it; another leader must"
                raise Halt(msg, zh=f"{as_release(row).id}：核实过其中行的人不能审批，须由另一位领导审批")

    def reject(self, batch_id: str, number: int, reason: str) -> None:
        """The leader does not let the rows go: they go back to the officer with this reason."""
        with transaction(self.engine) as session:
            row = self._judged(session, batch_id, number, ReleaseState.REJECTED, reason)
            if row is not None:
                reviews.give_back(session, batch_id, row.rows, reason)

    def reopen(self, batch_id: str, number: int, reason: str) -> None:
        """What a rejection asked for is done: the rows may be proposed again."""
        with transaction(self.engine) as session:
            self._step(session, batch_id, number, (ReleaseState.REJECTED, ReleaseState.REOPENED), reason)

    def withdraw(self, batch_id: str, number: int, reason: str, *, unjudged: bool = False) -> None:
        """The answers are not those that were proposed: nothing leaves, and the rows are proposed anew. ``unjudged``:
        only while it waits for the leader; Halt where the leader's word came before.
        """
        with transaction(self.engine) as session:
            get_batch(session, batch_id, for_update=True)  # the state is read behind the lock
            asked = unjudged or _get_release(session, batch_id, number).state == ReleaseState.PROPOSED
            from_state = ReleaseState.PROPOSED if asked else ReleaseState.APPROVED
            row = self._step(session, batch_id, number, (from_state, ReleaseState.REOPENED), reason)
            if row is not None:
                reviews.take_back(session, batch_id, row.rows)

    def prepared(self, batch_id: str, number: int, files: Sequence[FileRecord], rows_open: int | None = None) -> None:
        """The supplementary result is made. ``rows_open``: how many rows it says are open after it; Retryable where
        that is not so, since another result of the batch has left meanwhile, or may any moment.
        """
        with transaction(self.engine) as session:
            steps = (ReleaseState.APPROVED, ReleaseState.PREPARED)
            row = self._step(session, batch_id, number, steps, None, hashes(files))
            if row is None:
                return
            if rows_open is not None:
                _check_open(session, row, rows_open)
            session.add_all(file_row(batch_id, file, now()) for file in files)

    def delivered(self, batch_id: str, number: int) -> None:
        """Records that the result lies in the partner's folder; with the last open row the batch is closed."""
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True)
            row = self._step(session, batch_id, number, (ReleaseState.PREPARED, ReleaseState.DELIVERED), None)
            if row is None:
                return
            add_uncollected(session, batch_id)
            reviews.gone(session, batch_id, row.rows)
            still_open = (batch.rows_open or 0) - len(row.rows)
            append_event(session, batch, {"rows_open": still_open}, {}, self.actor)
            if still_open == 0 and batch.state == State.DELIVERED:
                transition(session, batch_id, State.CLOSED, {}, {}, self.actor)

    def get(self, batch_id: str, number: int) -> Release:
        """A batch's n-th release; Halt where there is none."""
        with transaction(self.engine) as session:
            return as_release(_get_release(session, batch_id, number))

    def of(self, batch_id: str) -> list[Release]:
        """A batch's releases, the first first; as the ledger says."""
        query = select(ReleaseRow).filter_by(batch_id=batch_id).order_by(ReleaseRow.number)
        with attested_session(self.engine, batch_id) as session:
            return [as_release(row) for row in session.scalars(query)]

    def under_way(self) -> list[Release]:
        """The releases with which something is still to be done, the oldest first."""
        query = select(ReleaseRow).where(ReleaseRow.state.in_(UNDER_WAY)).order_by(ReleaseRow.proposed_at)
        with transaction(self.engine) as session:
            return [as_release(row) for row in session.scalars(query)]

    def may_leave(self) -> list[Release]:
        """The releases under way that wait for nobody's word, the oldest first."""
        states = (ReleaseState.APPROVED, ReleaseState.PREPARED)
        query = select(ReleaseRow).where(ReleaseRow.state.in_(states)).order_by(ReleaseRow.proposed_at)
        with transaction(self.engine) as session:
            return [as_release(row) for row in session.scalars(query)]

    def share_told(self, partner: str, items: Sequence[str], code: str, since: datetime) -> tuple[int, int]:
        """Of the partner's batches since then that ask for one of these items: how many answers with this code have
        been delivered, and rows in all. Test batches are left out; of a second look that an officer opened counts what
        changed, which is all that the partner hears of it.
        """
        with reading(self.engine) as session:
            asked = _share_told(tuple(items), code)
            of_them, rows = session.execute(asked, {"partner": partner, "since": since}).one()
        return int(of_them or 0), int(rows or 0)

    def _held(self, session: Session, batch_id: str) -> set[int]:
        query = select(ReleaseRow.rows).filter_by(batch_id=batch_id).where(ReleaseRow.state != ReleaseState.REOPENED)
        return {row for rows in session.scalars(query) for row in rows}

    def _judged(
        self, session: Session, batch_id: str, number: int, to_state: ReleaseState, reason: str | None
    ) -> ReleaseRow | None:
        row = self._step(session, batch_id, number, (ReleaseState.PROPOSED, to_state), reason)
        if row is not None:
            row.judged_by, row.judged_at = self.actor, now()
        return row

    def _step(
        self,
        session: Session,
        batch_id: str,
        number: int,
        steps: tuple[ReleaseState, ReleaseState],
        reason: str | None,
        event_data: Mapping[str, str] | None = None,
    ) -> ReleaseRow | None:
        """Moves a release from one state to the next; None where it has been there; Halt where it is elsewhere."""
        from_state, to_state = steps
        batch = get_batch(session, batch_id, for_update=True)
        row = _get_release(session, batch_id, number)
        if row.state == to_state or row.state in _AFTER.get(to_state, ()):
            return None
        if row.state != from_state:
            msg = f"{as_release(row).id} is {row.state}; it cannot become {to_state}"
            raise Halt(
                msg, zh=f"{as_release(row).id} 已有变动（{ReleaseState(row.state).zh}），不能再作此处理，请重新查看"
            )
        row.state = to_state
        if reason is not None:
            row.reason = reason
        facts = {_key(row): f"{to_state} {len(row.rows)}"} | _answers(row) | dict(event_data or {})
        append_event(session, batch, {}, facts, self.actor)
        return row


def _check_open(session: Session, row: ReleaseRow, rows_open: int) -> None:
    """See ``Releases.prepared``; ``row``: of a batch that is locked, just prepared."""
    others = select(ReleaseRow.number).filter_by(batch_id=row.batch_id, state=ReleaseState.PREPARED)
    before = session.scalar(others.where(ReleaseRow.number != row.number).limit(1))
    if before is not None or (get_batch(session, row.batch_id).rows_open or 0) - len(row.rows) != rows_open:
        msg = f"{as_release(row).id}: another result of the batch is on its way; this one follows it"
        raise Retryable(msg, zh=f"{as_release(row).id}：同批次另一份补充答复正在发送，本份随后发送")


def _key(row: ReleaseRow) -> str:
    return f"release.{row.number}"


def _answers(row: ReleaseRow) -> dict[str, str]:
    """What a ledger line says of the answers that are proposed, approved or sent."""
    return {} if row.answers_sha256 is None else {f"{_key(row)}.answers": row.answers_sha256}


def _get_release(session: Session, batch_id: str, number: int) -> ReleaseRow:
    row = session.get(ReleaseRow, (batch_id, number))
    if row is None:
        msg = f"{batch_id} has no release {number}"
        raise Halt(msg, zh=f"{batch_id} 没有第 {number} 次放行")
    return row


def as_release(row: ReleaseRow) -> Release:
    """The row as a plain record."""
    return Release(
        batch=row.batch_id,
        number=row.number,
        state=ReleaseState(row.state),
        rows=tuple(row.rows),
        counts=json.loads(row.counts),
        needs_approval=row.needs_approval,
        proposed_at=row.proposed_at,
        judged_by=row.judged_by,
        judged_at=row.judged_at,
        reason=row.reason,
        settled=json.loads(row.settled),
        upheld=row.upheld,
        answers_sha256=row.answers_sha256,
    )
