"""The register's tables: codes, counts, hashes, names of files. Nobody who was asked about is in them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
    false,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

TABLES: Final = "0020"
"""The migration that makes these tables: a program writes into tables of its own version alone."""


class Base(DeclarativeBase):
    """The base of all tables; it fixes the names of indexes and constraints."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True), list[str]: ARRAY(String)}  # noqa: RUF012


class BatchRow(Base):
    """A batch and how far it is now; how it came there stands in the ledger."""

    __tablename__ = "batch"
    __table_args__ = (
        Index("ix_batch_test", "partner", postgresql_where=text("stage IS NOT NULL")),
        Index("ix_batch_set", "partner", "cycle", "period", "purpose"),
        Index("ix_batch_received_at", "received_at"),
        Index("ix_batch_of_partner", "partner", "received_at"),
        Index("ix_batch_objects_to", "objects_to", postgresql_where=text("objects_to IS NOT NULL")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    partner: Mapped[str] = mapped_column(index=True)
    manifest_sha256: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    received_at: Mapped[datetime]
    cycle: Mapped[str | None]
    period: Mapped[str | None]
    purpose: Mapped[str | None]
    legal_basis: Mapped[str | None]
    letter: Mapped[str | None]
    handler: Mapped[str | None]
    items: Mapped[list[str]]
    objects_to: Mapped[str | None] = mapped_column(ForeignKey("batch.id"))
    rows_in: Mapped[int | None] = mapped_column(BigInteger)
    rows_open: Mapped[int | None] = mapped_column(BigInteger)
    due_on: Mapped[date | None]
    due_original: Mapped[date | None]
    due_last: Mapped[date | None]
    due_provisional: Mapped[bool]
    due_working_days: Mapped[int | None]
    clock_stands: Mapped[bool] = mapped_column(server_default=false())
    arrival: Mapped[str | None]
    receipts_sent: Mapped[int] = mapped_column(server_default="1")
    refusal_code: Mapped[str | None]
    refusal_row: Mapped[int | None] = mapped_column(BigInteger)
    refusal_column: Mapped[str | None]
    stage: Mapped[str | None]


LIVE: Final = BatchRow.stage.is_(None)
"""The condition that a batch is no ``test``. Only such batches are counted, watched or reported."""


class FileRow(Base):
    """A file of a batch, which the archive keeps under its hash."""

    __tablename__ = "file"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime]


_ENDED: Final = "ledger.to_state IN ('closed', 'refused') AND ledger.from_state <> ledger.to_state"


class LedgerRow(Base):
    """One line for each step; lines are only added, and each carries the hash of the one before. ``digests``: what the
    tables held (``digests.py``); ``root`` and ``signature``: of the checkpoint that the line is (``signing.py``). Lines
    of earlier versions have none of the three; lines that are about no batch have no ``batch_id``.
    """

    __tablename__ = "ledger"
    __table_args__ = (
        Index(None, "at"),  # a month's lines
        Index(
            "ix_ledger_due", "batch_id", "at", postgresql_where=text(r"facts LIKE '%\"due\_%'")
        ),  # what told due days
        Index("ix_ledger_ended", "batch_id", "at", postgresql_where=text(_ENDED)),  # when each batch ended
    )

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    batch_id: Mapped[str | None] = mapped_column(ForeignKey("batch.id"), index=True)
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]
    facts: Mapped[str]
    previous_hash: Mapped[str]
    hash: Mapped[str]
    digests: Mapped[str | None]
    root: Mapped[str | None]
    signature: Mapped[str | None]


ENDED: Final = literal_column(f"({_ENDED})", Boolean)
"""The condition that a line of the ledger ended its batch, as its index has it: at most one does."""


class LedgerHeadRow(Base):
    """The ledger's last line, so that a ledger cut short is noticed; ``subtrees``: of its tree (``merkle.py``)."""

    __tablename__ = "ledger_head"

    single: Mapped[bool] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str]
    subtrees: Mapped[str] = mapped_column(server_default="")


class SnapshotUseRow(Base):
    """A snapshot version that answers a batch. ``later``: of the second pass, for rows that had to wait for a
    source.
    """

    __tablename__ = "snapshot_use"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    later: Mapped[bool] = mapped_column(primary_key=True)
    version: Mapped[str]
    as_of: Mapped[date]


class AnswerCountRow(Base):
    """In how many rows of a batch an item got an answer; ``item``: also ``identity``."""

    __tablename__ = "answer_count"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)


class ReviewRow(Base):
    """A row of a batch that needs an officer: why, whose it is, and what was decided. ``row`` counts from 1.
    ``earlier`` and ``decided_with``: words beside the one that decided it, and whose they are (``eyes.py``);
    ``held_by``: who has it open, until when; ``case_hash``: of its case, ``as_before``: as which row it was decided
    (``queued.py``).
    """

    __tablename__ = "review"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    division: Mapped[str] = mapped_column(index=True)
    causes: Mapped[list[str]]
    state: Mapped[str] = mapped_column(index=True)
    version: Mapped[int]
    decision: Mapped[str | None]
    reason: Mapped[str | None]
    note: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    returned_for: Mapped[str | None]
    earlier: Mapped[str | None]
    decided_with: Mapped[list[str] | None]
    held_by: Mapped[str | None]
    held_until: Mapped[datetime | None]
    case_hash: Mapped[str | None] = mapped_column(index=True)
    as_before: Mapped[str | None]


class ReviewBlockRow(Base):
    """The digest of a block of a batch's rows in the queue (``review_blocks.py``)."""

    __tablename__ = "review_block"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    block: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]


class ReleaseRow(Base):
    """Rows of a batch that leave together after the first result; counts only, and the numbers of the rows.
    ``settled``: counts of the answers that took the place of open ones; ``upheld``: of an objection, the rows whose
    answer is another one than before; ``answers_sha256``: of what leaves, empty where an earlier version proposed it.
    """

    __tablename__ = "release"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(index=True)
    rows: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    counts: Mapped[str]
    settled: Mapped[str] = mapped_column(server_default="{}")
    upheld: Mapped[int | None]
    answers_sha256: Mapped[str | None]
    needs_approval: Mapped[bool]
    proposed_at: Mapped[datetime]
    judged_by: Mapped[str | None]
    judged_at: Mapped[datetime | None]
    reason: Mapped[str | None]


class ClockProposalRow(Base):
    """An officer's proposal that a batch's clock be paused; no ``decided_at``: no leader has looked yet."""

    __tablename__ = "clock_proposal"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[str]
    reason: Mapped[str]
    note: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    approved: Mapped[bool | None]
    why: Mapped[str | None]


class ExtensionProposalRow(Base):
    """An officer's proposal that an objection be given its longer time; no ``decided_at``: no leader has looked yet."""

    __tablename__ = "extension_proposal"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[str]
    reason: Mapped[str]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    approved: Mapped[bool | None]
    why: Mapped[str | None]


class ClockStopRow(Base):
    """A time in which a batch's clock was paused; no ``started_at``: it still is."""

    __tablename__ = "clock_stop"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    stopped_at: Mapped[datetime]
    stopped_by: Mapped[str]
    reason: Mapped[str]
    note: Mapped[str | None]
    started_at: Mapped[datetime | None]
    started_by: Mapped[str | None]
    started_note: Mapped[str | None]


class AlertRow(Base):
    """A warning, an alarm or a breach. ``subject``: a batch's id, or a set that should have come; ``days``: working
    days left, where the code says so; ``true_on``: the day from which it held; ``told_at``: when a message went out.
    """

    __tablename__ = "alert"
    __table_args__ = (UniqueConstraint("subject", "code", "days", "due_on"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    partner: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    code: Mapped[str]
    days: Mapped[int]
    due_on: Mapped[date]
    true_on: Mapped[date]
    noticed_at: Mapped[datetime]
    told_at: Mapped[datetime | None]


class MissingSetRow(Base):
    """A set that an agreement expects and that had not come on its day. ``purpose`` is empty where any will do."""

    __tablename__ = "missing_set"

    partner: Mapped[str] = mapped_column(primary_key=True)
    cycle: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    expected_by: Mapped[date]
    noticed_at: Mapped[datetime]
    reminders: Mapped[int]
    reminded_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]


class PickupRow(Base):
    """A result that its partner has. ``number``: 1 is the first result, 2… are supplementary ones."""

    __tablename__ = "pickup"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    noticed_at: Mapped[datetime]
    how: Mapped[str]


class SightingRow(Base):
    """A result that was seen in its partner's folder since it was last put there."""

    __tablename__ = "sighting"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]


class LegalHoldRow(Base):
    """Nothing of the batch is destroyed while a hold is not released."""

    __tablename__ = "legal_hold"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    held_at: Mapped[datetime]
    held_by: Mapped[str]
    reason: Mapped[str]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None]


class DestructionRow(Base):
    """A kept file that was destroyed, or is about to be. Without a batch: a file that no batch names."""

    __tablename__ = "destruction"
    __table_args__ = (UniqueConstraint("batch_id", "role"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    batch_id: Mapped[str | None] = mapped_column(ForeignKey("batch.id"))
    role: Mapped[str]
    kind: Mapped[str]
    sha256: Mapped[str]
    policy: Mapped[str]
    actor: Mapped[str]
    intended_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class UnfinishedSetRow(Base):
    """An incomplete set in a partner's folder (``unfinished.py``)."""

    __tablename__ = "unfinished_set"
    __table_args__ = (UniqueConstraint("partner", "stem"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    partner: Mapped[str]
    stem: Mapped[str]
    fingerprint: Mapped[str]
    reason: Mapped[str]
    first_seen: Mapped[datetime]
    noticed_at: Mapped[datetime | None]
