"""What is read was written: any flipped byte is found, a version that failed is out of use, builds do not meet."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from exchange.base.errors import Halt, Retryable
from exchange.snapshots import integrity
from exchange.snapshots.versions import SnapshotRecord, Snapshots, Version

DAY = date(2026, 11, 22)
TABLES = {name: pa.table({"key": pa.array(range(500), pa.int64())}) for name in ("people", "former")}
RECORD = SnapshotRecord(source="population", as_of=DAY, rows=500, files={}, counts={"rows": 500})


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    return Snapshots(tmp_path / "snapshots")


def published(snapshots: Snapshots) -> Version:
    version = snapshots.write(RECORD, TABLES)
    snapshots.publish(version)
    return version


def flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("name", ["people.arrow", "former.arrow", "snapshot.json"])
def test_a_flipped_bit_anywhere_is_found(snapshots: Snapshots, name: str) -> None:
    version = published(snapshots)
    integrity.check(version.folder, version.source)
    path, chosen = version.folder / name, random.Random(20261122)  # noqa: S311
    places = {0, path.stat().st_size - 1, *(chosen.randrange(path.stat().st_size) for _ in range(10))}
    for place in places:
        flip(path, place)
        with pytest.raises(Halt, match="is not what was written"):
            integrity.check(version.folder, version.source)
        flip(path, place)
        integrity.mended(version.folder)


NONE_IN_USE = "no population snapshot is in use"

READERS: dict[str, Callable[[Snapshots], object]] = {
    "the version in use": lambda snapshots: snapshots.current("population"),
    "the days": lambda snapshots: snapshots.publications("population"),
    "what it is made of": lambda snapshots: used(snapshots).record(),
    "a table": lambda snapshots: used(snapshots).open("people").keys.tolist(),
    "what the night says": lambda snapshots: unnamed(snapshots.verify("population")),
    "what is out of use": lambda snapshots: unnamed(snapshots.out_of_use()),
}


def outcome(read: Callable[[Snapshots], object], snapshots: Snapshots) -> tuple[object, str | None]:
    """What was read, or what a person is told."""
    try:
        return read(snapshots), None
    except Halt as error:
        return None, str(error)


def unnamed(troubles: list[str]) -> list[str]:
    return [said for said in troubles if "population" not in said]


def used(snapshots: Snapshots) -> Version:
    found = snapshots.current("population")
    if found is None:
        raise Halt(NONE_IN_USE)
    return found


@pytest.mark.parametrize("name", ["current", "published", "snapshot.json", ".broken-note"])
def test_whatever_byte_is_another_it_is_read_as_written_or_a_person_is_called(snapshots: Snapshots, name: str) -> None:
    """By whoever reads it: never another answer, never an error that names nothing."""
    version = published(snapshots)
    home = snapshots.folder / "population"
    path = version.folder / name if name == "snapshot.json" else home / name
    if name == ".broken-note":
        path.write_text("people.arrow")
    as_written = {words: read(snapshots) for words, read in READERS.items()}
    sound = path.read_bytes()
    for place, byte in enumerate(sound):
        for bit in (place % 7, 7):
            path.write_bytes(sound[:place] + bytes([byte ^ 1 << bit]) + sound[place + 1 :])
            for words, read in READERS.items():
                found, said = outcome(read, snapshots)
                if said is not None:
                    assert "population" in said
                elif (name, words) == ("current", "the version in use"):
                    assert found in (None, as_written[words])
                elif (name, words) not in (("published", "the days"), ("current", "the days")):
                    assert found == as_written[words], words  # when, by the second, decides no answer
                integrity.mended(version.folder)
    path.write_bytes(sound)
    assert {words: read(snapshots) for words, read in READERS.items()} == as_written


def test_the_first_opening_finds_it_and_the_version_is_out_of_use(snapshots: Snapshots) -> None:
    version = published(snapshots)
    version.open("people")
    flip(version.folder / "people.arrow", 700)
    with pytest.raises(Halt, match=r"out of use: people\.arrow"):
        version.open("former")
    assert snapshots.current("population") is None
    assert [said.partition(":")[0] for said in snapshots.out_of_use()] == [
        f"snapshot population {version.name} is out of use"
    ]
    assert integrity.out_of_use(snapshots.folder / "population") == [(version.name, "people.arrow")]
    flip(version.folder / "people.arrow", 700)
    with pytest.raises(Halt, match="out of use"):
        version.open("people")


def test_nothing_is_read_again_while_nobody_writes(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> None:
    version = published(snapshots)
    monkeypatch.setattr(integrity, "sha256_of", lambda _: "read again")
    version.open("people")
    with pytest.raises(Halt):
        integrity.check(version.folder, version.source)


def test_the_nightly_check_believes_no_note(snapshots: Snapshots) -> None:
    """A byte changed with the file's times put back, and everything noted as if it had been checked."""
    version = published(snapshots)
    assert snapshots.verify("population") == []
    flip(version.folder / "former.arrow", 700)
    integrity._note(version.folder)
    version.open("former")
    assert [said for said in snapshots.verify("population") if "former.arrow" in said] == snapshots.out_of_use()


def test_built_again_it_is_in_use_again(snapshots: Snapshots) -> None:
    version = published(snapshots)
    flip(version.folder / "people.arrow", 700)
    with pytest.raises(Halt):
        version.open("people")
    assert published(snapshots) == version == snapshots.current("population")
    version.open("people")
    assert [path.name for path in (snapshots.folder / "population").glob(".mended-*")] == [f".mended-{version.name}"]


def test_a_damaged_version_is_not_published(snapshots: Snapshots) -> None:
    version = snapshots.write(RECORD, TABLES)
    flip(version.folder / "people.arrow", 700)
    with pytest.raises(Halt, match="is not what was written"):
        snapshots.publish(version)
    assert snapshots.published("population") is None


def test_a_version_without_any_table_is_none(snapshots: Snapshots) -> None:
    """Every file that its record names is as written: none is."""
    with pytest.raises(Halt, match=r"every table \(there is none\)"):
        snapshots.write(RECORD, {})
    assert snapshots.current("population") is None
    assert snapshots.published("population") is None


@pytest.mark.parametrize("invented", [True, False])
def test_invented_people_never_answer_as_real_ones_nor_the_other_way_round(tmp_path: Path, invented: bool) -> None:
    version = published(Snapshots(tmp_path / "snapshots", invented=invented))
    assert version.record().invented is invented
    version.open("people")
    with pytest.raises(Halt, match="would answer as"):
        replace(version, invented=not invented).open("people")


def test_an_older_version_does_not_take_a_newer_ones_place(snapshots: Snapshots) -> None:
    older = published(snapshots)
    newer = snapshots.write(replace(RECORD, as_of=DAY + timedelta(days=1)), TABLES)
    snapshots.publish(newer)
    with pytest.raises(Halt, match=f"{newer.name} is published already and is newer than {older.name}"):
        snapshots.publish(older)
    assert snapshots.current("population") == newer


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "is full"), (errno.EDQUOT, "is full"), (errno.EROFS, "is read-only")]
)
def test_a_build_that_finds_no_room_says_where_and_leaves_nothing(
    snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    """An error of a file that is open names no file."""

    def no_room(_: int) -> None:
        raise OSError(number, os.strerror(number))

    before = published(snapshots)
    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(Retryable, match=rf"{words}.*population"):
        snapshots.write(replace(RECORD, rows=501), TABLES)
    monkeypatch.undo()
    assert [path.name for path in (snapshots.folder / "population").iterdir() if path.is_dir()] == [before.name]
    assert snapshots.current("population") == before


def test_what_a_killed_build_left_goes_and_what_is_under_way_stays(snapshots: Snapshots) -> None:
    left = snapshots.folder / "drug_control" / ".building-2026-01-01-x"
    left.mkdir(parents=True)
    (left / "records.arrow").write_bytes(b"plain people")
    home = snapshots.folder / "population"
    home.mkdir()
    with snapshots._building(home, DAY) as under_way:
        published(snapshots)
        assert not left.exists()
        assert under_way.is_dir()
    assert list(home.glob(".building-*")) == []


RACER = """
import sys
from tests.snapshots.test_integrity import *
snapshots = Snapshots(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(3):
    version = published(snapshots)
    version.open("people"), version.open("former")
    integrity.check(version.folder, "population")
"""


def test_two_builds_of_one_date_never_meet(snapshots: Snapshots) -> None:
    """Two processes, begun together, build and publish the same date again and again; what is published is whole."""
    command = [sys.executable, "-c", RACER, str(snapshots.folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    racers = [subprocess.Popen(command, text=True, env=os.environ, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * 2
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = [racer.communicate(timeout=120)[1] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0], said
    version = snapshots.current("population")
    assert version is not None
    integrity.check(version.folder, "population")
    assert list((snapshots.folder / "population").glob(".building-*")) == []
