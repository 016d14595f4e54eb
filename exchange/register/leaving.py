"""A batch as a signed line of the ledger attests it: steps send from this, not from the tables alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any, Final

from sqlalchemy import JSON, ColumnElement, Select, bindparam, literal_column, select
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.register import checkpoints, digests, ledger
from exchange.register.attest import attest, check, states_whole_queue
from exchange.register.batches import Batch, FileRecord, Role, file_of
from exchange.register.checkpoints import Kept
from exchange.register.guard import GuardHoldRow, is_held
from exchange.register.lines import as_batch, get_batch
from exchange.register.models import BatchRow, FileRow, LedgerRow, ReleaseRow, SnapshotUseRow
from exchange.register.releases import Release, as_release
from exchange.register.signing import note
from exchange.register.snapshot_uses import Pins


@dataclass(frozen=True)
class Attested:
    """A batch whose tables are what its last ledger line states, all read at one moment. ``files``: by role;
    ``releases``: by number; ``held``: by the guard against fishing; ``pins``: the snapshots of the first pass, empty
    where none are pinned yet.
    """

    batch: Batch
    files: Mapping[str, FileRecord]
    releases: Mapping[int, Release]
    held: bool
    pins: Pins = field(default_factory=dict)
    checkpoint: str | None = None

    @property
    def opened_here(self) -> bool:
        """Whether it is an objection that the office opened in a person's stead: no partner signed it."""
        return self.batch.objects_to is not None and Role.SIGNATURE not in self.files

    def file(self, role: str) -> FileRecord:
        """The batch's file of this role; Halt where there is none."""
        return file_of(self.batch.id, self.files, role)

    def release(self, number: int) -> Release:
        """The batch's release of this number; Halt where there is none."""
        if number not in self.releases:
            msg = f"{self.batch.id} has no release {number}"
            raise Halt(msg, zh=f"{self.batch.id} 没有第 {number} 次放行")
        return self.releases[number]


def attested_at_once(session: Session, batch_id: str, kept: Kept | None = None) -> Attested | None:
    """As :func:`attested`, in one question, which sees one moment by itself; None of a batch that nobody knows, that
    has releases or is held by the guard, or whose last line is an earlier version's. ``kept``: Halt, too, where the
    ledger is not the one of these checkpoints (``checkpoints.check_newest``).
    """
    key = ledger.key_of(session)
    known = {} if kept is None else checkpoints.newest(kept, key)
    question = _WITH_LAST_LINE if kept is None else _with_checkpoints()
    row = session.execute(question, {"batch": batch_id, **({} if kept is None else checkpoints.sizes(known))}).first()
    if row is None:
        return None
    batch, line, held, files, pins, *of_ledger = row
    held = held or {}
    if states_whole_queue(line):
        return None
    check(batch_id, line, held, key)
    if not _SELDOM.isdisjoint(held):
        return None
    if kept is not None:
        checkpoints.check_held(known, *of_ledger)
    return Attested(as_batch(batch), files_of(files), {}, held=False, pins=_pins_of(pins), checkpoint=_note_of(line))


def _note_of(line: LedgerRow | None) -> str | None:
    return None if line is None or line.signature is None else note(ledger.checkpoint_of(line), line.signature)


def files_of(told: list[list[Any]] | None) -> dict[str, FileRecord]:
    """The files by role; ``told``: the answer to ``FILES``."""
    return {role: FileRecord(role, *fields) for role, *fields in told or ()}


def _pins_of(told: list[list[str]] | None) -> Pins:
    """``told``: the answer to ``_PINS``."""
    return {source: (version, date.fromisoformat(as_of)) for source, version, as_of in told or ()}


_SELDOM: Final = frozenset({ReleaseRow.__tablename__, GuardHoldRow.__tablename__})
FILES: Final[ColumnElement[list[list[Any]] | None]] = literal_column(
    "(SELECT json_agg(json_build_array(role, name, sha256, size)) FROM file WHERE batch_id = batch.id)", JSON
)
"""A batch's files, asked beside its line."""

_PINS: Final[ColumnElement[list[list[str]] | None]] = literal_column(
    "(SELECT json_agg(json_build_array(source, version, as_of)) FROM snapshot_use"
    " WHERE batch_id = batch.id AND NOT later)",
    JSON,
)
_WITH_LAST_LINE: Final = (
    select(BatchRow, LedgerRow, digests.BESIDE, FILES, _PINS)
    .outerjoin(LedgerRow, digests.LAST)
    .where(BatchRow.id == bindparam("batch"))
)


@cache
def _with_checkpoints() -> Select[Any]:
    """Once all tables are declared."""
    return _WITH_LAST_LINE.add_columns(*checkpoints.held())


def attested(session: Session, batch_id: str, rows: Collection[int] | None = None) -> Attested:
    """The batch; Halt where its tables are not what its last line, signed by the office, says; of the queue these rows,
    all by default. The session must be one that reads as of one moment (``attest.one_moment``).
    """
    batch = get_batch(session, batch_id)
    attest(session, batch_id, rows)
    files = session.scalars(select(FileRow).filter_by(batch_id=batch_id))
    releases = session.scalars(select(ReleaseRow).filter_by(batch_id=batch_id).order_by(ReleaseRow.number))
    uses = session.scalars(select(SnapshotUseRow).filter_by(batch_id=batch_id, later=False))
    last = select(LedgerRow).filter_by(batch_id=batch_id).order_by(LedgerRow.seq.desc()).limit(1)
    return Attested(
        batch=as_batch(batch),
        files={row.role: FileRecord(row.role, row.name, row.sha256, row.size) for row in files},
        releases={row.number: as_release(row) for row in releases},
        held=is_held(session, batch_id),
        pins={use.source: (use.version, use.as_of) for use in uses},
        checkpoint=_note_of(session.scalar(last)),
    )
