"""Who was told about whom: an index of keyed hashes over the identity numbers asked, by batch and row.

Rules
- A batch's numbers are one row: hashes ascending (uint64), and beside each the number of its row in the batch
  (uint32), both packed. No number is in it, and no key (``base/keyed.py``).
- It is written in the same transaction as the batch's first result, and never removed: it lives as long as the
  register's lines (three years at least, 网络数据安全管理条例 art. 12).
- Beside the hashes stands the fingerprint of the keys that made them: a key file that was lost and made anew, or is
  another office's, is a Halt and adds nothing.
- What the ledger is told of it, it is told when it is written (``digests.py``).
- Bringing it to a new generation of the key goes batch by batch, each in a transaction; it may be killed and run again.
  Batches under way meanwhile are brought on by the next run.

Source of the right: 个人信息保护法 art. 44, 45.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Engine, ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.base.errors import Halt
from exchange.base.keyed import Hashes, KeyRing, Kind
from exchange.register.asked_lately import add_asked, take_out
from exchange.register.database import reading, transaction
from exchange.register.ledger import append_note, touched
from exchange.register.lines import now
from exchange.register.models import Base

RowNumbers = npt.NDArray[np.uint32]

_HASH: Final = np.dtype("<u8")
_ROW: Final = np.dtype("<u4")


class ToldRow(Base):
    """The numbers that a batch asked about: keyed hashes ascending, and their rows in the same order."""

    __tablename__ = "told"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    generation: Mapped[int] = mapped_column(index=True)
    key: Mapped[str]
    hashes: Mapped[bytes]
    rows: Mapped[bytes]


_NEWEST: Final = select(ToldRow.generation, ToldRow.key).order_by(ToldRow.generation.desc()).limit(1)


@dataclass(frozen=True)
class Told:
    """The index of one batch: hashes of a generation ascending (uint64[n]), and their rows from 1 (uint32[n]). A row
    that asks about two people stands twice. ``key``: the fingerprint of the keys up to that generation.
    """

    generation: int
    key: str
    hashes: Hashes
    rows: RowNumbers

    @classmethod
    def of(cls, ring: KeyRing, hashes: Sequence[Hashes], rows: Sequence[RowNumbers]) -> Told:
        """One index out of parts in any order, with hashes of the newest key."""
        all_hashes = np.concatenate([np.empty(0, _HASH), *hashes])
        all_rows = np.concatenate([np.empty(0, _ROW), *rows])
        order = np.lexsort((all_rows, all_hashes))
        return cls(ring.generation, ring.fingerprint(), all_hashes[order], all_rows[order])


@dataclass(frozen=True)
class Found:
    """Who asked about a person. ``rows``: batch → its rows that do, ascending; ``unread``: the batches of which nobody
    knows, as their index cannot be read.
    """

    rows: Mapping[str, list[int]]
    unread: Sequence[str] = ()


def add_told(session: Session, batch_id: str, told: Told) -> None:
    """Writes the index of a batch that has none yet, in a transaction that writes a line."""
    row = ToldRow(batch_id=batch_id)
    _fill(row, told)
    session.add(row)
    touched(session, row)


def _fill(row: ToldRow, told: Told) -> None:
    row.generation, row.key = told.generation, told.key
    row.hashes, row.rows = told.hashes.astype(_HASH).tobytes(), told.rows.astype(_ROW).tobytes()


def unpacked(hashes: bytes) -> Hashes:
    """uint64[n], in the order in which they were packed; of what a column of hashes holds, eight bytes each."""
    return np.frombuffer(hashes, _HASH)


class ToldIndex:
    """The index over all batches. ``actor``: in whose name it is renewed."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def generations(self) -> dict[int, int]:
        """Generation of the key → batches whose index is of it."""
        query = (
            select(ToldRow.generation, func.count().label("n"))
            .group_by(ToldRow.generation)
            .order_by(ToldRow.generation)
        )
        with transaction(self.engine) as session:
            return {row.generation: row.n for row in session.execute(query)}

    def check(self, ring: KeyRing) -> None:
        """Halt where the newest that the index holds was not made with these keys: what they add could never be
        brought together with it, and what they ask would be found nowhere.
        """
        with reading(self.engine) as session:
            held = session.execute(_NEWEST).first()
        if held is not None and (held.generation > ring.generation or ring.fingerprint(held.generation) != held.key):
            msg = f"the index of who was told was made with other hash keys ({held.key}); bring back their backup"
            raise Halt(msg, zh=f"告知索引是用另一组散列密钥（{held.key}）制作的，请恢复该密钥的备份")

    def find(self, hashes: Callable[[int], Hashes]) -> Found:
        """Who asked about a person. ``hashes``: those of the person's numbers in a generation. Reads the whole index, a
        batch at a time; one that was altered so that it cannot be read does not stop it.
        """
        found: dict[str, list[int]] = {}
        unread = []
        with transaction(self.engine) as session:
            query = select(ToldRow.batch_id, ToldRow.generation, ToldRow.hashes).order_by(ToldRow.batch_id)
            for batch, generation, packed in session.execute(query.execution_options(yield_per=1)):
                try:
                    positions = _positions(unpacked(packed), hashes(generation))
                    if len(positions):
                        found[batch] = _rows_at(session, batch, positions)
                except (ValueError, IndexError):
                    unread.append(batch)
        return Found(found, unread)

    def behind(self, generation: int) -> list[str]:
        """The batches whose index is of an older generation."""
        query = select(ToldRow.batch_id).where(ToldRow.generation < generation).order_by(ToldRow.batch_id)
        with transaction(self.engine) as session:
            return list(session.scalars(query))

    def renew(self, batch_id: str, ring: KeyRing) -> None:
        """Brings a batch's index to the newest generation; nothing to do where it is of it already."""
        with transaction(self.engine) as session:
            row = session.get_one(ToldRow, batch_id, with_for_update=True)
            if row.generation < ring.generation:
                hashes = ring.renewed(unpacked(row.hashes), Kind.NUMBER, row.generation)
                was_lately = take_out(session, batch_id)
                _fill(row, Told.of(ring, [hashes], [np.frombuffer(row.rows, _ROW)]))
                append_note(session, now(), self.actor, {"told_renewed": batch_id, "generation": ring.generation})
                touched(session, row)
                if was_lately:
                    add_asked(session, batch_id)


def _rows_at(session: Session, batch: str, positions: npt.NDArray[np.int64]) -> list[int]:
    rows = session.scalar(select(ToldRow.rows).filter_by(batch_id=batch)) or b""
    return sorted({int(row) for row in np.frombuffer(rows, _ROW)[positions]})


def _positions(hashes: Hashes, wanted: Hashes) -> npt.NDArray[np.int64]:
    """Where the wanted ones stand among the ascending."""
    left, right = np.searchsorted(hashes, wanted), np.searchsorted(hashes, wanted, side="right")
    return np.concatenate([np.empty(0, np.int64), *[np.arange(*ends) for ends in zip(left, right, strict=True)]])
