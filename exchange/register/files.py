"""The files of a batch as they are recorded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import Engine, bindparam, exists, func, select
from sqlalchemy.orm import Session

from exchange.register.batches import FileRecord
from exchange.register.database import reading
from exchange.register.models import BatchRow, FileRow
from exchange.register.states import OPEN

_FILES: Final = (
    select(FileRow).where(FileRow.batch_id == bindparam("batch")).order_by(FileRow.recorded_at, FileRow.role)
)


def by_role(session: Session, batch_id: str) -> dict[str, FileRecord]:
    """Role → file, of a batch, in the order in which they were recorded."""
    return {row.role: as_file(row) for row in session.scalars(_FILES, {"batch": batch_id})}


def files_of_open(engine: Engine, roles: Collection[str]) -> Mapping[str, Mapping[str, FileRecord]]:
    """Batch → role → file, of all batches that are open: of these roles and of further ones of their kind."""
    role = func.split_part(FileRow.role, "-", 1)
    query = select(FileRow).join(BatchRow).where(BatchRow.state.in_(OPEN), role.in_(roles))
    files: dict[str, dict[str, FileRecord]] = {}
    with reading(engine) as session:
        for row in session.scalars(query):
            files.setdefault(row.batch_id, {})[row.role] = as_file(row)
    return files


def as_file(row: FileRow) -> FileRecord:
    """The row as a plain record."""
    return FileRecord(row.role, row.name, row.sha256, row.size)


def has_sent(engine: Engine, digest: str, partner: str) -> bool:
    """Whether a batch of this partner has a file of this SHA-256."""
    of_it = exists().where(FileRow.sha256 == digest, FileRow.batch_id == BatchRow.id, BatchRow.partner == partner)
    with reading(engine) as session:
        return bool(session.scalar(select(of_it)))
