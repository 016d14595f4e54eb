"""A clock that is paused as the rules have it: one proposes, another approves."""

from __future__ import annotations

from datetime import datetime

from exchange.register import Register
from exchange.register.clock import Clock

LEADER = "the-leader"


def stop(register: Register, batch: str, at: datetime, reason: str, note: str | None = None) -> bool:
    """Proposed in the register's name and approved at once; False where it stood, or was proposed, already."""
    asked = register.clock.propose(batch, at, reason, note)
    if asked:
        Clock(register.engine, LEADER).approve(batch, at)
    return asked
