"""The guard's sums beside the plain reckoning, over histories in which the clock is set and writers are slow."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from exchange.register import Register, evidence_sums
from exchange.register.evidence_sums import kept

from .test_guard_spans import PARTNERS, Sent, same_as_counted, write

BEGIN = datetime(2026, 10, 31, 23, 40, tzinfo=UTC)
"""Before the end of a month."""

STEPS = 80
PAUSES = [0, 0, 1, 20, 59, 60, 300, 599, 600, 601, 840, 900, 901, 1800, 3599, 3601, 9000, 86_400, 29 * 86_400]
"""Seconds in which nothing happens."""

CLOCK_SET = [-90_000, -7200, -3600, -1800, -1500, -900, -600, -300, -45, 45, 600, 3600, 86_400]
DAWDLES = [0, 0, 0, 1, 30, 299, 480]
"""Seconds from the moment of a row until others see it."""

_numbers = count(1)


@dataclass
class Office:
    """An office's machine: its clock, and what lies between it and the time that passes."""

    register: Register
    draw: random.Random
    passed: float = 0.0
    set_by: float = 0.0
    written: list[Sent] = field(default_factory=list)
    under_way: list[tuple[float, Sent]] = field(default_factory=list)

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.passed + self.set_by, microseconds=self.draw.choice([0, 1, 999_999]))

    def monotonic(self) -> float:
        return self.passed

    def let_pass(self, seconds: float) -> None:
        """What was under way is there by then, each at its time."""
        self.passed += seconds
        done = [each for until, each in self.under_way if until <= self.passed]
        self.under_way = [(until, each) for until, each in self.under_way if until > self.passed]
        self._commit(done)

    def put_in(self, dawdles: float | None = None, ago: timedelta = timedelta()) -> None:
        """A batch is judged; its row is seen a while later."""
        draw = self.draw
        sent = Sent(
            id=f"clock.{next(_numbers)}",
            partner=draw.choice(PARTNERS),
            at=self.now() - ago,
            rows=draw.randrange(1, 50),
            missed=draw.randrange(5),
            generation=1,
            failed=[],
            released=False,
            refused=False,
        )
        self.under_way.append((self.passed + (draw.choice(DAWDLES) if dawdles is None else dawdles), sent))
        self.let_pass(0)

    def put_in_late(self) -> None:
        """Just before a quarter's end, so that it is seen eight minutes after it."""
        self.let_pass(890 - self.now().timestamp() % 900)
        self.put_in(max(DAWDLES))
        for seconds in (self.draw.randrange(10, 470), 500, 300):
            self.let_pass(seconds)
            self.same()

    def put_clock_ahead_and_back(self) -> None:
        self.let_pass(max(DAWDLES))
        ahead = self.draw.choice([900, 3600])
        self.set_by += ahead
        self.same()
        self.set_by -= ahead
        self.put_in(0)
        self.let_pass(ahead)
        self.same()

    def put_clock_back_and_ahead(self) -> None:
        """Meanwhile only one partner is asked about."""
        self.same_of_all()
        self.set_by -= 3600
        self.same()
        self.put_in(0)
        self.let_pass(max(DAWDLES))
        self.set_by += 3600
        self.same_of_all()

    def same_of_all(self) -> None:
        for partner in PARTNERS:
            same_as_counted(self.register, self.written, partner, self.now())

    def set_clock(self) -> None:
        """Put ahead only while nothing is under way: nobody can tell what was begun before; and asked about somebody by
        the clock as it is then: else what is put back and ahead again is seen by nobody.
        """
        seconds = self.draw.choice(CLOCK_SET)
        if seconds > 0:
            self.let_pass(max(DAWDLES))
        self.set_by += seconds
        self.same()

    def same(self, ago: float = 0) -> None:
        """What one partner's evidence comes to, asked at a moment so many seconds ago."""
        at = self.now() - timedelta(seconds=ago)
        same_as_counted(self.register, self.written, self.draw.choice(PARTNERS), at)

    def _commit(self, batches: list[Sent]) -> None:
        self.draw.shuffle(batches)
        write(self.register, batches)
        self.written += batches


@contextmanager
def office(register: Register, seed: int) -> Iterator[Office]:
    place = Office(register, random.Random(seed))  # noqa: S311  (a test)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence_sums, "now", place.now)
        patch.setattr(evidence_sums, "monotonic", place.monotonic)
        yield place


@pytest.mark.parametrize("seed", range(8))
def test_sums_are_those_of_all_rows_whenever_they_are_asked(register: Register, seed: int) -> None:
    """By a process that goes on over days, by one that is quiet for long, and by one that just began."""
    with office(register, seed) as place:
        for days in (30, 210) * 20:  # where a span begins or ends
            place.put_in(0, timedelta(days=days, seconds=place.draw.randrange(-9000, 3600)))
        for ago in (0, 1800, 7200) * len(PARTNERS):
            place.same(ago)
        for _ in range(STEPS):
            match place.draw.randrange(13):
                case 0 | 1 | 2 | 3:
                    place.put_in()
                case 4 | 5:
                    place.let_pass(place.draw.choice(PAUSES))
                case 6:
                    place.set_clock()
                    if place.draw.random() < 0.5:
                        place.put_in()
                        place.let_pass(place.draw.choice([840, 900, 1500, 1800]))
                        place.same()
                case 7:
                    kept.cache_clear()
                case 8:
                    place.put_in_late()
                case 9:
                    place.put_clock_ahead_and_back()
                case 10:
                    place.put_clock_back_and_ahead()
                case _:
                    place.same(place.draw.choice([0, 0, 0, 5, 900, 1800]))
