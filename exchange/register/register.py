"""The register's verbs: claim, accept, refuse, prepare, deliver, close. What is asked of it: ``queries.py``; of its
ledger: ``ledger_checks.py``.

Rules
- Each verb is one transaction: lock the batch, hold the step against ``states.TRANSITIONS``, write the facts and the
  ledger's line.
- A verb that was done already changes nothing, so that a step may be run again: what was recorded first stays. A verb
  that cannot follow on the batch's state is a Halt.
- Claiming is the one race: whoever inserts the line first has the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from exchange.calendar.working_days import Due
from exchange.register import ledger
from exchange.register.alerts import Alerts
from exchange.register.asked_lately import add_asked
from exchange.register.batches import Batch, Claim, FileRecord, file_of
from exchange.register.clock import Clock
from exchange.register.configuration import Configuration
from exchange.register.conformance import Conformance
from exchange.register.database import held, migrate, open_engine, reading, transaction
from exchange.register.extensions import Extensions
from exchange.register.files import as_file, by_role
from exchange.register.guard import Evidence, Guard, add_judged
from exchange.register.ledger_checks import LedgerChecks
from exchange.register.lines import append_event, as_batch, file_row, get_batch, hashes, now, transition
from exchange.register.missing import MissingSets, check_not_doubled
from exchange.register.models import AnswerCountRow, BatchRow, FileRow
from exchange.register.pickups import Pickups, seen
from exchange.register.queries import BatchQueries
from exchange.register.queue_then import AS_BEFORE_ROWS, written
from exchange.register.queued import NewReview, add_reviews
from exchange.register.releases import Releases
from exchange.register.retention import Retention, check_not_past
from exchange.register.reviews import Reviews
from exchange.register.signing import LedgerKey
from exchange.register.snapshot_uses import Pins, SnapshotUses, add_uses
from exchange.register.states import State
from exchange.register.told import Told, ToldIndex, add_told
from exchange.register.told_uses import ToldUses
from exchange.register.uncollected import add_uncollected
from exchange.register.unfinished import UnfinishedSets
from exchange.wire.manifest import RequestManifest

_SENDING: Final = 0x53454E44  # "SEND": names of files at partners'
_SENDING_SECONDS: Final = 60


ReceiptOf = Callable[[Batch, Mapping[str, FileRecord]], Sequence[FileRecord]]
"""Makes a receipt within a verb: the batch as it leaves it, its files by role → the receipt's files, all kept."""


def open_register(url: str, actor: str, password_file: Path | None = None, key: LedgerKey | None = None) -> Register:
    """The register behind this SQLAlchemy URL; nothing is asked of the database yet. ``key`` signs the ledger; without
    it the register can be read and migrated, no more.
    """
    return Register(open_engine(url, password_file, key), actor)


class Register(BatchQueries, LedgerChecks):
    """The register; ``actor``: in whose name the ledger records everything that is done through it."""

    def __init__(self, engine: Engine, actor: str) -> None:
        super().__init__(engine)
        self.actor = actor

    def migrate(self) -> None:
        """Brings the database to this version's tables; done at installation, not by every task."""
        migrate(self.engine)

    def close(self) -> None:
        """Closes the register's connections to the database."""
        self.engine.dispose()

    def one_sender(self, name: str, longest: float) -> AbstractContextManager[None]:
        """A lock on a file's name in a partner's folder, while it is put there, for ``longest`` seconds at most."""
        return held(self.engine, _SENDING, name, _SENDING_SECONDS, longest)

    # ── the way of a batch ───────────────────────────────────────────────────────────────────────────────

    def claim(
        self,
        batch_id: str,
        partner: str,
        manifest_sha256: str,
        files: Sequence[FileRecord],
        at: datetime,
        *,
        received_at: datetime | None = None,
        stage: str | None = None,
    ) -> Claim:
        """Takes a batch id for a manifest; NEW for exactly one caller, however many try. ``received_at``: where the set
        is known to have been received earlier than now; ``stage``: as the agreement says now; what it says when the set
        is judged takes its place.
        """
        with transaction(self.engine) as session:
            line = insert(BatchRow).values(
                id=batch_id,
                partner=partner,
                manifest_sha256=manifest_sha256,
                state=State.CLAIMED,
                received_at=received_at or at,
                items=[],
                due_provisional=False,
                stage=stage,
            )
            won = session.execute(line.on_conflict_do_nothing().returning(BatchRow.id)).scalar()
            if won is None:
                first = session.get_one(BatchRow, batch_id)
                return Claim.SAME if first.manifest_sha256 == manifest_sha256 else Claim.CONFLICT
            session.add_all(file_row(batch_id, file, at) for file in files)
            facts = {"partner": partner, "manifest_sha256": manifest_sha256, "stage": stage, **hashes(files)}
            if received_at is not None:
                facts["received_at"] = str(received_at.astimezone(UTC))
            ledger.attested(session)[batch_id] = None
            ledger.append(session, batch_id, (None, State.CLAIMED), at, self.actor, facts)
            return Claim.NEW

    def accept(
        self,
        batch_id: str,
        manifest: RequestManifest,
        due: Due,
        *,
        due_last: Due | None = None,
        files: Sequence[FileRecord] = (),
        arrival: str | None = None,
        at_most: int | None = None,
        stage: str | None = None,
        receipt: ReceiptOf | None = None,
        pins: Pins | None = None,
    ) -> None:
        """The set is trusted: what it asks, with which data, under which version of the agreement (``files``: of both;
        ``stage``: ``test``, or none of a live batch, from here on for good), when the answer is due, when its items
        with a later deadline are (``due_last``), and whether it came early, on time or late. Refused where ``at_most``
        so many sets for its cycle, period and purpose were accepted already, or it objects to a batch whose data are
        gone. In the same transaction: ``receipt``, made from the batch as it was attested and locked; ``pins``, the
        snapshots that answer, where known.
        """
        facts = {
            "cycle": manifest.cycle,
            "period": manifest.period,
            "purpose": manifest.purpose,
            "legal_basis": manifest.legal_basis,
            "letter": manifest.letter,
            "handler": manifest.handler,
            "items": list(manifest.items),
            "objects_to": manifest.objects_to,
            "rows_in": manifest.rows,
            "due_on": due.day,
            "due_original": due.day,
            "due_last": due_last and due_last.day,
            "due_provisional": due.provisional or bool(due_last and due_last.provisional),
            "due_working_days": due.working_days,
            "arrival": arrival,
            "stage": stage,
        }
        with transaction(self.engine) as session:
            if get_batch(session, batch_id, for_update=True).state == State.CLAIMED:
                if at_most is not None:
                    check_not_doubled(session, batch_id, manifest, at_most, stage)
                if manifest.objects_to is not None:
                    check_not_past(session, manifest.objects_to)
            if self._step(session, batch_id, State.ACCEPTED, facts, files, receipt) and pins:
                add_uses(session, get_batch(session, batch_id), pins, self.actor)

    def refuse(
        self,
        batch_id: str,
        code: str,
        *,
        row: int | None,
        column: str | None,
        stage: str | None = None,
        files: Sequence[FileRecord] = (),
        receipt: ReceiptOf | None = None,
    ) -> None:
        """The set is refused whole, for this reason of ``schemas/refusals.toml``; the others: see ``accept``."""
        facts = {"refusal_code": code, "refusal_row": row, "refusal_column": column, "stage": stage}
        with transaction(self.engine) as session:
            self._step(session, batch_id, State.REFUSED, facts, files, receipt)

    def prepared(
        self,
        batch_id: str,
        counts: Mapping[str, Mapping[str, int]],
        files: Sequence[FileRecord],
        rows_open: int = 0,
        reviews: Sequence[NewReview] = (),
        told: Told | None = None,
        judge: Callable[[], Evidence] | None = None,
    ) -> bool:
        """The result is made: its files, how often each answer was given for each item, how many rows are still to
        be answered, and which of them need an officer; ``told``: whom the batch asks about; ``judge``: asks what the
        guard saw, which may hold it, once no other batch of the partner is judged and not written yet. False where
        another try was faster, whose result stands.
        """
        saw = dict[str, Any]()
        if before := [review.row for review in reviews if review.before is not None]:
            saw |= {"as_before": len(before), AS_BEFORE_ROWS: written(before)}
        facts = {"rows_open": rows_open}
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True)
            if batch.state == State.ACCEPTED:
                add_reviews(session, batch_id, reviews)  # before the ledger's lock, for which all other batches wait
                if told is not None:
                    add_told(session, batch_id, told)
                if judge is not None and (evidence := add_judged(session, batch, judge)).trips:
                    saw["guard"] = evidence.summary
                if told is not None and judge is not None:
                    add_asked(session, batch_id)
            if not transition(session, batch_id, State.PREPARED, facts, facts | saw | hashes(files), self.actor):
                return False
            session.add_all(file_row(batch_id, file, now()) for file in files)
            session.add_all(
                AnswerCountRow(batch_id=batch_id, item=item, code=code, n=n)
                for item, tally in counts.items()
                for code, n in tally.items()
            )
            return True

    def delivered(self, batch_id: str, seen_at: datetime | None = None) -> None:
        """The result is delivered. ``seen_at``: when it was seen in the partner's folder; None where it was put into
        none.
        """
        with transaction(self.engine) as session:
            self._delivered(session, batch_id, seen_at)

    def closed(self, batch_id: str) -> None:
        """Nothing is left to do."""
        with transaction(self.engine) as session:
            self._step(session, batch_id, State.CLOSED, {})

    def delivered_and_closed(self, batch_id: str, seen_at: datetime | None = None) -> None:
        """Both at once, of a batch no row of which is open."""
        with transaction(self.engine) as session:
            self._delivered(session, batch_id, seen_at)
            self._step(session, batch_id, State.CLOSED, {})

    def _delivered(self, session: Session, batch_id: str, seen_at: datetime | None) -> None:
        if seen_at is not None:
            seen(session, batch_id, 1, seen_at, self.actor)
        self._step(session, batch_id, State.DELIVERED, {})
        add_uncollected(session, batch_id)

    def _step(
        self,
        session: Session,
        batch_id: str,
        to_state: State,
        facts: Mapping[str, Any],
        files: Sequence[FileRecord] = (),
        receipt: ReceiptOf | None = None,
    ) -> bool:
        """Whether the batch has not been there before."""
        batch = get_batch(session, batch_id, for_update=True)
        known = {} if receipt is None else by_role(session, batch_id)
        if not transition(session, batch_id, to_state, facts, {**facts, **hashes(files)}, self.actor):
            return False
        if receipt is not None:
            told = receipt(as_batch(batch), known | {file.role: file for file in files})
            append_event(session, batch, {}, hashes(told), self.actor)
            files = [*files, *told]
        session.add_all(file_row(batch_id, file, now()) for file in files)
        return True

    @property
    def clock(self) -> Clock:
        """Changes of due days: the clock paused and resumed, a calendar that became known."""
        return Clock(self.engine, self.actor)

    @property
    def extensions(self) -> Extensions:
        """More time for objections."""
        return Extensions(self.engine, self.actor)

    @property
    def missing(self) -> MissingSets:
        """Sets that agreements expect."""
        return MissingSets(self.engine, self.actor)

    @property
    def snapshots(self) -> SnapshotUses:
        """Which snapshots answer a batch."""
        return SnapshotUses(self.engine, self.actor)

    @property
    def unfinished(self) -> UnfinishedSets:
        """Sets that are not complete."""
        return UnfinishedSets(self.engine)

    @property
    def alerts(self) -> Alerts:
        """Warnings, alarms and breaches."""
        return Alerts(self.engine, self.actor)

    @property
    def reviews(self) -> Reviews:
        """The rows that need an officer."""
        return Reviews(self.engine, self.actor)

    @property
    def releases(self) -> Releases:
        """Rows that are answered after the first result."""
        return Releases(self.engine, self.actor)

    @property
    def pickups(self) -> Pickups:
        """The results that partners have taken."""
        return Pickups(self.engine, self.actor)

    @property
    def conformance(self) -> Conformance:
        """Which partners may be live."""
        return Conformance(self.engine, self.actor)

    @property
    def guard(self) -> Guard:
        """What the guard against fishing saw, and holds."""
        return Guard(self.engine, self.actor)

    @property
    def told(self) -> ToldIndex:
        """Which batches asked about whom."""
        return ToldIndex(self.engine, self.actor)

    @property
    def told_uses(self) -> ToldUses:
        """Who asked that, why, and who confirmed."""
        return ToldUses(self.engine, self.actor)

    @property
    def configuration(self) -> Configuration:
        """Settings, agreements and tables that decide the answers, by hash."""
        return Configuration(self.engine, self.actor)

    @property
    def retention(self) -> Retention:
        """Destructions and legal holds."""
        return Retention(self.engine, self.actor)

    # ── files ────────────────────────────────────────────────────────────────────────────────────────────

    def record_file(self, batch_id: str, role: str, name: str, sha256: str, size: int) -> FileRecord:
        """Records a file of the batch; what is recorded now. The first one stands, whoever makes another at once."""
        return self.record_files(batch_id, [FileRecord(role, name, sha256, size)])[0]

    def record_files(self, batch_id: str, files: Sequence[FileRecord]) -> list[FileRecord]:
        """Records files of the batch that belong together. Where another one of such a role was recorded before, none
        of these is recorded, and those that were are returned.
        """
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True)
            roles = [file.role for file in files]
            first = {role: file for role, file in by_role(session, batch_id).items() if role in roles}
            if any(first.get(file.role, file) != file for file in files):
                return [first[role] for role in roles if role in first]
            if new := [file for file in files if file.role not in first]:
                session.add_all(file_row(batch_id, file, now()) for file in new)
                append_event(session, batch, {}, hashes(new), self.actor)
            return list(files)

    def record_made(self, batch_id: str, make: ReceiptOf) -> None:
        """Records what ``make`` makes of the batch as it is attested and locked; nothing where it makes nothing."""
        with transaction(self.engine) as session:
            batch, known = get_batch(session, batch_id, for_update=True), by_role(session, batch_id)
            if new := [file for file in make(as_batch(batch), known) if file.role not in known]:
                session.add_all(file_row(batch_id, file, now()) for file in new)
                append_event(session, batch, {}, hashes(new), self.actor)

    def find_file(self, batch_id: str, role: str) -> FileRecord | None:
        """The batch's file of this role; None where there is none."""
        with reading(self.engine) as session:
            row = session.get(FileRow, (batch_id, role))
            return None if row is None else as_file(row)

    def file(self, batch_id: str, role: str) -> FileRecord:
        """The batch's file of this role; Halt where there is none."""
        return file_of(batch_id, self.files_by_role(batch_id), role)

    def files_by_role(self, batch_id: str) -> dict[str, FileRecord]:
        """Role → file, of a batch; empty for one that is not known."""
        return {file.role: file for file in self.files(batch_id)}

    def files(self, batch_id: str) -> list[FileRecord]:
        """The batch's files, in the order in which they were recorded."""
        with reading(self.engine) as session:
            return [*by_role(session, batch_id).values()]
