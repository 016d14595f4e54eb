"""Signs of life: whatever is wrong with one, it is none, and the duty goes on."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from exchange.base.duty import COLLECT, LOOKOUT, Duties


def test_what_was_done_is_told(tmp_path: Path) -> None:
    duties = Duties.of_home(tmp_path)
    assert duties.last(COLLECT) is None
    duties.done(COLLECT, "3")
    last = duties.last(COLLECT)
    assert last is not None
    assert last.summary == "3"


def _a_file_in_its_place(folder: Path) -> None:
    folder.write_text("not a folder")


def _a_link_to_nothing(folder: Path) -> None:
    folder.symlink_to(folder.with_name("gone"))


def _a_folder_of_its_name(folder: Path) -> None:
    (folder / COLLECT).mkdir(parents=True)
    (folder / COLLECT / "something").touch()


@pytest.mark.parametrize("spoil", [_a_file_in_its_place, _a_link_to_nothing, _a_folder_of_its_name])
def test_one_that_cannot_be_written_stops_nothing(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    duties = Duties.of_home(tmp_path)
    spoil(duties.folder)
    duties.done(COLLECT, "3")
    assert duties.last(COLLECT) is None


@pytest.mark.parametrize("call", ["utime", "replace"])
def test_one_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """On a full disk each minute's process would leave a file of its own, and nobody takes them away."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "utime", full) if call == "utime" else monkeypatch.setattr(Path, "replace", full)
    duties = Duties.of_home(tmp_path)
    duties.done(COLLECT)
    assert [*duties.folder.iterdir()] == []


def test_what_a_kill_left_is_named_as_the_night_looks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise SystemExit

    monkeypatch.setattr(os, "utime", killed)
    duties = Duties.of_home(tmp_path)
    with pytest.raises(SystemExit):
        duties.done(COLLECT)
    (left,) = duties.folder.iterdir()
    assert left.name.startswith(".writing-")


@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError, OSError], ids=lambda error: error.__name__)
def test_a_folder_that_may_not_be_looked_into_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    """Rights that were taken, or a network disk that is away."""
    duties = Duties.of_home(tmp_path)

    def refused(*_: object, **__: object) -> None:
        raise error(13, "refused")

    monkeypatch.setattr(Path, "is_dir", refused)
    monkeypatch.setattr(Path, "stat", refused)
    duties.done(LOOKOUT)
    assert duties.last(LOOKOUT) is None


@pytest.mark.parametrize("moment", [253_402_300_800.0, -1e12, 1e30])
def test_one_of_a_moment_that_no_calendar_has_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: float
) -> None:
    """Some disks keep any number of seconds."""
    duties = Duties.of_home(tmp_path)
    duties.done(COLLECT)
    monkeypatch.setattr(Path, "stat", lambda *_, **__: SimpleNamespace(st_mtime=moment))
    assert duties.last(COLLECT) is None
