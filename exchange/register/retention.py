"""What was destroyed of a batch's kept files, and what must not be: intentions, destructions, legal holds.

Rules
- A destruction is recorded before it begins and again when it is done, the second time in the ledger, too. The batch's
  line, and the names and hashes of its files, stay.
- Nothing is destroyed of a batch that is held, or to whose answers an objection is made that is open, or held: whom
  that means stands in the earlier batch.
- A file is destroyed when no other batch needs it, that is, none whose own copy is not due yet or must be kept. A
  certificate of conformance, which no batch names, is never destroyed: its partner is live by it.
- Who is about to destroy a file has locked all batches that name it, so that a hold, or an objection
  (:func:`check_not_past`), comes before or after, not between. Of two runs at once one intends a file, and one destroys
  it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, case, func, or_, select, text, union
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session, aliased

from exchange.base.errors import Halt, Refused
from exchange.register.attest import attest_rows, attest_to_change, one_moment
from exchange.register.batches import Role
from exchange.register.conformance import ConformanceRow
from exchange.register.database import transaction
from exchange.register.ledger import append_note, touched
from exchange.register.lines import append_event, get_batch
from exchange.register.models import ENDED, BatchRow, DestructionRow, FileRow, LedgerRow, LegalHoldRow
from exchange.register.states import OPEN

WORK: Final = "work"
"""Kind of a file that no batch names."""

EXPORTS: Final = "exports"
"""Kind of the sources' raw exports, which lie outside the archive: their role is the file's name."""

_INTENDING: Final = 0x44455354  # "DEST": orders those who intend files that no batch names
_BACK: Final = "destroyed before"
"""The policy by which goes what an older folder has brought back."""
_LATELY: Final = 50
"""So many of the ledger's last lines count as lately."""


@dataclass(frozen=True)
class KeptFile:
    """A file of a batch that has ended; ``policy``: why it goes, empty where nobody intends it yet."""

    batch: str
    partner: str
    role: str
    sha256: str
    ended_at: datetime
    policy: str = ""


@dataclass(frozen=True)
class Hold:
    """A legal hold on a batch: nothing of it is destroyed until it is released."""

    batch: str
    number: int
    held_at: datetime
    held_by: str
    reason: str
    released_at: datetime | None
    released_by: str | None


@dataclass
class Destruction:
    """``allowed``: whether it may be destroyed; ``done``: set by whoever destroyed it."""

    allowed: bool
    done: bool = False


class Retention:
    """``actor`` destroys, or holds."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def kept(self, ended_before: Mapping[str, datetime]) -> list[KeptFile]:
        """The files of batches that had ended, that nobody intends to destroy yet; the longest ended first.
        ``ended_before``: role, without its number, → before which moment the batch ended; ``""``: of all other roles.
        """
        by_role = {role: at for role, at in ended_before.items() if role}
        before = case(by_role, value=func.split_part(FileRow.role, "-", 1), else_=ended_before[""])
        query = (
            select(FileRow.batch_id, BatchRow.partner, FileRow.role, FileRow.sha256, LedgerRow.at)
            .join(BatchRow, BatchRow.id == FileRow.batch_id)
            .join(LedgerRow, (LedgerRow.batch_id == FileRow.batch_id) & ENDED)
            .where(LedgerRow.at < before, ~_intended(), *_unprotected())
            .order_by(LedgerRow.at, FileRow.batch_id, FileRow.role)
        )
        with transaction(self.engine) as session:
            return [KeptFile(*row) for row in session.execute(query)]

    def last_agreed(self, besides: Iterable[str]) -> Mapping[str, str]:
        """Partner → SHA-256 of the agreement under which its last batch was accepted, where that is not destroyed; of
        the partners besides these.
        """
        query = (
            select(BatchRow.partner, FileRow.sha256)
            .ext(distinct_on(BatchRow.partner))
            .join(BatchRow, BatchRow.id == FileRow.batch_id)
            .where(FileRow.role == Role.AGREEMENT, ~_intended(DestructionRow.done_at.is_not(None)))
            .where(BatchRow.partner.not_in(list(besides)))
            .order_by(BatchRow.partner, FileRow.recorded_at.desc())
        )
        with transaction(self.engine) as session:
            return {row.partner: row.sha256 for row in session.execute(query)}

    def intend(self, files: Iterable[tuple[KeptFile, str]], at: datetime) -> None:
        """Records that these will be destroyed, each with its kind."""
        with transaction(self.engine) as session:
            added: list[DestructionRow] = []
            for file, kind in files:
                row = insert(DestructionRow).values(batch_id=file.batch, role=file.role, kind=kind, sha256=file.sha256)
                row = row.values(policy=file.policy, actor=self.actor, intended_at=at)
                added += session.scalars(row.on_conflict_do_nothing().returning(DestructionRow)).all()
            self._append_note(session, added, "intended", at)

    def intended(self) -> list[tuple[int, str, str]]:
        """(id, SHA-256, kind) of the archive's destructions that are not done, the oldest first."""
        with one_moment(self.engine) as session:
            rows = _undone(session, DestructionRow.kind != EXPORTS)
            return [(row.id, row.sha256, row.kind) for row in rows]

    @contextmanager
    def destroying(self, number: int, at: datetime, *, is_there: bool = True) -> Iterator[Destruction]:
        """Locks the batches that name the file while its caller destroys it; written down where the caller did. They
        are looked at only where something would be destroyed by it, not where a batch lives by the file anyway or it
        does not lie there any more (not ``is_there``): all batches of an agreement name the same version of it.
        """
        with transaction(self.engine) as session:
            row = session.get_one(DestructionRow, number, with_for_update=True)
            destruction = Destruction(row.done_at is None and not _is_needed(session, row.sha256))
            if destruction.allowed and is_there:
                naming = select(FileRow.batch_id).filter_by(sha256=row.sha256)
                named = select(BatchRow).where(BatchRow.id.in_(naming)).order_by(BatchRow.id)
                for batch in session.scalars(named.with_for_update()).all():
                    attest_to_change(session, batch.id)
                destruction.allowed = not _is_needed(session, row.sha256)  # as it is behind the locks
            yield destruction
            if destruction.done:
                row.done_at = at
                if row.batch_id is None:
                    self._append_note(session, [row], "destroyed", at)
                else:
                    batch = get_batch(session, row.batch_id, for_update=True)
                    append_event(session, batch, {}, {f"destroyed.{row.role}": f"{row.kind} {row.policy}"}, self.actor)
                    touched(session, row)

    def intend_nameless(
        self, digests: Mapping[str, bool], policy: str, at: datetime, is_gone: Callable[[str], bool] = lambda _: False
    ) -> None:
        """Records that those of these files that no batch names or needs will be destroyed. ``digests``: SHA-256 →
        whether it has lain there for the time of ``policy``; what has not goes where it was destroyed before, and an
        older folder has brought it back. ``is_gone``: whether another run has destroyed one since it was listed.
        """
        alive = select(FileRow.sha256).outerjoin(DestructionRow, _same_file())
        alive = alive.where(FileRow.sha256.in_(digests), DestructionRow.done_at.is_(None))
        begun = select(DestructionRow.sha256).where(
            DestructionRow.sha256.in_(digests), DestructionRow.done_at.is_(None)
        )
        with transaction(self.engine) as session:
            _order_those_who_intend(session)
            certificates = select(ConformanceRow.sha256).where(ConformanceRow.sha256.in_(digests))
            named = (set(session.scalars(query)) for query in (alive, begun, certificates))
            left = set(digests).difference(*named)
            left -= {digest for digest in left if is_gone(digest)}  # behind the lock, and after who has begun was asked
            lately = {digest for digest in left if not digests[digest]}
            ended = dict.fromkeys(left - lately, policy)
            if lately:
                before = select(DestructionRow.sha256).where(DestructionRow.sha256.in_(lately))
                ended |= dict.fromkeys(session.scalars(before), _BACK)
            rows = [self._of_work("nameless", digest, ended[digest], at) for digest in sorted(ended)]
            session.add_all(rows)
            self._append_note(session, rows, "intended", at)

    def intend_exports(self, files: Iterable[tuple[str, str]], policy: str, at: datetime) -> None:
        """Records that these raw exports will be destroyed: name and SHA-256 of each."""
        with transaction(self.engine) as session:
            _order_those_who_intend(session)
            query = select(DestructionRow.role, DestructionRow.sha256).where(_is_undone(DestructionRow.kind == EXPORTS))
            known = {(name, digest) for name, digest in session.execute(query)}
            rows = [
                self._of_work(name, digest, policy, at, EXPORTS)
                for name, digest in files
                if (name, digest) not in known
            ]
            session.add_all(rows)
            session.flush()
            self._append_note(session, rows, "intended", at)

    def intended_exports(self) -> list[tuple[int, str, str]]:
        """(id, name, SHA-256) of the raw exports' destructions that are not done, the oldest first."""
        with one_moment(self.engine) as session:
            return [(row.id, row.role, row.sha256) for row in _undone(session, DestructionRow.kind == EXPORTS)]

    def export_destroyed(self, number: int, at: datetime) -> None:
        """Records that a raw export was destroyed."""
        with transaction(self.engine) as session:
            row = session.get_one(DestructionRow, number, with_for_update=True)
            if row.done_at is None:
                row.done_at = at
                self._append_note(session, [row], "destroyed", at)

    def left_in_work(self, name: str, policy: str, at: datetime) -> None:
        """Records that a file of the working folder is removed."""
        with transaction(self.engine) as session:
            row = self._of_work("left", name, policy, at)
            row.done_at = at
            session.add(row)
            self._append_note(session, [row], "destroyed", at)

    def _append_note(self, session: Session, rows: Sequence[DestructionRow], what: str, at: datetime) -> None:
        """A ledger note on destructions that concern no batch, or are only intended."""
        if rows:
            append_note(session, at, self.actor, {f"files_{what}": len(rows)})
            touched(session, *rows)

    def _of_work(self, role: str, name: str, policy: str, at: datetime, kind: str = WORK) -> DestructionRow:
        event_data = {"kind": kind, "policy": policy, "actor": self.actor, "intended_at": at}
        return DestructionRow(batch_id=None, role=role, sha256=name, **event_data)

    def destroyed(self, batch_id: str) -> Mapping[str, datetime]:
        """Role → when it was destroyed, of a batch's files."""
        query = select(DestructionRow.role, DestructionRow.done_at).filter_by(batch_id=batch_id)
        with transaction(self.engine) as session:
            rows = session.execute(query.where(DestructionRow.done_at.is_not(None)))
            return {role: at for role, at in rows if at is not None}

    def not_destroyed(self, part: tuple[int, int] = (0, 1)) -> list[str]:
        """The hashes of all files that some batch names, of which nobody destroyed them, and of the certificates of
        conformance; ascending. ``part``: (which, of how many): by the number that a hash begins with, of 32 bits.
        """
        which, of = part
        query = select(FileRow.sha256).where(~_intended(DestructionRow.done_at.is_not(None)))
        certificates = select(ConformanceRow.sha256).where(ConformanceRow.sha256.is_not(None))
        chosen = union(
            *(
                each.where(text(f"('x' || left({table}.sha256, 8))::bit(32)::bigint % :of = :which"))
                for each, table in ((query, "file"), (certificates, "conformance"))
            )
        )
        with transaction(self.engine) as session:
            return sorted(filter(None, session.scalars(chosen, {"of": of, "which": which})))

    def naming(self, digests: Sequence[str]) -> list[tuple[str, str, str]]:
        """(SHA-256, batch, role) of what names these files and nobody intends to destroy; of a certificate of
        conformance batch and role are empty.
        """
        named = select(FileRow.sha256, FileRow.batch_id, FileRow.role).outerjoin(DestructionRow, _same_file())
        named = named.where(FileRow.sha256.in_(digests), DestructionRow.id.is_(None))
        certificates = select(ConformanceRow.sha256).where(ConformanceRow.sha256.in_(digests))
        with transaction(self.engine) as session:
            rows = [(digest, batch, role) for digest, batch, role in session.execute(named)]
            return [*rows, *((digest, "", "") for digest in session.scalars(certificates) if digest)]

    def named_lately(self) -> list[str]:
        """The hashes of the files, neither destroyed nor about to be, of the batches of the ledger's last lines."""
        lines = select(LedgerRow.batch_id).where(LedgerRow.batch_id.is_not(None))
        lately = lines.order_by(LedgerRow.seq.desc()).limit(_LATELY).subquery()
        gone = select(DestructionRow.id).where(
            DestructionRow.batch_id == FileRow.batch_id,
            DestructionRow.role == FileRow.role,
        )
        query = select(FileRow.sha256).where(FileRow.batch_id.in_(select(lately.c.batch_id)), ~gone.exists()).distinct()
        with transaction(self.engine) as session:
            return list(session.scalars(query))

    def hold(self, batch_id: str, reason: str, at: datetime) -> bool:
        """Nothing of the batch is destroyed from now on; False where it is held already."""
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True)
            if _in_force(session, batch_id) is not None:
                return False
            if batch.objects_to is not None:  # whoever is about to destroy its data comes before or after
                session.execute(select(BatchRow.id).filter_by(id=batch.objects_to).with_for_update(read=True))
            number = (session.scalar(select(func.max(LegalHoldRow.number)).filter_by(batch_id=batch_id)) or 0) + 1
            row = LegalHoldRow(batch_id=batch_id, number=number, held_at=at, held_by=self.actor, reason=reason)
            session.add(row)
            append_event(session, batch, {}, {f"hold.{number}": reason}, self.actor)
            return True

    def release_hold(self, batch_id: str, at: datetime) -> None:
        """Its files go when their time is over; Halt where it is not held."""
        with transaction(self.engine) as session:
            batch = get_batch(session, batch_id, for_update=True)
            row = _in_force(session, batch_id)
            if row is None:
                msg = f"{batch_id} is not held"
                raise Halt(msg, zh=f"{batch_id} 没有被保全")
            row.released_at, row.released_by = at, self.actor
            append_event(session, batch, {}, {f"hold.{row.number}": "released"}, self.actor)

    def holds(self) -> list[Hold]:
        """The holds in force, the oldest first."""
        query = select(LegalHoldRow).where(LegalHoldRow.released_at.is_(None)).order_by(LegalHoldRow.held_at)
        with transaction(self.engine) as session:
            rows = session.scalars(query)
            return [Hold(row.batch_id, *[getattr(row, name) for name in _HOLD]) for row in rows]


_HOLD: Final = ("number", "held_at", "held_by", "reason", "released_at", "released_by")


def is_held(batch_id: Any) -> ColumnElement[bool]:
    """Whether a batch is held now."""
    in_force = LegalHoldRow.released_at.is_(None)
    return select(LegalHoldRow.number).where(LegalHoldRow.batch_id == batch_id, in_force).exists()


def check_not_past(session: Session, objects_to: str) -> None:
    """Refused where the data of the batch to which an objection is accepted here were destroyed. Whoever is about to
    destroy them is waited for, and finds the objection open after that.
    """
    session.execute(select(BatchRow.id).filter_by(id=objects_to).with_for_update(read=True))
    gone = select(DestructionRow.id).filter_by(batch_id=objects_to, role=Role.DATA)
    if session.scalar(gone.where(DestructionRow.done_at.is_not(None))) is not None:
        raise Refused("objection_past", column="objects_to")


def _order_those_who_intend(session: Session) -> None:
    """Until the transaction ends nobody else intends files that no batch names."""
    session.execute(select(func.pg_advisory_xact_lock(_INTENDING)))


def _is_undone(which: ColumnElement[bool]) -> ColumnElement[bool]:
    return DestructionRow.done_at.is_(None) & which


def _undone(session: Session, which: ColumnElement[bool]) -> Sequence[DestructionRow]:
    """The destructions that are not done, attested by the ledger, so that a row that nobody intended destroys nothing.
    The session must see one moment: another run may do one of them, and record it, while these are compared with the
    lines.
    """
    query = select(DestructionRow).where(_is_undone(which)).order_by(DestructionRow.id)
    rows = session.scalars(query).all()
    if rows:
        attest_rows(session, rows, min(row.intended_at for row in rows))
    return rows


def _intended(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a destruction of the file is written down, and ``which`` holds of it. A question of its own: joined with
    what may not be there hardly a file seems left to PostgreSQL, and it held each beside each batch.
    """
    return select(DestructionRow.id).where(_same_file(), *which).exists()


def _same_file() -> ColumnElement[bool]:
    return (DestructionRow.batch_id == FileRow.batch_id) & (DestructionRow.role == FileRow.role)


def _protected(batch_id: Any) -> ColumnElement[bool]:
    """Whether a batch is held, or an objection is made to it that is open or held."""
    objection = aliased(BatchRow)
    needs_it = or_(objection.state.in_(OPEN), is_held(objection.id))
    asked = select(objection.id).where(objection.objects_to == batch_id, needs_it)
    return or_(is_held(batch_id), asked.exists())


def _unprotected() -> list[ColumnElement[bool]]:
    """That nothing protects a batch (:func:`_protected`), by conditions that are each found for all batches at once."""
    objection = aliased(BatchRow)
    asked = select(objection.id).where(objection.objects_to == BatchRow.id)
    return [
        ~is_held(BatchRow.id),
        ~asked.where(objection.state.in_(OPEN)).exists(),
        ~asked.where(is_held(objection.id)).exists(),
    ]


def _is_needed(session: Session, digest: str) -> bool:
    """Whether a batch needs the file: its destruction there is not intended, or is not allowed; or it is a certificate
    of conformance, which no batch names.
    """
    naming = select(FileRow.role).outerjoin(DestructionRow, _same_file()).where(FileRow.sha256 == digest)
    needed = naming.where(or_(DestructionRow.id.is_(None), _undone_and_protected()))
    certificate = select(ConformanceRow.number).where(ConformanceRow.sha256 == digest)
    return bool(session.scalar(select(or_(needed.exists(), certificate.exists()))))


def _undone_and_protected() -> ColumnElement[bool]:
    return DestructionRow.done_at.is_(None) & _protected(FileRow.batch_id)


def _in_force(session: Session, batch_id: str) -> LegalHoldRow | None:
    query = select(LegalHoldRow).filter_by(batch_id=batch_id).where(LegalHoldRow.released_at.is_(None))
    return session.scalars(query).one_or_none()
