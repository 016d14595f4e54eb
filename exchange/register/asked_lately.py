"""Whom small sets asked about lately, found by number: an index over what ``told`` and ``guard_evidence`` hold.

Rules
- A row is a keyed hash of ``told``, its batch, and when that was answered; of the batches of the guard's span that have
  no more rows than a small set. So the guard's question costs what the new set asks, not what a month's sets did.
- It says nothing of its own, and is written by one statement, from rows that the ledger states, in the transaction
  that writes or renews them. Verification makes all of it anew and compares: a number that was taken out, altered or
  put in is found by the next night, as in any other table.
- It goes a day after its span, by the retention run: clocks of two machines differ, and who verifies must not miss what
  another took away already.
- Whoever changes ``small_set`` or ``span_days`` fills it anew by a migration.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import BigInteger, Integer, LargeBinary, String, bindparam, delete, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Session, mapped_column

from exchange.base.errors import Halt
from exchange.base.keyed import Hashes
from exchange.guard.thresholds import THRESHOLDS
from exchange.register.lines import now
from exchange.register.models import Base

_BYTES: Final = np.dtype(">i8")
"""A hash as PostgreSQL's ``int8send`` writes it: the eight bytes of it in ``told``."""

_SPAN: Final = timedelta(days=THRESHOLDS.span_days)
_KEPT: Final = _SPAN + timedelta(days=1)


class AskedLatelyRow(Base):
    """A number (its keyed hash) that a small set asked about, and when that set was answered."""

    __tablename__ = "asked_lately"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    batch_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


_EXPECTED: Final = """
SELECT DISTINCT ('x' || encode(substring(hashes FROM 8 * place + 1 FOR 8), 'hex'))::bit(64)::bigint AS number,
    batch_id, at
FROM told JOIN guard_evidence USING (batch_id), generate_series(0, length(hashes) / 8 - 1) AS place
WHERE guard_evidence.rows <= :small"""
_SMALL: Final = bindparam("small", THRESHOLDS.small_set, Integer)
_OF_BATCH: Final = f"{_EXPECTED} AND batch_id = :batch"
_FILL: Final = text(f"INSERT INTO asked_lately (number, batch_id, at) {_OF_BATCH}").bindparams(_SMALL)
_SAME: Final = "asked_lately.number = of_batch.number AND asked_lately.batch_id = of_batch.batch_id"
_TAKE_OUT: Final = text(
    f"DELETE FROM asked_lately USING ({_OF_BATCH}) AS of_batch WHERE {_SAME} RETURNING 1"  # noqa: S608
).bindparams(_SMALL)
_OTHER: Final = text(f"""
WITH expected AS ({_EXPECTED} AND at > :begin),
    held AS (SELECT number, batch_id, at FROM asked_lately WHERE at > :begin)
SELECT batch_id
FROM ((TABLE expected EXCEPT TABLE held) UNION ALL (TABLE held EXCEPT TABLE expected)) AS other
LIMIT 1""").bindparams(_SMALL)  # noqa: S608
_ASKED_TOO: Final = (
    text("""
SELECT partner, CAST(:generation AS integer) AS generation, string_agg(DISTINCT int8send(number), '') AS hashes
FROM asked_lately JOIN batch ON batch.id = batch_id
WHERE number = ANY(:numbers) AND at > :begin AND partner <> :partner
GROUP BY partner
UNION ALL
SELECT partner, told.generation, string_agg(hashes, '')
FROM told JOIN guard_evidence USING (batch_id) JOIN batch ON batch.id = batch_id
WHERE told.generation < :generation AND at > :begin AND partner <> :partner AND guard_evidence.rows <= :small
GROUP BY partner, told.generation""")
    .bindparams(_SMALL, bindparam("numbers", type_=ARRAY(BigInteger)))
    .columns(partner=String, generation=Integer, hashes=LargeBinary)
)


def add_asked(session: Session, batch_id: str) -> None:
    """The numbers of a batch whose ``told`` and evidence this transaction wrote; none of a large set."""
    session.flush()
    session.execute(_FILL, {"batch": batch_id})


def take_out(session: Session, batch_id: str) -> bool:
    """Takes a batch's numbers out, while ``told`` still holds them; False where none were in."""
    return session.execute(_TAKE_OUT, {"batch": batch_id}).first() is not None


def asked_too(
    session: Session, partner: str, at: datetime, asked: Hashes, generation: int
) -> Sequence[tuple[str, int, bytes]]:
    """Partner, generation, packed hashes of others' small sets in the span before ``at``: of this generation those that
    are among ``asked``; of earlier ones, which no hash of this one can be held against, all.
    """
    numbers = np.unique(asked).astype("<u8").view(_BYTES).tolist()
    which = {"numbers": numbers, "generation": generation, "partner": partner, "begin": at - _SPAN}
    return [tuple(row) for row in session.execute(_ASKED_TOO, which)]


def forget(session: Session) -> None:
    """What is older than the span, and a day."""
    session.execute(delete(AskedLatelyRow).where(AskedLatelyRow.at < now() - _KEPT))


def verify(session: Session) -> None:
    """Halt with a batch of the span whose numbers are not those that ``told`` holds."""
    batch_id = session.scalar(_OTHER, {"begin": now() - _SPAN})
    if batch_id is not None:
        msg = f"{batch_id} is not what the ledger says: the index of whom small sets asked about is another"
        raise Halt(msg, zh=f"{batch_id} 与流水不符：近期小批次查询的索引被改动")
