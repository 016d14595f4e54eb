"""A partner's test batches as its certificate of conformance reads them: one line each, the oldest first.

Rule: the certificate leaves the house, so that all of them are read as signed lines of the ledger tell them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from exchange.register.attest import attest_several, one_moment
from exchange.register.batches import Batch, Role
from exchange.register.lines import as_batch
from exchange.register.models import LIVE, BatchRow, FileRow, PickupRow


@dataclass(frozen=True)
class TestBatch:
    """``taken``: the numbers of its results that the partner has; ``data``: its data file's name; ``signing``: the hash
    of the certificates under which it was accepted. Both are None where there is none.
    """

    __test__ = False  # no class of tests, whatever pytest takes its name for

    batch: Batch
    taken: tuple[int, ...]
    data: str | None
    signing: str | None


def test_batches(engine: Engine, partner: str) -> list[TestBatch]:
    """The test batches that the partner sent; without second looks that were opened here."""
    taken = select(func.array_agg(PickupRow.number)).where(PickupRow.batch_id == BatchRow.id).scalar_subquery()

    def file(role: Role, column: str) -> object:
        column_of_file = select(getattr(FileRow, column)).where(FileRow.batch_id == BatchRow.id, FileRow.role == role)
        return column_of_file.scalar_subquery()

    sent = select(FileRow.role).where(FileRow.batch_id == BatchRow.id, FileRow.role == Role.SIGNATURE).exists()
    columns = (taken, file(Role.DATA, "name"), file(Role.AGREED_SIGNING, "sha256"))
    query = select(BatchRow, *columns).where(~LIVE, BatchRow.partner == partner, sent)  # type: ignore[call-overload]
    with one_moment(engine) as session:
        rows = session.execute(query.order_by(BatchRow.received_at, BatchRow.id)).all()
        attest_several(session, [row.id for row, *_ in rows])
        return [
            TestBatch(as_batch(row), tuple(sorted(numbers or ())), data, signing)
            for row, numbers, data, signing in rows
        ]
