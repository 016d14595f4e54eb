"""Runs that are owed, and signs of life, whatever the clocks say: of this machine, and of whoever has the disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.app import App
from exchange.base import duty, files
from exchange.base.duty import LOOKOUT, Duties, Sign
from exchange.intake import owed, resident
from exchange.intake.owed import SILENCE, OwedRuns, lookout_on_duty
from exchange.intake.resident import ResidentWorkers

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


FOREIGN: dict[str, Callable[[Path], object]] = {
    "no text": lambda path: path.write_bytes(b"\xff\xfe"),
    "nothing": lambda path: path.touch(),
    "much": lambda path: path.write_bytes(b"a" * 50_000_000),
    "another batch": lambda path: path.write_text("a.1"),
    "a folder": lambda path: path.mkdir(),
    "a pipe": lambda path: os.mkfifo(path),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to a note": lambda path: path.symlink_to(path.with_name(sha256(b"a.1").hexdigest())),
}
"""What may lie among the notes, left by somebody or by a disk that fails."""


@pytest.mark.parametrize("ending", ["", ".answered"])
@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_no_note_holds_up_no_other_set(tmp_path: Path, what: str, ending: str) -> None:
    """Neither a lookout nor the minute's sweep ends at it, waits for it, or has a run for it; the oldest of all."""
    runs, started = OwedRuns(tmp_path), list[str]()

    def start(batch: str) -> bool:
        started.append(batch)
        return True

    runs.hand_over("a.1")
    for batch in ("a.2", "a.3"):
        runs.hand_over(batch)
        runs.mark_answered(batch)
    FOREIGN[what](tmp_path / ("ab" * 32 + ending))
    for note in tmp_path.iterdir():
        age = 300 if note.name.startswith("ab" * 32) else 100
        os.utime(note, (time.time() - age, time.time() - age), follow_symlinks=False)
    assert set(runs.all()) == {"a.1", "a.2", "a.3"}
    assert len(runs.answered(most=1)) == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resident, "_RUN_SECONDS", 0.0)
        workers = ResidentWorkers([], runs, start)
        for _ in range(3):
            workers.look()
    assert started[0] == "a.1"
    assert sorted(started) == ["a.1", "a.2", "a.3"]
    assert runs.all() == []


def test_a_sign_of_life_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    """Whoever asks has other duties than this one."""
    duties = Duties(tmp_path)
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a link to itself").symlink_to(tmp_path / "a link to itself")
    assert [duties.last(name) for name in ("a folder", "a link to itself", "nothing")] == [None] * 3
    duties.done("a link to itself")
    assert duties.last("a link to itself") is not None
