"""Which results lie in partners' folders and were not taken yet: an index over what the register's other tables hold,
by which they are found without going through all that ever were.

Rules
- A row is a result that was delivered and of which nobody has noticed that it was taken. It is written in the
  transaction that delivers a result, delivers it again or notices that it was taken, and is no longer there then.
- It says nothing of its own: what it leads to is what those tables say. Verification makes all of it anew and compares:
  a row that was taken out or put in is found by the next night, as in any other table.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Select, bindparam, case, delete, except_all, func, or_, select, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from exchange.base.errors import Halt
from exchange.register.batches import Role
from exchange.register.models import Base, BatchRow, FileRow, PickupRow, ReleaseRow
from exchange.register.states import ReleaseState, State


class UncollectedRow(Base):
    """A result: 1 is the batch's first, 2… are supplementary ones."""

    __tablename__ = "uncollected"

    batch_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


_SUFFIX: Final = func.substring(FileRow.role, r"-(\d+)$")
NUMBER: Final = case((_SUFFIX.is_(None), "1"), else_=_SUFFIX).cast(PickupRow.number.type)
"""The number of the result that a data file belongs to."""


def by_partner() -> ColumnElement[bool]:
    """The condition that the partner sent the batch: of a second look opened here only what changed has left."""
    signature = aliased(FileRow)
    signed = select(signature.role).where(signature.batch_id == BatchRow.id, signature.role == Role.SIGNATURE).exists()
    return BatchRow.objects_to.is_(None) | signed


def expected() -> Select[tuple[str, int]]:
    """Batch and number of each: what was delivered and not taken, with its data file."""
    delivered = or_(
        (NUMBER == 1) & BatchRow.state.in_((State.DELIVERED, State.CLOSED)) & by_partner(),
        (ReleaseRow.state == ReleaseState.DELIVERED) & (by_partner() | (ReleaseRow.upheld > 0)),
    )
    return (
        select(FileRow.batch_id, NUMBER.label("number"))
        .join(BatchRow, BatchRow.id == FileRow.batch_id)
        .outerjoin(ReleaseRow, (ReleaseRow.batch_id == BatchRow.id) & (ReleaseRow.number == NUMBER - 1))
        .outerjoin(PickupRow, (PickupRow.batch_id == BatchRow.id) & (PickupRow.number == NUMBER))
        .where(FileRow.role.startswith(Role.RESULT_DATA), delivered, PickupRow.number.is_(None))
    )


_COLUMNS: Final = ["batch_id", "number"]
_TABLE: Final = Base.metadata.tables[UncollectedRow.__tablename__]
_ADD: Final = (
    insert(_TABLE)
    .from_select(_COLUMNS, expected().where(FileRow.batch_id == bindparam("batch")))
    .on_conflict_do_nothing()
)
_HELD: Final = select(UncollectedRow.batch_id, UncollectedRow.number)
_OTHER: Final = union_all(
    select(except_all(expected(), _HELD).subquery()), select(except_all(_HELD, expected()).subquery())
).limit(1)


def add_uncollected(session: Session, batch_id: str) -> None:
    """Puts the batch's results that were delivered and not taken, as this transaction leaves it, into the index."""
    session.flush()
    session.execute(_ADD, {"batch": batch_id})


def take_out(session: Session, batch_id: str, number: int) -> None:
    """Takes a result out of the index, since the partner has it."""
    session.execute(delete(UncollectedRow).filter_by(batch_id=batch_id, number=number))


def verify(session: Session) -> None:
    """Halt with a batch whose results that were not taken are others than its tables say."""
    batch_id = session.scalar(_OTHER)
    if batch_id is not None:
        msg = f"{batch_id} is not what the ledger says: the index of results that were not taken is another"
        raise Halt(msg, zh=f"{batch_id} 与流水不符：未取走结果的索引被改动")
