"""Versions of a snapshot on disk.

    <home>/snapshots/<source>/<as-of date>.<12 hex of the content's SHA-256>/   snapshot.json and the Arrow files
    <home>/snapshots/<source>/.building-…       a build that is under way: its process holds a lock on it
    <home>/snapshots/<source>/.removing-…       a version that is being removed
    <home>/snapshots/<source>/current                                            the name of the published version
    <home>/snapshots/<source>/published                                          which were published when, a line each

Rules: each build has a folder of its own, which is renamed when it is whole and checked, so a half-built one is never
visible; of two that made the same the second finds it there. What a killed build left (plain people) goes with the next
build of any source and day, and at start; a build of another source is never waited for, and one of the same for a
few minutes only. A version is never changed afterwards, and what was (``integrity.py``) is no longer used; publishing
is one atomic replacement of ``current`` and never goes back in time; the same export gives the same version. Old
versions go when newer ones are kept and nobody needs them (``prune``): each is renamed first, so that who is killed
while its files go leaves none that looks altered, and what is left goes as what a killed build left.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa

from exchange.base.errors import Halt
from exchange.base.files import (
    disk_trouble,
    entries,
    locked,
    make_folder,
    private,
    sha256_of,
    sync_folder,
    write_atomically,
)
from exchange.matching.lookup import SortedTable
from exchange.snapshots import integrity
from exchange.snapshots.integrity import Past

_VERSION: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.[0-9a-f]{12}")
_BUILDING: Final = ".building-"
_REMOVING: Final = ".removing-"
_RECORD: Final = "snapshot.json"
LAYOUT: Final = 7
"""The number of the form in which tables lie on disk (``columns.py``) and of the way in which an export is read; who
changes either raises it, as claims would be compared with what was read otherwise. Versions of another one are built
again.
"""


@dataclass(frozen=True)
class SnapshotRecord:
    """``snapshot.json``: what a version is made of, in counts and hashes. Nobody but this software writes one.

    ``files``: file name → SHA-256; ``counts``: what the gate judged; ``invented``: its people do not exist, and no real
    request is answered from it.
    """

    source: str
    as_of: date
    rows: int
    files: Mapping[str, str]
    counts: Mapping[str, float]
    layout: int = 1
    invented: bool = False

    @classmethod
    def read(cls, content: bytes) -> SnapshotRecord:
        """The record in these bytes; ValueError, KeyError or TypeError where they are none."""
        fields = json.loads(content)
        return cls(**fields | {"as_of": date.fromisoformat(fields["as_of"])})

    def written(self) -> bytes:
        """The bytes of ``snapshot.json``; the same record gives the same bytes, as the version's name is their hash."""
        fields = asdict(self) | {"as_of": str(self.as_of)}
        if not self.invented:
            del fields["invented"]  # a version's name is a hash of this: those of before keep theirs
        return json.dumps(fields, indent=2).encode()


@dataclass(frozen=True)
class Version:
    """One version of a source's snapshot, in its folder. ``name``: its day and the first digits of its record's
    hash.
    """

    source: str
    name: str
    folder: Path
    invented: bool = False
    """Whether the caller takes it for the invented province's; that it is so is checked when it is opened."""

    @property
    def as_of(self) -> date:
        """The day of the export that it was built from."""
        return date.fromisoformat(self.name[:10])

    def record(self) -> SnapshotRecord:
        """Its ``snapshot.json``. Where that is not what was written: Halt, and the version is out of use from
        then on.
        """
        content = integrity.record_in(self.folder)
        if not integrity.is_named_by(self.folder, content):
            integrity.check(self.folder, self.source)
            content = integrity.record_in(self.folder)
        return SnapshotRecord.read(content)

    def sound_record(self) -> SnapshotRecord | None:
        """As :meth:`record`, but None instead of Halt: for whoever builds another version, or only lists them."""
        with suppress(Halt):
            return self.record()
        return None

    def open(self, table: str) -> SortedTable:
        """One of the version's tables; see :meth:`open_all`."""
        return self.open_all(table)[0]

    def open_all(self, *tables: str) -> list[SortedTable]:
        """These of the version's tables, mapped into memory; read once on this machine, against its hashes. Past where
        it has another layout; Halt where it is not what was written, or holds real people where invented ones are asked
        for, or the other way round.
        """
        record = self.record()
        if record.invented != self.invented:
            is_, asked = ("invented", "real") if record.invented else ("real", "invented")
            msg = f"snapshot {self.source} {self.name} is {is_} and would answer as {asked}; a person must look"
            raise Halt(msg, zh=f"快照 {self.source} {self.name} 真实与虚构不符，不能用于答复，请查明")
        if record.layout != LAYOUT:
            msg = f"snapshot {self.source} {self.name} was built by another version of this software; build it again"
            raise Past(msg)
        integrity.check_once(self.folder, self.source)
        return [SortedTable(map_table(self.folder / f"{table}.arrow")) for table in tables]


def write_table(table: pa.Table, path: Path) -> None:
    """Uncompressed Arrow in one batch, so that it can be mapped and its columns are contiguous."""
    whole = table.combine_chunks()
    with open(path, "wb", opener=private) as stream, pa.ipc.new_file(stream, whole.schema) as writer:
        writer.write_table(whole, max_chunksize=max(whole.num_rows, 1))
        writer.close()
        stream.flush()
        os.fsync(stream.fileno())


def map_table(path: Path) -> pa.Table:
    """The table in this file, its columns pointing into the mapped file."""
    try:
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except (FileNotFoundError, pa.ArrowInvalid):
        msg = f"snapshot table {path} is missing or not whole"
        raise Halt(msg, zh=f"快照文件 {path} 缺失或不完整：请用 exchange snapshot build 重新制作") from None


class Snapshots:
    """The snapshots folder; ``invented``: the one of the invented province, whose versions say so of themselves."""

    def __init__(self, folder: Path, *, invented: bool = False) -> None:
        self.folder = folder
        self.invented = invented

    def versions(self, source: str) -> list[Version]:
        """All versions of a source, oldest first; whether each is as it was written is not asked."""
        paths = [path for path in entries(self.folder / source) if _VERSION.fullmatch(path.name)]
        return [Version(source, path.name, path, self.invented) for path in paths]

    def readable(self, source: str) -> list[Version]:
        """The versions of today's layout that are not out of use, oldest first."""
        versions = [version for version in self.versions(source) if not integrity.is_out_of_use(version.folder)]
        records = [(version, version.sound_record()) for version in versions]
        return [version for version, record in records if record is not None and record.layout == LAYOUT]

    def version(self, source: str, name: str) -> Version:
        """A version by its name; Past when it is not there (any more)."""
        folder = self.folder / source / name
        with disk_trouble(folder):
            if not _VERSION.fullmatch(name) or not (folder / _RECORD).is_file():
                raise Past(integrity.gone(source, name))
        return Version(source, name, folder, self.invented)

    def answers_still(self, source: str, name: str) -> bool:
        """Whether this version is there and of today's layout; Halt where it is not what was written."""
        try:
            return self.version(source, name).record().layout == LAYOUT
        except Past:
            return False

    def is_of_another_layout(self, source: str, name: str) -> bool:
        """Whether this version is there, as it was written, and today's software does not read it."""
        try:
            record = self.version(source, name).sound_record()
        except Past:
            return False
        return record is not None and record.layout != LAYOUT

    def current(self, source: str) -> Version | None:
        """The published version, None when there is none yet, or when it is out of use or not on disk."""
        published = self.published(source)
        return None if published is None or integrity.is_out_of_use(published.folder) else published

    def published(self, source: str) -> Version | None:
        """As :meth:`current`, but also where a check took the version out of use. One that is not on disk any more, or
        whose name was lost, is none: whoever builds it again, shows how things stand or makes a backup has to go on.
        """
        try:
            name = (self.folder / source / "current").read_text("ascii", "replace").strip()
        except FileNotFoundError:
            return None
        try:
            return self.version(source, name)
        except Past:
            return None

    def write(self, record: SnapshotRecord, tables: Mapping[str, pa.Table]) -> Version:
        """Writes these tables (name → table) as a version of ``record``'s source and day, whose ``files`` and
        ``layout`` are filled in here. Where the same version is there already, that one. Retryable where the disk is in
        trouble.
        """
        self.clean()
        home = make_folder(self.folder / record.source)
        with disk_trouble(home), self._building(home, record.as_of) as building:
            for name, table in tables.items():
                write_table(table, building / f"{name}.arrow")
            files = {path.name: sha256_of(path) for path in sorted(building.glob("*.arrow"))}
            record = replace(record, files=files, layout=LAYOUT, invented=self.invented)
            write_atomically(building / _RECORD, record.written())
            name = f"{record.as_of}.{sha256_of(building / _RECORD)[:12]}"
            with locked(home):
                _put_in_place(building, home / name, record.source)
        return self.version(record.source, name)

    @contextmanager
    def _building(self, home: Path, as_of: date) -> Iterator[Path]:
        """A folder for this build alone; its lock is held while the build runs, and shows others that it is no
        leftover.
        """
        with locked(home):  # so that nobody takes it for a leftover before it is locked, see `clean`
            folder = Path(tempfile.mkdtemp(dir=home, prefix=f"{_BUILDING}{as_of}-"))
            lock = ExitStack()
            lock.enter_context(locked(folder))
        with lock:
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def clean(self) -> int:
        """Removes what builds and removals that were killed left behind; how many folders."""
        left = [path for kind in (_BUILDING, _REMOVING) for path in self.folder.glob(f"*/{kind}*") if path.is_dir()]
        return sum(_removed_if_nobodys(path) for path in left)

    def publish(self, version: Version) -> None:
        """Makes this version the one that new batches use; Halt when a newer one is published already, or
        when it is not what was written.
        """
        integrity.check_once(version.folder, version.source)
        with locked(self.folder / version.source):
            newest = self.published(version.source)
            if newest is not None and newest.as_of > version.as_of:
                msg = f"{version.source}: {newest.name} is published already and is newer than {version.name}"
                raise Halt(msg, zh=f"{version.source} 已发布更新的快照 {newest.name}，不再发布 {version.name}")
            self._note(version)  # first: a version that is published is always noted
            write_atomically(self.folder / version.source / "current", version.name.encode())

    def publications(self, source: str) -> dict[date, datetime]:
        """Day of an export → when its version was last published. Of what was published before this was noted, the
        published version alone is known, by the time of its publishing.
        """
        by_day = {}
        for line in self._notes(source).splitlines():
            name, _, moment = line.partition(" ")
            try:
                by_day[date.fromisoformat(name[:10])] = datetime.fromisoformat(moment)
            except ValueError:
                msg = f"{self.folder / source / 'published'} is not what was written; put it back from a backup"
                raise Halt(msg, zh=f"{self.folder / source / 'published'} 已被改动，请从备份恢复") from None
        published = self.published(source)
        if published is not None and published.as_of not in by_day:
            changed = (self.folder / source / "current").stat().st_mtime
            by_day[published.as_of] = datetime.fromtimestamp(changed, UTC)
        return by_day

    def _note(self, version: Version) -> None:
        noted = f"{self._notes(version.source)}{version.name} {datetime.now(UTC).isoformat()}\n"
        write_atomically(self.folder / version.source / "published", noted.encode())

    def _notes(self, source: str) -> str:
        try:
            return (self.folder / source / "published").read_text("ascii", "replace")
        except FileNotFoundError:
            return ""

    def verify(self, source: str) -> list[str]:
        """Reads all versions of a source whole, whatever was noted; a sentence for each that is not as written, or may
        not be read. One that is removed meanwhile is none of them.
        """
        troubles = []
        for version in self.versions(source):
            try:
                integrity.check(version.folder, source)
            except Past:
                continue
            except Halt as error:
                troubles.append(str(error))
        return troubles

    def out_of_use(self) -> list[str]:
        """A sentence for each version that a check took out of use and that was not built again."""
        homes = sorted(path for path in self.folder.glob("*") if path.is_dir())
        return [integrity.words(home.name, *version) for home in homes for version in integrity.out_of_use(home)]

    def prune(self, source: str, keep: int, pinned: Collection[tuple[str, str]]) -> list[str]:
        """Removes all but the newest ``keep`` versions, two of them at least, the published one and those that
        are needed (``pinned``): who is accepting a batch just now may be about to use the one that was published a
        moment ago. The names of those that are gone by this call.
        """
        self.clean()
        current = self.published(source)
        old = self.versions(source)[: -max(keep, 2)]
        removed = []
        for version in old:
            if version == current or (source, version.name) in pinned:
                continue
            if _removed(version.folder):
                removed.append(version.name)
        for name, _ in integrity.out_of_use(self.folder / source):
            if not (folder := self.folder / source / name).is_dir():
                integrity.mended(folder)
        return removed


def _put_in_place(building: Path, path: Path, source: str) -> None:
    """Renames what was built to its name; the caller has locked the source's folder. What is there already stays if it
    is whole: it is the same.
    """
    if path.exists() and not integrity.is_out_of_use(path):
        with suppress(Halt):
            integrity.check(path, source)
            return
    if path.exists():
        path.rename(building.with_name(f"{building.name}.broken"))
    building.rename(path)
    sync_folder(path.parent)
    integrity.check(path, source)
    integrity.mended(path)


def _removed(folder: Path) -> bool:
    """Removes a version, which is not there from the first moment on; False where another process was faster."""
    aside = folder.with_name(f"{_REMOVING}{folder.name}")
    with disk_trouble(folder.parent):
        try:
            with locked(folder, wait=False):  # so that nobody takes it for a leftover
                folder.rename(aside)
                sync_folder(folder.parent)
                shutil.rmtree(aside)
        except (FileNotFoundError, BlockingIOError):
            return False
    return True


def _removed_if_nobodys(building: Path) -> bool:
    try:
        with locked(building.parent, wait=False), locked(building, wait=False):
            shutil.rmtree(building, ignore_errors=True)
    except OSError:
        return False  # a build that is under way, another process was first, or who runs this may only read
    return True
