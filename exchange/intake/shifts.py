"""Shifts of the lookout: who is on duty, and until when.

Rules
- A run of the lookout begins each five minutes, so that one that was lost is missed for so long at most. It watches
  only where nobody is on duty whose shift goes on beyond the next run.
- A shift ends soon after a full half hour, when the next one has begun: memory and connections are renewed with it. It
  does so no sooner, because a change costs seconds of processor time, in which sets wait: new workers connect to every
  partner (decision 17). One that began late ends with the others.
- Where several lookouts share the partners a shift is five minutes: their tasks are of one run, which a task that
  nobody takes would keep open, and no later run would begin.
- Who changes settings, keys, office days or the list of agreements has them used within some five minutes, as by every
  other run: the shift ends with the five minutes.
- So it does where somebody set the clock: it would end at another time than it says, and Airflow may end it before.
- Each sign of life says which shift it is of. That is a hint: one that does not move is of somebody who is gone, and
  one of a longer shift than there is, as where the clock was put back just now, of nobody. Two on duty at once are
  harmless, since the register decides who has a set, but cost twice: the one that began later ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from typing import Final, Self

from exchange.app import App
from exchange.base.duty import Duties, Sign
from exchange.base.errors import Halt
from exchange.intake.shares import SILENT_SECONDS, Share
from exchange.settings import named_place

RUN_SECONDS: Final = 300
"""Between two runs, which begin at its multiples by the clock (``schedule`` of ``dags/lookout.py``)."""

SHIFT_SECONDS: Final = 1800
_TAKING_OVER_SECONDS: Final = 20
"""The next one has these to begin."""

_MAX_TOGETHER_SECONDS: Final = 40
_LEAST_NOTICE_SECONDS: Final = 15
"""So long before the next run it must be told that the shift ends with it; one that begins sooner is this one."""

_SET_SECONDS: Final = 5.0
"""A clock that went otherwise than time by more was set."""

_LOOK_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Shift:
    """From ``begin`` to ``end``, in seconds since the epoch; ``id`` is of nobody else."""

    begin: float
    end: float
    id: str = field(default_factory=lambda: token_hex(8))

    @classmethod
    def lasting(cls, seconds: float) -> Self:
        """From now on."""
        return cls(now := time.time(), now + seconds)

    @classmethod
    def of_sign(cls, sign: Sign | None) -> Self | None:
        """The shift that a sign of life is of; None where it says none."""
        if sign is None:
            return None
        with suppress(ValueError):
            begin, end, by = sign.summary.split()
            return cls(float(begin), float(end), by)
        return None

    @property
    def summary(self) -> str:
        """What the sign of life says: begin, end and id, a blank between them."""
        return f"{self.begin} {self.end} {self.id}"

    @property
    def left(self) -> float:
        """Seconds; none or less where it is over."""
        return self.end - time.time()

    @property
    def goes_on(self) -> bool:
        """Whether it reaches beyond the next run, and no further than any shift."""
        return _next_run() < self.end and self.left <= SHIFT_SECONDS + _TAKING_OVER_SECONDS

    def by_clock(self, seconds: float) -> Self:
        """The same, which has so many seconds left; where somebody set the clock it ends soon."""
        end = time.time() + seconds
        return self if abs(end - self.end) < _SET_SECONDS else replace(self, end=end).ended_soon()

    def ended_soon(self) -> Self:
        """The same until soon after the next run that can know of it."""
        return replace(self, end=min(self.end, _next_run() + _TAKING_OVER_SECONDS))

    def gives_way_to(self, other: Shift | None) -> bool:
        """Whether the other one goes on, and began before this one."""
        return other is not None and other.goes_on and (other.begin, other.id) < (self.begin, self.id)


def _next_run() -> float:
    """When the next run is to begin, of those that do not begin just now; in seconds since the epoch."""
    soon = time.time() + _LEAST_NOTICE_SECONDS
    return soon - soon % RUN_SECONDS + RUN_SECONDS


def shift_seconds(share: Share, now: float) -> float:
    """How long a shift is that begins at this moment (seconds since the epoch)."""
    length = SHIFT_SECONDS if share.of == 1 else RUN_SECONDS
    return min(length + _TAKING_OVER_SECONDS, length - now % length + _MAX_TOGETHER_SECONDS)


def is_on_duty(app: App, share: Share) -> bool:
    """Whether somebody watches this share whose shift goes on; takes some seconds where somebody may."""
    duties = Duties.of_home(app.settings.home)
    first = duties.last(share.sign)
    until = time.monotonic() + SILENT_SECONDS
    while (shift := Shift.of_sign(sign := duties.last(share.sign))) is not None and shift.goes_on:
        if sign != first:
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_SECONDS)
    return False


Arrangements = list[tuple[str, int, int]]


def arrangements(app: App) -> Arrangements:
    """Of what a lookout reads once, name, time and size of each file; of the agreements, which it looks at anew each
    time, the names; none where their folder may not be looked into, which the next lookout says.
    """
    agreements = list[Path]()
    with suppress(Halt):
        agreements = app.agreement_files()
    return [*((path.name, 0, 0) for path in agreements), *map(_as_it_is, _read_once(app))]


def _read_once(app: App) -> Iterator[Path]:
    settings = app.settings
    yield named_place()
    yield from settings.keys.model_dump().values()
    yield from filter(None, (settings.office_days, settings.register_.password_file))


def _as_it_is(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return path.name, 0, 0
    return path.name, found.st_mtime_ns, found.st_size
