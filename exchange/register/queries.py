"""Queries about batches; nothing here changes a row."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import Engine, bindparam, select

from exchange.register.attest import one_moment
from exchange.register.batches import Batch, BatchFilter, FileRecord, Role, Step
from exchange.register.checkpoints import Kept, check_newest
from exchange.register.database import reading
from exchange.register.leaving import FILES, Attested, attested, attested_at_once, files_of
from exchange.register.lines import as_batch, get_batch, not_known
from exchange.register.models import AnswerCountRow, BatchRow, FileRow, LedgerRow
from exchange.register.states import State


class BatchQueries:
    """The batches behind this engine, as they stand now."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def batch(self, batch_id: str) -> Batch:
        """The batch's line; Halt where there is none."""
        with reading(self.engine) as session:
            return as_batch(get_batch(session, batch_id))

    def batch_and_files(self, batch_id: str) -> tuple[Batch, dict[str, FileRecord]]:
        """The batch and its files by role, by one query; Halt where there is none."""
        with reading(self.engine) as session:
            row = session.execute(_WITH_FILES, {"batch": batch_id}).one_or_none()
            if row is None:
                raise not_known(batch_id)
            return as_batch(row[0]), files_of(row[1])

    def attested(self, batch_id: str, kept: Kept | None = None, *, rows: Collection[int] | None = None) -> Attested:
        """The batch with its files and releases, all as its last signed line says; Halt where a table says otherwise,
        or the line is not the office's. What is sent is read by this. ``kept``: Halt, too, where the ledger is not the
        one of these checkpoints. ``rows``: of the queue, where not all of it is to be held against the ledger.
        """
        if rows is None:
            with reading(self.engine) as session:
                batch = attested_at_once(session, batch_id, kept)
                if batch is not None:
                    return batch
        with one_moment(self.engine) as session:
            batch = attested(session, batch_id, rows)
        if kept is not None:
            # Not in the same session, which sees the ledger as of one moment: another's checkpoint may be younger.
            with reading(self.engine) as session:
                check_newest(session, kept)
        return batch

    def find_batch(self, batch_id: str) -> Batch | None:
        """The batch; None where the register has none of this id."""
        with reading(self.engine) as session:
            row = session.get(BatchRow, batch_id)
            return None if row is None else as_batch(row)

    def with_open_rows(self) -> list[Batch]:
        """The delivered batches some of whose rows are still to be answered, oldest first."""
        query = select(BatchRow).filter_by(state=State.DELIVERED).where(BatchRow.rows_open > 0)
        with reading(self.engine) as session:
            return [as_batch(row) for row in session.scalars(query.order_by(BatchRow.received_at, BatchRow.id))]

    def batches(self, wanted: BatchFilter = BatchFilter()) -> list[Batch]:  # noqa: B008  (frozen)
        """The newest batches that fit, newest first."""
        query = select(BatchRow).order_by(BatchRow.received_at.desc(), BatchRow.id).limit(wanted.limit)
        if wanted.partner is not None:
            query = query.filter_by(partner=wanted.partner)
        if wanted.state is not None:
            query = query.filter_by(state=wanted.state)
        if wanted.batch is not None:
            query = query.where(BatchRow.id.icontains(wanted.batch, autoescape=True))
        if wanted.period is not None:
            query = query.where(BatchRow.period.startswith(wanted.period, autoescape=True))
        if wanted.letter is not None:
            query = query.where(BatchRow.letter.icontains(wanted.letter, autoescape=True))
        with reading(self.engine) as session:
            return [as_batch(row) for row in session.scalars(query)]

    def objections_to(self, first: Batch) -> list[Batch]:
        """The objections to this batch, an officer's in a person's stead among them, the oldest first."""
        query = select(BatchRow).filter_by(partner=first.partner, objects_to=first.id)
        with reading(self.engine) as session:
            return [as_batch(row) for row in session.scalars(query.order_by(BatchRow.received_at, BatchRow.id))]

    def waiting(self) -> list[str]:
        """The ids of batches that were claimed and not judged yet, oldest first."""
        query = select(BatchRow.id).filter_by(state=State.CLAIMED).order_by(BatchRow.received_at, BatchRow.id)
        with reading(self.engine) as session:
            return list(session.scalars(query))

    def waiting_files(self) -> dict[str, set[str]]:
        """The hashes of what was kept with the claim, manifest and signature, of each of :meth:`waiting`."""
        query = select(FileRow.batch_id, FileRow.sha256).join(BatchRow).where(BatchRow.state == State.CLAIMED)
        files: dict[str, set[str]] = {}
        with reading(self.engine) as session:
            for batch_id, digest in session.execute(query.where(FileRow.role.in_([Role.MANIFEST, Role.SIGNATURE]))):
                files.setdefault(batch_id, set()).add(digest)
        return files

    def answer_counts(self, batch_id: str) -> dict[str, dict[str, int]]:
        """Item (or ``identity``) → answer code → rows."""
        counts: dict[str, dict[str, int]] = {}
        with reading(self.engine) as session:
            for row in session.scalars(select(AnswerCountRow).filter_by(batch_id=batch_id)):
                counts.setdefault(row.item, {})[row.code] = row.n
        return counts

    def steps(self, batch_id: str) -> list[Step]:
        """The ledger's lines of a batch, in order."""
        columns = [getattr(LedgerRow, name) for name in Step.__dataclass_fields__]
        with reading(self.engine) as session:
            lines = session.execute(select(*columns).filter_by(batch_id=batch_id).order_by(LedgerRow.seq))
            return [Step(*line) for line in lines]

    def transitions(self, batch_id: str) -> list[Step]:
        """Those of the ledger's lines of a batch that changed its state, in order."""
        return [line for line in self.steps(batch_id) if line.from_state != line.to_state]


_WITH_FILES: Final = select(BatchRow, FILES).where(BatchRow.id == bindparam("batch"))
