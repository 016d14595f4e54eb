"""Plain records of batches, as the register gives them; no database behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum, auto

from exchange.base.errors import Halt
from exchange.calendar.deadlines import OBJECTION, WORKING_DAYS
from exchange.register.states import OPEN, State


class Claim(Enum):
    """The outcome of claiming a batch id for a manifest's bytes."""

    NEW = auto()
    SAME = auto()
    CONFLICT = auto()


class Role(StrEnum):
    """What a file is to its batch; each role is taken once, and once more under each number (``numbered``)."""

    MANIFEST = "manifest"
    SIGNATURE = "signature"
    DATA = "data"
    AGREEMENT = "agreement"
    AGREED_SIGNING = "agreed_signing"
    AGREED_ENCRYPTION = "agreed_encryption"
    RECEIPT = "receipt"
    RECEIPT_SIGNATURE = "receipt_signature"
    RESULT_DATA = "result_data"
    RESULT = "result"
    RESULT_SIGNATURE = "result_signature"


def numbered(role: Role, number: int) -> str:
    """The role of the first, second… file of its kind: ``result``, ``result-2``…"""
    return role.value if number == 1 else f"{role.value}-{number}"


@dataclass(frozen=True)
class FileRecord:
    """A file's role, name at the partner's, SHA-256 (under which the archive keeps it) and size in bytes."""

    role: str
    name: str
    sha256: str
    size: int


def file_of(batch_id: str, files: Mapping[str, FileRecord], role: str) -> FileRecord:
    """The batch's file of this role among these, by role; Halt where there is none."""
    if role not in files:
        msg = f"{batch_id} has no {role} in the register"
        raise Halt(msg, zh=f"登记簿中 {batch_id} 没有 {role} 文件")
    return files[role]


@dataclass(frozen=True)
class Step:
    """One line of the ledger about a batch: a change of its state, or a note where both states are the same. ``facts``:
    what it records, a JSON object; ``hash``: of the line and all before it.
    """

    seq: int
    from_state: str | None
    to_state: str
    at: datetime
    actor: str
    facts: str
    hash: str


@dataclass(frozen=True)
class Batch:
    """One line of the register. Fields after ``received_at`` are empty until the set is trusted, but for ``stage``:
    ``test``, or none of a live batch.
    """

    id: str
    partner: str
    manifest_sha256: str
    state: State
    received_at: datetime
    cycle: str | None
    period: str | None
    purpose: str | None
    legal_basis: str | None
    letter: str | None
    handler: str | None
    items: tuple[str, ...]
    objects_to: str | None
    rows_in: int | None
    rows_open: int | None
    due_on: date | None
    due_original: date | None
    due_last: date | None
    due_provisional: bool
    due_working_days: int | None
    clock_stands: bool
    arrival: str | None
    receipts_sent: int
    refusal_code: str | None
    refusal_row: int | None
    refusal_column: str | None
    stage: str | None = None

    @property
    def is_test(self) -> bool:
        """Whether it is answered from the invented province, and counted nowhere."""
        return self.stage is not None

    @property
    def due_open(self) -> date | None:
        """The day by which what is open is due: once the first result lies there, that of the items with a later one
        (``board.DUE`` in SQL).
        """
        answered = self.state in (State.DELIVERED, State.CLOSED)
        return (self.due_last if answered else None) or self.due_on

    @property
    def may_be_extended(self) -> bool:
        """Whether it is an open objection that has its first time."""
        first = self.due_working_days in (None, WORKING_DAYS[OBJECTION])
        return self.cycle == OBJECTION and self.state in OPEN and first and self.due_on is not None


@dataclass(frozen=True)
class BatchFilter:
    """What batches are searched by. ``batch`` and ``letter``: a part of the id, of the letter's number; ``period``:
    what it begins with.
    """

    partner: str | None = None
    state: State | None = None
    limit: int = 50
    batch: str | None = None
    period: str | None = None
    letter: str | None = None


@dataclass(frozen=True)
class UnfinishedSet:
    """An incomplete set: what it lacks, since when nothing about it has moved, and when the partner was told.
    ``fingerprint``: of the reason and of its files as they were listed.
    """

    partner: str
    stem: str
    fingerprint: str
    reason: str
    first_seen: datetime
    noticed_at: datetime | None
