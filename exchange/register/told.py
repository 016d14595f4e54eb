"""Who was told about whom: an index of keyed hashes over the identity numbers asked, by batch and row.

Rules
- A batch's numbers are one row: hashes ascending (uint64), and beside each the number of its row in the batch
  (uint32), both packed. No number is in it, and no key (``base/keyed.py``).
- It is written in the same transaction as the batch's first result, and never removed: it lives as long as the
  register's lines (three years at least, 网络数据安全管理条例 art. 12).
- Bringing it to a new generation of the key goes batch by batch, each in a transaction; it may be killed and run again.

Source of the right: 个人信息保护法 art. 44, 45.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Engine, ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.base.keyed import Hashes
from exchange.register.database import transaction
from exchange.register.models import Base

RowNumbers = npt.NDArray[np.uint32]

_HASH: Final = np.dtype("<u8")
_ROW: Final = np.dtype("<u4")


class ToldRow(Base):
    """The numbers that a batch asked about: keyed hashes ascending, and their rows in the same order."""

    __tablename__ = "told"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    generation: Mapped[int] = mapped_column(index=True)
    hashes: Mapped[bytes]
    rows: Mapped[bytes]


@dataclass(frozen=True)
class Told:
    """The index of one batch: hashes of a generation ascending (uint64[n]), and their rows from 1 (uint32[n]). A row
    that asks about two people stands twice.
    """

    generation: int
    hashes: Hashes
    rows: RowNumbers

    @classmethod
    def of(cls, generation: int, hashes: Sequence[Hashes], rows: Sequence[RowNumbers]) -> Told:
        """Of parts in any order."""
        all_hashes = np.concatenate([np.empty(0, _HASH), *hashes])
        all_rows = np.concatenate([np.empty(0, _ROW), *rows])
        order = np.lexsort((all_rows, all_hashes))
        return cls(generation, all_hashes[order], all_rows[order])


def add_told(session: Session, batch_id: str, told: Told) -> None:
    """Writes the index of a batch that has none yet."""
    packed = (told.hashes.astype(_HASH).tobytes(), told.rows.astype(_ROW).tobytes())
    session.add(ToldRow(batch_id=batch_id, generation=told.generation, hashes=packed[0], rows=packed[1]))


def unpacked(hashes: bytes) -> Hashes:
    return np.frombuffer(hashes, _HASH)


class ToldIndex:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def generations(self) -> dict[int, int]:
        """Generation of the key → batches whose index is of it."""
        query = (
            select(ToldRow.generation, func.count().label("n"))
            .group_by(ToldRow.generation)
            .order_by(ToldRow.generation)
        )
        with transaction(self.engine) as session:
            return {row.generation: row.n for row in session.execute(query)}

    def find(self, hashes: Callable[[int], Hashes]) -> dict[str, list[int]]:
        """Batch → rows, ascending, that ask about a person. ``hashes``: those of the person's numbers in a generation.
        Reads the whole index, a batch at a time.
        """
        return {batch: rows for batch, rows in self._found(hashes) if rows}

    def _found(self, hashes: Callable[[int], Hashes]) -> Iterator[tuple[str, list[int]]]:
        with transaction(self.engine) as session:
            query = select(ToldRow.batch_id, ToldRow.generation, ToldRow.hashes).order_by(ToldRow.batch_id)
            for batch, generation, packed in session.execute(query.execution_options(yield_per=1)):
                places = _places(unpacked(packed), hashes(generation))
                if len(places):
                    rows = session.scalar(select(ToldRow.rows).filter_by(batch_id=batch)) or b""
                    yield batch, sorted({int(row) for row in np.frombuffer(rows, _ROW)[places]})

    def behind(self, generation: int) -> list[str]:
        """The batches whose index is of an older generation."""
        query = select(ToldRow.batch_id).where(ToldRow.generation < generation).order_by(ToldRow.batch_id)
        with transaction(self.engine) as session:
            return list(session.scalars(query))

    def renew(self, batch_id: str, generation: int, renewed: Callable[[Hashes, int], Hashes]) -> None:
        """Brings a batch's index to a generation; nothing to do where it is of it already. ``renewed``: hashes of an
        older generation → the same in the new one.
        """
        with transaction(self.engine) as session:
            row = session.get_one(ToldRow, batch_id, with_for_update=True)
            if row.generation < generation:
                hashes = renewed(unpacked(row.hashes), row.generation)
                told = Told.of(generation, [hashes], [np.frombuffer(row.rows, _ROW)])
                row.generation, row.hashes, row.rows = generation, told.hashes.tobytes(), told.rows.tobytes()


def _places(hashes: Hashes, wanted: Hashes) -> npt.NDArray[np.int64]:
    """Where the wanted ones stand among the ascending."""
    left, right = np.searchsorted(hashes, wanted), np.searchsorted(hashes, wanted, side="right")
    return np.concatenate([np.empty(0, np.int64), *[np.arange(*ends) for ends in zip(left, right, strict=True)]])
