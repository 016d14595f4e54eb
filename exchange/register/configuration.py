"""What decides the answers beside the register: settings, agreements, certificates, tables of rules, by hash.

Rules
- The ledger records the SHA-256 of each when it is first seen, when it changes, and when it is gone, in that order: at
  any line it can be shown what the answers were decided by.
- The line names the account that saw it, at most an hour after it was written (``watch/configuration.py``); who wrote a
  file the file system alone knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from exchange.register.database import transaction
from exchange.register.ledger import append_note, touched
from exchange.register.models import Base

GONE: Final = "gone"
_LOOKING: Final = 0x434F4E47  # "CONG": orders those who look at the files
Look = Callable[[Mapping[str, str]], Mapping[str, str]]


class ConfigurationRow(Base):
    """What the ledger has last recorded of one file, or of the settings in force."""

    __tablename__ = "configuration"

    name: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    told_at: Mapped[datetime]


_KNOWN: Final = select(ConfigurationRow.name, ConfigurationRow.sha256)


@dataclass(frozen=True)
class Configured:
    """``sha256``: hex, or ``gone``; ``told_at``: since when."""

    name: str
    sha256: str
    told_at: datetime


class Configuration:
    """What settings, agreements and tables are in force, by hash. ``actor``: in whose name a change is recorded."""

    def __init__(self, engine: Engine, actor: str) -> None:
        self.engine = engine
        self.actor = actor

    def known(self) -> list[Configured]:
        """What the ledger has recorded last, by name."""
        with transaction(self.engine) as session:
            rows = session.scalars(select(ConfigurationRow).order_by(ConfigurationRow.name))
            return [Configured(row.name, row.sha256, row.told_at) for row in rows]

    def record(self, look: Look, now: Callable[[], datetime]) -> list[str]:
        """Records what is new, changed or gone; its names, sorted. ``look``: takes what was recorded last, name →
        SHA-256 (hex), and says the same of everything there is now. One process looks and records at a time: what
        another one saw before is never recorded after.
        """
        with transaction(self.engine) as session:
            session.execute(select(func.pg_advisory_xact_lock(_LOOKING)))
            known = {row.name: row.sha256 for row in session.execute(_KNOWN)}
            there = dict.fromkeys(known, GONE) | dict(look(known))
            at = now()
            other = {name: sha256 for name, sha256 in sorted(there.items()) if known.get(name) != sha256}
            if other:
                rows = [{"name": name, "sha256": sha256, "told_at": at} for name, sha256 in other.items()]
                put = insert(ConfigurationRow).values(rows)
                new = {"sha256": put.excluded.sha256, "told_at": put.excluded.told_at}
                session.execute(put.on_conflict_do_update(index_elements=["name"], set_=new))
                touched(session, *(ConfigurationRow(name=name) for name in other))
                append_note(session, at, self.actor, {f"configuration.{name}": other[name] for name in other})
        return list(other)
