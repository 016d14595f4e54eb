"""Runs that are owed, and signs of life, whatever the clocks say: of this machine, and of whoever has the disk."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.app import App
from exchange.base import duty, files
from exchange.base.duty import LOOKOUT, Duties, Sign
from exchange.intake import owed
from exchange.intake.owed import SILENCE, OwedRuns, lookout_on_duty

OFF = st.timedeltas(timedelta(days=-2), timedelta(days=2)).filter(lambda by: abs(by) > SILENCE)
"""By how much a clock was put forward or back since something was noted."""


class Put:
    """This machine's clock, put forward or back."""

    def __init__(self, by: timedelta) -> None:
        self.by = by.total_seconds()

    def time(self) -> float:
        return time.time() + self.by


@given(OFF)
def test_what_was_owed_before_the_clock_was_put_is_taken_over(by: timedelta) -> None:
    """A lookout that died then has its sets answered now, and not once the clock is there again."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        runs = OwedRuns(Path(folder))
        runs.owe("a.1")
        runs.hand_over("a.2")
        runs.hand_over("a.3")
        runs.mark_answered("a.3")
        patch.setattr(owed, "time", Put(by))
        assert set(runs.unanswered(older_than=SILENCE)) == {"a.1", "a.2"}
        assert runs.answered() == runs.answered(older_than=SILENCE) == ["a.3"]
        runs.owe("a.1")
        assert "a.1" not in runs.unanswered(older_than=SILENCE), "a worker has it, since now"
        runs.postpone("a.3")
        assert runs.answered(older_than=SILENCE) == []
        assert runs.answered() == ["a.3"]


@given(st.timedeltas(timedelta(days=-1), timedelta(days=1)))
def test_the_clock_of_whoever_has_the_disk_says_nothing(by: timedelta) -> None:
    """Workers share a file system whose clock may differ by less than a day."""

    def written(path, content):  # type: ignore[no-untyped-def]
        write(path, content)
        moment = time.time() + by.total_seconds()
        os.utime(path, (moment, moment))

    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        write, runs = files.write_atomically, OwedRuns(Path(folder))
        patch.setattr(owed, "write_atomically", written)
        runs.owe("a.1")
        assert runs.unanswered(older_than=SILENCE) == []
        assert runs.unanswered() == ["a.1"]


@given(st.timedeltas(timedelta(days=-2), timedelta(days=2)))
def test_a_sign_of_life_is_of_late_on_both_sides_of_now(by: timedelta) -> None:
    now = datetime.now(UTC)
    assert Sign(now + by, "").is_of_late(now, SILENCE) is (abs(by) <= SILENCE)


@pytest.mark.parametrize("by", [timedelta(), timedelta(hours=-1), timedelta(hours=1)])
def test_a_lookout_whose_last_sign_is_from_ahead_of_now_is_not_on_duty(
    app: App, by: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else sets would be handed to nobody, until the clock is there again."""
    monkeypatch.setattr(duty, "time", Put(by))
    Duties.of_home(app.settings.home).done(LOOKOUT)
    assert lookout_on_duty(app) is (not by)
