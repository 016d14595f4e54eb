"""Questions who was told about a person (告知查询): one person asks, another confirms, only then is the index read.

Rules
- A question holds keyed hashes of the person's numbers (of the key's first generation, from which all others follow),
  the reason and the letter; no number. Its hashes go when it was answered, or with the next question after a day.
- The account that confirms differs from the one that asked, as the ledger recorded it; a question is answered once,
  within a day.
- Each question and its confirmation get a line in the ledger, and so does each batch that the answer names.
- A batch that is not what the ledger says is not answered from, and holds up no other; the confirmation's line names
  it.
- A batch is withheld (个人信息保护法 art. 18, 35) by a decision with a reason, in the ledger; answers count withheld
  batches and do not name them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, Engine, ForeignKey, Identity, Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.base.errors import Halt
from exchange.base.keyed import Hashes
from exchange.register.attest import attest_rows
from exchange.register.database import transaction
from exchange.register.ledger import append_note, touched
from exchange.register.lines import append_event, get_batch
from exchange.register.models import Base, BatchRow
from exchange.register.told import unpacked

VALID_FOR: Final = timedelta(days=1)


class ToldUseRow(Base):
    """A question: who asked when and why, who confirmed; ``hashes`` are empty once it was answered."""

    __tablename__ = "told_use"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    asked_at: Mapped[datetime]
    asked_by: Mapped[str]
    reason: Mapped[str]
    letter: Mapped[str]
    hashes: Mapped[bytes]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None]
    batches: Mapped[int | None]


class ToldWithheldRow(Base):
    """A batch that answers do not name, and why."""

    __tablename__ = "told_withheld"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str]
    reason: Mapped[str]


@dataclass(frozen=True)
class Question:
    """A question that waits for its confirmation. ``hashes``: of the person's numbers, of the key's first
    generation.
    """

    number: int
    asked_by: str
    reason: str
    letter: str
    hashes: Hashes


class ToldUses:
    """Questions about who was told, and withheld batches. ``actor``: in whose name one asks, confirms or withholds."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def ask(self, hashes: Hashes, reason: str, letter: str, at: datetime) -> int:
        """Records a question; returns its number, which the other person confirms."""
        row = ToldUseRow(asked_at=at, asked_by=self.actor, reason=reason, letter=letter, hashes=hashes.tobytes())
        with transaction(self.engine) as session:
            old = select(ToldUseRow).where(ToldUseRow.asked_at < at - VALID_FOR, ToldUseRow.hashes != b"")
            past = session.scalars(old.order_by(ToldUseRow.id).with_for_update(skip_locked=True)).all()
            if past:
                attest_rows(session, past, min(use.asked_at for use in past))
            for use in past:
                use.hashes = b""
            session.add(row)
            session.flush()
            append_note(session, at, self.actor, {f"told.{row.id}": f"asked {letter} {reason}"})
            touched(session, row, *past)
            return row.id

    def question(self, number: int, at: datetime) -> Question:
        """The question that this account may confirm. Halt where there is none, it was answered, is older than a day,
        or was asked by the same account.
        """
        with transaction(self.engine) as session:
            row = session.get(ToldUseRow, number, with_for_update=True)
            if row is None:
                msg = f"question {number}: there is no such question"
                raise Halt(msg, zh=f"没有告知查询 {number}")
            if (wrong := self._wrong(row, at)) is not None:
                msg = f"question {number}: {wrong[0]}"
                raise Halt(msg, zh=f"告知查询 {number}：{wrong[1]}")
            attest_rows(session, [row], row.asked_at)
            return Question(row.id, row.asked_by, row.reason, row.letter, unpacked(row.hashes))

    def _wrong(self, row: ToldUseRow, at: datetime) -> tuple[str, str] | None:
        if row.confirmed_at is not None:
            return "it was answered already; ask anew", "已答复，请重新提出"
        if at > row.asked_at + VALID_FOR:
            return "it is older than a day; ask anew", "已逾一日，请重新提出"
        if row.asked_by == self.actor:
            return "another person than who asked confirms it", "须由提出者以外的人确认"
        return None

    def confirm(self, question: Question, found: Collection[str], at: datetime) -> tuple[list[str], dict[str, Halt]]:
        """Records, before anything is shown, that this account saw the answer: those of the batches that were found
        which are not withheld; nobody withholds one of them meanwhile. Beside them those that are not what the ledger
        says, each with what is wrong: whether one of these is withheld nobody can say.
        """
        with transaction(self.engine) as session:
            row = session.get_one(ToldUseRow, question.number, with_for_update=True)
            if row.confirmed_at is not None:
                msg = f"question {question.number}: it was answered already; ask anew"
                raise Halt(msg, zh=f"告知查询 {question.number} 已答复，请重新提出")
            attest_rows(session, [row], row.asked_at)
            lines, altered = _sound(session, found)
            withheld = set(session.scalars(_withheld(found).with_only_columns(ToldWithheldRow.batch_id)))
            batches = [batch_id for batch_id in lines if batch_id not in withheld]
            row.confirmed_at, row.confirmed_by, row.batches, row.hashes = at, self.actor, len(batches), b""
            told = f"{row.asked_by} {self.actor} {row.letter} {row.reason}"
            for batch_id in batches:
                append_event(session, lines[batch_id], {}, {f"told.{question.number}": told}, self.actor)
            said = "; ".join(
                [f"confirmed, {len(batches)} batches", *(f"not sound: {batch_id}" for batch_id in altered)]
            )
            append_note(session, at, self.actor, {f"told.{question.number}": said})
            touched(session, row)
            return batches, altered

    def withhold(self, batch_id: str, reason: str, at: datetime) -> bool:
        """Answers name this batch no more; False where they did not before."""
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True)
            if session.get(ToldWithheldRow, batch_id) is not None:
                return False
            session.add(ToldWithheldRow(batch_id=batch_id, at=at, by=self.actor, reason=reason))
            append_event(session, batch, {}, {"told": f"withheld {reason}"}, self.actor)
            return True

    def disclose(self, batch_id: str) -> None:
        """Answers name this batch again; Halt where they do."""
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True)
            row = session.get(ToldWithheldRow, batch_id)
            if row is None:
                msg = f"{batch_id} is not withheld"
                raise Halt(msg, zh=f"{batch_id} 未暂缓告知")
            session.delete(row)
            append_event(session, batch, {}, {"told": "disclosed"}, self.actor)

    def withheld(self, batches: Collection[str]) -> Mapping[str, str]:
        """Batch → the reason, of those of ``batches`` that are withheld."""
        with transaction(self.engine) as session:
            return {row.batch_id: row.reason for row in session.execute(_withheld(batches))}


def _sound(session: Session, batches: Collection[str]) -> tuple[dict[str, BatchRow], dict[str, Halt]]:
    """The lines of those batches, locked, that are what the ledger says; what is wrong with each of the others."""
    lines: dict[str, BatchRow] = {}
    altered: dict[str, Halt] = {}
    for batch_id in sorted(batches):
        try:
            lines[batch_id] = get_batch(session, batch_id, for_update=True)
        except Halt as error:
            altered[batch_id] = error
    return lines, altered


def _withheld(batches: Collection[str]) -> Select[str, str]:
    of_these = ToldWithheldRow.batch_id.in_(batches)
    return select(ToldWithheldRow.batch_id, ToldWithheldRow.reason).where(of_these)
