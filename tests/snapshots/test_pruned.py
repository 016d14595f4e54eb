"""Versions that go, go at once: whoever is killed while their files are removed leaves nothing that looks altered, and
two at once are as one.
"""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from exchange.base.errors import Halt
from exchange.base.files import sha256_of
from exchange.snapshots import integrity
from exchange.snapshots.integrity import Past
from exchange.snapshots.versions import SnapshotRecord, Snapshots

DAY = date(2026, 11, 22)
SOURCE = "population"
EFFECTS = ("open", "os.rename", "os.remove", "os.rmdir", "os.scandir")


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with five versions, of which two are to be kept."""
    snapshots = Snapshots(tmp_path_factory.mktemp("five") / "snapshots")
    for number in range(5):
        tables = {name: pa.table({"key": [number]}) for name in ("people", "former", "events")}
        record = SnapshotRecord(SOURCE, DAY + timedelta(days=number), 1, {}, {"rows": 1})
        snapshots.publish(snapshots.write(record, tables))
    return snapshots.folder


@pytest.fixture
def snapshots(five: Path, tmp_path: Path) -> Snapshots:
    return another(five, tmp_path / "snapshots")


def another(five: Path, place: Path) -> Snapshots:
    """A copy, in place of what lay there."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(five, place / "snapshots")
    return Snapshots(place / "snapshots")


def names(snapshots: Snapshots) -> list[str]:
    """All that lies in the source's folder."""
    return sorted(path.name for path in (snapshots.folder / SOURCE).iterdir())


def forked(work: Callable[[], object], fatal: int) -> int:
    """How a process ended that is killed at its side effect of this number."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    count = itertools.count(1)

    def watch(event: str, _: tuple[Any, ...]) -> None:
        if event in EFFECTS and next(count) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        sys.addaudithook(watch)
        work()
    except BaseException:  # a forked process returns nowhere
        os._exit(1)
    os._exit(0)


def pruned(snapshots: Snapshots) -> list[str]:
    return snapshots.prune(SOURCE, 2, set())


def test_who_is_killed_meanwhile_leaves_none_that_is_not_whole(
    five: Path, snapshots: Snapshots, tmp_path: Path
) -> None:
    assert len(pruned(snapshots)) == len(Snapshots(five).versions(SOURCE)) - 2
    ends = []
    for fatal in itertools.count(1):
        struck = another(five, tmp_path / "struck")
        ends.append(forked(partial(pruned, struck), fatal))
        assert struck.verify(SOURCE) == [], f"killed at {fatal}"
        assert struck.out_of_use() == []
        pruned(struck)
        assert names(struck) == names(snapshots), f"killed at {fatal}"
        if ends[-1] == 0:
            break
    assert set(ends) == {0, -signal.SIGKILL}
    assert len(ends) > 15, "it was killed among the files of each version"


def test_what_an_earlier_removal_left_half_goes_too(snapshots: Snapshots) -> None:
    """By the version of before, which removed file by file."""
    half = snapshots.versions(SOURCE)[0]
    (half.folder / "snapshot.json").unlink()
    assert pruned(snapshots)[0] == half.name
    assert snapshots.verify(SOURCE) == []


def test_of_two_at_once_each_goes_once(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other run comes while the first has a version aside."""
    remove, others = shutil.rmtree, list[str]()

    def removed(folder: Path) -> None:
        monkeypatch.setattr(shutil, "rmtree", remove)
        others.extend(pruned(Snapshots(snapshots.folder)))
        remove(folder)

    monkeypatch.setattr(shutil, "rmtree", removed)
    first, *rest = (version.name for version in snapshots.versions(SOURCE))
    assert pruned(snapshots) == [first]
    assert others == rest[:2]


def test_a_folder_that_nothing_may_be_removed_from_is_told_as_that(
    snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(Halt, match="Permission denied"):
        pruned(snapshots)


def test_a_version_that_goes_while_it_is_read_is_not_altered(
    snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nightly check, or somebody's, beside somebody's removal, at any file of any version."""
    read = sha256_of
    for fatal in range(1, 3 * len(snapshots.versions(SOURCE)) + 1):
        struck, numbers = another(snapshots.folder, snapshots.folder.with_name("struck")), itertools.count(1)

        def reads(path: Path, struck: Snapshots = struck, fatal: int = fatal, numbers: Iterator[int] = numbers) -> str:
            if next(numbers) == fatal:
                pruned(struck)
            return read(path)

        monkeypatch.setattr(integrity, "sha256_of", reads)
        assert struck.verify(SOURCE) == []
        assert struck.out_of_use() == []


def test_a_version_that_is_gone_is_past(snapshots: Snapshots) -> None:
    first = snapshots.versions(SOURCE)[0]
    pruned(snapshots)
    for read in (lambda: first.open("people"), lambda: snapshots.version(SOURCE, first.name), first.record):
        with pytest.raises(Past, match="not on disk"):
            read()
    assert snapshots.out_of_use() == []


def test_a_version_out_of_use_is_told_until_it_is_gone(snapshots: Snapshots) -> None:
    """Its export is gone by then; nobody could build it again, and each hour said so for ever."""
    first = snapshots.versions(SOURCE)[0]
    (first.folder / "people.arrow").write_bytes(b"another")
    (said,) = snapshots.verify(SOURCE)
    assert snapshots.prune(SOURCE, 2, {(SOURCE, first.name)})
    assert snapshots.out_of_use() == [said], "somebody needs it"
    assert pruned(snapshots) == [first.name]
    assert snapshots.out_of_use() == []
    assert f".mended-{first.name}" in names(snapshots), "that it once failed stays noted"


UNREADABLE = {"rights": errno.EACCES, "a network disk that is away": errno.ESTALE, "one that times out": errno.EIO}


@pytest.mark.parametrize("number", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("name", ["people.arrow", "snapshot.json"])
def test_what_may_not_be_read_was_not_altered(
    snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    """As where an administrator puts a version back from a backup in another name: once that is in order, so is it."""
    version = snapshots.versions(SOURCE)[-1]
    read_bytes = Path.read_bytes

    def given(path: Path) -> Path:
        if path == version.folder / name:
            raise OSError(number, os.strerror(number), str(path))
        return path

    with monkeypatch.context() as patch:
        patch.setattr(integrity, "sha256_of", lambda path: sha256_of(given(path)))
        patch.setattr(Path, "read_bytes", lambda path: read_bytes(given(path)))
        (said,) = snapshots.verify(SOURCE)
        assert os.strerror(number) in said
        assert "what was written" not in said
        with pytest.raises(Halt, match=os.strerror(number)):
            integrity.check_once(version.folder, SOURCE)
    assert snapshots.out_of_use() == []
    assert snapshots.current(SOURCE) == version
    assert snapshots.verify(SOURCE) == []
