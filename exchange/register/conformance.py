"""Who may be live: certificates of conformance that partners were given, and leaders' exemptions.

Rules: lines are only added, each is told to the ledger; the newest of a partner counts, and either kind will do. What a
certificate rests on stands in the certificate, which the archive keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, Engine, bindparam, case, func, select
from sqlalchemy.orm import Mapped, mapped_column

from exchange.register.attest import attest_added, one_moment
from exchange.register.database import reading, transaction
from exchange.register.ledger import append_note, touched
from exchange.register.models import LIVE, Base, BatchRow


class ConformanceKind(StrEnum):
    """By what a partner is live."""

    CERTIFICATE = "certificate"
    EXEMPTION = "exemption"


class ConformanceRow(Base):
    """``reason``: of an exemption; ``sha256``: of a certificate."""

    __tablename__ = "conformance"

    partner: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]
    reason: Mapped[str | None]
    sha256: Mapped[str | None]


_CONFORMING: Final = 0x434F4E46  # "CONF": orders those who give one partner its numbers
_NEWEST: Final = (
    select(ConformanceRow)
    .where(ConformanceRow.partner == bindparam("partner"))
    .order_by(ConformanceRow.number.desc())
    .limit(1)
)
_HAS_ONE: Final = select(ConformanceRow.number).where(ConformanceRow.partner == bindparam("partner")).exists()
_HAS_TEST: Final = select(BatchRow.id).where(~LIVE, BatchRow.partner == bindparam("partner")).exists()
_EITHER: Final = select(_HAS_ONE, case((_HAS_ONE, False), else_=_HAS_TEST))


@dataclass(frozen=True)
class Conformed:
    """A certificate (``sha256``: of its file) or an exemption (``reason``) of a partner. ``number``: from 1, for each
    partner; ``by``: who issued it.
    """

    partner: str
    number: int
    kind: ConformanceKind
    at: datetime
    by: str
    reason: str | None
    sha256: str | None


class Conformance:
    """``actor`` is who certifies or exempts."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def certify(self, partner: str, sha256: str, at: datetime) -> int:
        """A certificate is made: its hash; its number."""
        return self._add(partner, ConformanceKind.CERTIFICATE, at, None, sha256)

    def exempt(self, partner: str, reason: str, at: datetime) -> int:
        """A leader lets the partner be live without one; its number. Who may is the caller's to check."""
        return self._add(partner, ConformanceKind.EXEMPTION, at, reason, None)

    def newest(self, partner: str) -> Conformed | None:
        """The newest one; Halt where the ledger does not say so."""
        with reading(self.engine) as session:
            if session.scalars(_NEWEST, {"partner": partner}).first() is None:
                return None
        with one_moment(self.engine) as session:
            row = session.scalars(_NEWEST, {"partner": partner}).first()
            if row is not None:
                attest_added(session, row, row.at)
            return None if row is None else _conformed(row)

    def newest_or_tested(self, partner: str) -> tuple[Conformed | None, bool]:
        """The newest one as :meth:`newest` says it; where there is none, whether a set of the partner's was ever a
        test.
        """
        with reading(self.engine) as session:
            has_one, was_tested = session.execute(_EITHER, {"partner": partner}).one()
        return (self.newest(partner) if has_one else None), was_tested

    def _add(self, partner: str, kind: ConformanceKind, at: datetime, reason: str | None, sha256: str | None) -> int:
        with transaction(self.engine) as session:
            session.execute(select(func.pg_advisory_xact_lock(_CONFORMING, func.hashtext(partner))))
            last = session.scalar(select(func.max(ConformanceRow.number)).filter_by(partner=partner)) or 0
            row = ConformanceRow(partner=partner, number=last + 1, kind=kind, at=at, by=self.actor)
            row.reason, row.sha256 = reason, sha256
            session.add(row)
            session.flush()
            append_note(session, at, self.actor, {f"conformance.{partner}.{row.number}": f"{kind} {reason or sha256}"})
            touched(session, row)
            return row.number


def _conformed(row: ConformanceRow) -> Conformed:
    fields = {name: getattr(row, name) for name in Conformed.__dataclass_fields__}
    return Conformed(**fields | {"kind": ConformanceKind(row.kind)})
