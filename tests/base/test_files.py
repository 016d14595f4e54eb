"""Files appear whole or not at all; the archive keeps what it was given."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exchange.base import files
from exchange.base.errors import Halt, Retryable
from exchange.base.files import Archive, locked, make_folder, sha256, write_together, written_atomically


def write_half(place: Path) -> None:
    with written_atomically(place) as stream:
        stream.write(b"half")
        raise RuntimeError


def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "file"
    with pytest.raises(RuntimeError):
        write_half(place)
    assert list(place.parent.iterdir()) == []


def test_an_unfinished_file_does_not_touch_the_old_one(tmp_path: Path) -> None:
    place = tmp_path / "file"
    with written_atomically(place) as stream:
        stream.write(b"old")
    with pytest.raises(RuntimeError):
        write_half(place)
    assert place.read_bytes() == b"old"


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_of_several_that_are_written_together_none_is_new_where_one_cannot_be_written(tmp_path: Path, bad: int) -> None:
    places = [tmp_path / name / "file" for name in "abc"]
    write_together(dict.fromkeys(places, b"old"))
    places[bad] = tmp_path / "a" / "file" / "below a file"
    with pytest.raises(Halt):
        write_together(dict.fromkeys(places, b"new"))
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [b"old"] * 3, "and nothing beside"


def test_files_and_folders_are_the_offices_own(tmp_path: Path) -> None:
    place = make_folder(tmp_path / "a" / "b") / "file"
    with written_atomically(place):
        pass
    assert [path.stat().st_mode & 0o777 for path in (place, place.parent, place.parent.parent)] == [0o600, 0o700, 0o700]


def test_the_archive_keeps_by_content(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    digest = archive.keep(b"original")
    assert archive.keep(b"original") == digest == sha256(b"original")
    assert archive.read(digest) == b"original"
    archive.path(digest).write_bytes(b"altered")
    for read in (archive.read, archive.verified_path):
        with pytest.raises(Halt, match="altered"):
            read(digest)
    archive.keep(b"original")
    assert archive.read(digest) == b"original", "kept again, it is what it was"


def test_what_is_destroyed_while_it_is_kept_anew_is_there_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, real = Archive(tmp_path), Archive.touch
    digest = archive.keep(b"original")

    def touched_too_late(self: Archive, digest: str) -> bool:
        found = real(self, digest)
        self.path(digest).unlink()
        return found

    monkeypatch.setattr(Archive, "touch", touched_too_late)
    assert archive.keep(b"original") == digest
    assert archive.read(digest) == b"original"


def test_what_is_destroyed_while_the_archive_is_looked_through_is_passed_over(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    kept = sorted(archive.keep(each) for each in (b"one", b"two", b"three"))
    found = archive.digests(datetime.now(UTC) + timedelta(days=1))
    assert next(found)[0] == kept[0]
    archive.path(kept[1]).unlink()
    assert [digest for digest, _ in found] == kept[2:]


@pytest.mark.parametrize("name", ["../../etc/passwd", "A" * 64, "", "0" * 63])
def test_only_a_hash_is_a_name_in_the_archive(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        Archive(tmp_path).path(name)


_HOLDS = """import fcntl, os, sys, time
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print(flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("wait", [True, False])
def test_who_stands_still_with_a_lock_is_waited_for_no_longer_than_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait: bool
) -> None:
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.1)
    with subprocess.Popen([sys.executable, "-c", _HOLDS, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            holder.send_signal(signal.SIGSTOP)
            with pytest.raises(Retryable if wait else BlockingIOError), locked(tmp_path, wait=wait):
                pass
        finally:
            holder.kill()
    with locked(tmp_path, wait=wait):  # killed, it holds nothing
        pass
