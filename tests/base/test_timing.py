"""Stages: seconds add up, an inner stage's are not the outer's, and where nobody asks nothing is kept."""

from __future__ import annotations

import pytest

from exchange.base import timing
from exchange.base.timing import measured, stage


class Clock:
    """Stands still but where it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def spend(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    standing = Clock()
    monkeypatch.setattr(timing, "perf_counter", standing)
    return standing


def test_an_inner_stage_takes_its_time_from_the_outer_one(clock: Clock) -> None:
    with measured() as found:
        clock.spend(32)
        with stage("outer"):
            clock.spend(1)
            with stage("inner"):
                clock.spend(2)
            clock.spend(4)
        with stage("inner"):
            clock.spend(8)
    assert found.seconds == {"outer": 5, "inner": 10}


def test_what_is_measured_inside_is_measured_outside_too_and_once(clock: Clock) -> None:
    with measured() as outside, stage("outer"):
        clock.spend(1)
        with measured() as inside, stage("inner"):
            clock.spend(2)
        clock.spend(4)
    assert inside.seconds == {"inner": 2}
    assert outside.seconds == {"outer": 5, "inner": 2}


def fail(clock: Clock) -> None:
    with stage("fails"):
        clock.spend(1)
        raise ValueError("x")


def test_a_stage_that_fails_is_measured_and_left(clock: Clock) -> None:
    with measured() as found:
        with pytest.raises(ValueError, match="x"):
            fail(clock)
        clock.spend(2)
        with stage("after"):
            clock.spend(4)
    assert found.seconds == {"fails": 1, "after": 4}


def test_nothing_is_kept_where_nobody_asks(clock: Clock) -> None:
    with measured() as found:
        pass
    with stage("unasked"):
        clock.spend(1)
    assert found.seconds == {}
