"""Shifts: one lookout is on duty at a time, one that is lost is replaced, and what changes is read soon."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from math import inf
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.app import App
from exchange.base.duty import Duties, Sign
from exchange.intake import shifts
from exchange.intake.lookout import monitor
from exchange.intake.shares import WHOLE, Share
from exchange.intake.shifts import RUN_SECONDS, SHIFT_SECONDS, Shift, arrangements, is_on_duty, shift_seconds
from exchange.settings import ENVIRONMENT_VARIABLE
from exchange.settings_sections import Keys

DAY = 1_795_996_800.0
"""The beginning of a day, in seconds since the epoch."""

MOMENTS = st.integers(0, 86_400 - 1).map(lambda seconds: DAY + seconds)
LONG = 3 * RUN_SECONDS
WAIT_SECONDS = 60.0
MOST_LOOKS = 30
"""Of a lookout that gives signs of life all the time."""


@given(MOMENTS, st.sampled_from([WHOLE, Share(0, 2), Share(1, 2)]))
def test_whenever_a_shift_begins_it_ends_soon_after_the_next_one_began(begin: float, share: Share) -> None:
    length = SHIFT_SECONDS if share is WHOLE else RUN_SECONDS
    together = (begin + shift_seconds(share, begin)) % length
    assert 20 <= together <= 40
    assert shift_seconds(share, begin) <= length + 20


LATE = st.one_of(st.integers(0, 10), st.integers(0, RUN_SECONDS - 20))
"""Seconds after its time in which a run's task begins, on a machine that has much to do."""


@given(st.lists(LATE, min_size=20, max_size=40), st.sampled_from([WHOLE, Share(0, 2)]))
def test_however_late_runs_begin_one_is_on_duty_and_two_only_while_they_change_over(
    late: list[int], share: Share
) -> None:
    """Nobody is on duty for no longer than the run was late that was to take over."""
    shifts, begins = list[Shift](), [DAY + number * RUN_SECONDS + each for number, each in enumerate(late)]
    with pytest.MonkeyPatch.context() as patch:
        for now in begins:
            patch.setattr("exchange.intake.shifts.time.time", lambda now=now: now)
            if not any(shift.goes_on for shift in shifts if shift.end > now):
                shifts.append(Shift.lasting(shift_seconds(share, now)))
    for before, after in pairwise(shifts):
        assert before.end - after.begin <= 40
        assert after.begin - before.end <= max(0, after.begin % RUN_SECONDS - 20)


@given(MOMENTS, st.floats(0, 2000))
def test_one_that_is_to_end_soon_does_so_with_a_run_that_can_know_of_it(now: float, left: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("exchange.intake.shifts.time.time", lambda: now)
        shift = Shift.lasting(left)
        soon = shift.ended_soon()
    assert soon.end <= shift.end
    if soon.end < shift.end:
        run = soon.end - 20
        assert run % RUN_SECONDS == 0
        assert 15 <= run - now <= RUN_SECONDS + 15
        assert (soon.id, soon.begin) == (shift.id, shift.begin)


@given(*[st.integers(RUN_SECONDS + 60, SHIFT_SECONDS)] * 2, *[st.integers(0, 2)] * 2)
def test_of_two_that_go_on_exactly_one_gives_way_and_not_the_earlier(
    left: int, other_left: int, begun: int, other_begun: int
) -> None:
    now = time.time()
    one, other = Shift(now - begun, now + left), Shift(now - other_begun, now + other_left)
    assert one.gives_way_to(other) != other.gives_way_to(one)
    assert not (one.gives_way_to(other) and begun > other_begun)
    assert not one.gives_way_to(one)
    assert not one.gives_way_to(None)
    assert not one.gives_way_to(replace(other, end=now + 10)), "which ends soon"


@given(st.text())
def test_any_sign_of_life_can_be_read(summary: str) -> None:
    """An earlier version's says nothing; one that somebody wrote may say anything."""
    shift = Shift.of_sign(Sign(datetime.now(UTC), summary))
    assert shift is None or isinstance(shift.goes_on, bool)


def test_what_is_told_is_read() -> None:
    shift = Shift.lasting(LONG)
    assert Shift.of_sign(Sign(datetime.now(UTC), shift.summary)) == shift
    assert Shift.of_sign(None) is None


@pytest.fixture
def soon_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shifts, "SILENT_SECONDS", 2.0)


@pytest.mark.usefixtures("soon_silent")
@pytest.mark.parametrize(
    ("left", "moves", "on_duty"),
    [
        (None, False, False),
        (LONG, False, False),
        (LONG, True, True),
        (10, True, False),
        (SHIFT_SECONDS + 60, True, False),
        (inf, True, False),
    ],
    ids=["nobody", "gone", "on duty", "ends soon", "from ahead of now", "without an end"],
)
def test_a_run_watches_only_where_nobody_is_on_duty(app: App, left: float | None, moves: bool, on_duty: bool) -> None:
    duties, over = Duties.of_home(app.settings.home), threading.Event()
    summary = "" if left is None else Shift.lasting(left).summary
    duties.done(WHOLE.sign, summary)

    def live() -> None:
        while not over.wait(0.1):
            duties.done(WHOLE.sign, summary)

    with ThreadPoolExecutor(1) as beside:
        if moves:
            beside.submit(live)
        try:
            assert is_on_duty(app, WHOLE) == on_duty
        finally:
            over.set()


def test_of_two_lookouts_the_later_one_ends(app: App) -> None:
    first, begun, over = monitor(app, LONG, between=lambda: _tell(begun, over)), threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as beside:
        one = beside.submit(_watched, first)
        try:
            assert begun.wait(WAIT_SECONDS)
            began = time.monotonic()
            assert list(monitor(app, LONG)) == []
            assert time.monotonic() - began < LONG / 2, "it did not watch to its end"
            assert not one.done()
        finally:
            over.set()
        assert one.result(WAIT_SECONDS)


def test_nobody_gives_way_to_one_that_was_lost_where_no_sign_can_be_written(app: App) -> None:
    """As on a full disk: the last sign that could be written is that of the lost one."""
    duties, looks = Duties.of_home(app.settings.home), 0
    duties.done(WHOLE.sign, replace(Shift.lasting(LONG), begin=0.0).summary)
    last, lies = duties.last(WHOLE.sign), duties.folder / f".writing-{WHOLE.sign}.{os.getpid()}"
    lies.mkdir()  # where the next one would be written

    def between() -> None:
        nonlocal looks
        looks += 1
        assert duties.last(WHOLE.sign) == last
        if looks == 3:
            raise _OverError

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("exchange.intake.lookout._SIGN_SECONDS", 0.1)
            assert _watched(monitor(app, LONG, between))
    finally:
        lies.rmdir()


class _OverError(Exception):
    """The test is over."""


def _tell(begun: threading.Event, over: threading.Event) -> None:
    begun.set()
    if over.is_set():
        raise _OverError


def _watched(batches: Iterator[object]) -> bool:
    """Whether it went on watching until the test was over."""
    try:
        list(batches)
    except _OverError:
        return True
    return False


ARRANGEMENTS: dict[str, Callable[[App], object]] = {
    "another agreement": lambda app: (app.settings.agreements / "newcomer.toml").write_bytes(b"partner = 1"),
    "an agreement less": lambda app: app.agreement_files()[-1].unlink(),
    "settings": lambda _: os.utime(os.environ[ENVIRONMENT_VARIABLE], (1, 1)),
    "a key": lambda app: os.utime(app.settings.keys.decryption_key, (1, 1)),
    "a certificate": lambda app: os.utime(app.settings.keys.signing_certificate, (1, 1)),
}


@pytest.fixture
def own(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """The office with files of its own, which a test may alter."""
    agreements = Path(shutil.copytree(app.settings.agreements, tmp_path / "agreements"))
    keys = {name: Path(shutil.copy2(path, tmp_path / name)) for name, path in app.settings.keys.model_dump().items()}
    (tmp_path / "exchange.toml").touch()
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, f"{tmp_path / 'exchange.toml'}")
    app.settings = app.settings.model_copy(update={"agreements": agreements, "keys": Keys(**keys)})
    return app


@dataclass
class _Looks:
    """The looks at a lookout's sign of life, which are few."""

    app: App
    made: int = 0

    def shift(self) -> Shift:
        """The shift that the sign says."""
        assert self.made < MOST_LOOKS
        self.made += 1
        shift = Shift.of_sign(Duties.of_home(self.app.settings.home).last(WHOLE.sign))
        assert shift is not None
        return shift


@pytest.mark.parametrize("what", ARRANGEMENTS)
def test_what_is_arranged_anew_is_read_soon(own: App, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """The shift that read the old one ends with the present five minutes."""
    looks = _Looks(own)

    def between() -> None:
        shift = looks.shift()
        if looks.made == 1:
            assert shift.left > LONG - 10
            ARRANGEMENTS[what](own)
        elif shift.left < LONG - 60:
            told.append(shift.left)
            raise _OverError

    told: list[float] = []
    monkeypatch.setattr("exchange.intake.lookout._SIGN_SECONDS", 0.1)
    assert _watched(monitor(own, LONG, between))
    assert 0 < told[0] <= RUN_SECONDS + 15 + 20


@pytest.mark.parametrize("seconds", [-3600, -400, 400, 3600])
def test_a_shift_in_which_the_clock_is_set_ends_soon(app: App, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """With the next run by the clock as it is now: neither are two on duty for long, nor is nobody."""
    looks, clock = _Looks(app), time.time

    def between() -> None:
        shift = looks.shift()
        if looks.made == 1:
            monkeypatch.setattr("exchange.intake.shifts.time.time", lambda: clock() + seconds)
        elif 0 < shift.left <= RUN_SECONDS + 15 + 20:
            raise _OverError

    monkeypatch.setattr("exchange.intake.lookout._SIGN_SECONDS", 0.1)
    assert _watched(monitor(app, LONG, between))


@pytest.mark.parametrize("what", ARRANGEMENTS)
def test_what_is_arranged_anew_while_a_shift_is_about_to_begin_is_read_soon(own: App, what: str) -> None:
    """The office was opened, and whoever looks whether somebody is on duty takes some seconds."""
    read = arrangements(own)
    ARRANGEMENTS[what](own)

    def between() -> None:
        shift = Shift.of_sign(Duties.of_home(own.settings.home).last(WHOLE.sign))
        assert shift is not None
        assert shift.left <= RUN_SECONDS + 15 + 20
        raise _OverError

    assert _watched(monitor(own, LONG, between, read=read))


def test_what_an_agreement_says_is_looked_at_anyway(own: App) -> None:
    before, first = arrangements(own), own.agreement_files()[0]
    first.write_bytes(first.read_bytes() + b"\n")
    assert arrangements(own) == before
