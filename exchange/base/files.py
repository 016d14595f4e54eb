"""Files on the office's own disk: appear whole or not at all, and originals are kept unaltered under their hash.

Rules: write to a temporary name beside the place, sync, rename, sync the folder; files 0600, folders 0700; a name that
came from outside never becomes a path here (originals are named by their SHA-256 alone).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from exchange.base.errors import Halt, Retryable, disk_in_the_way

_FOLDER: Final = 2
"""Characters of it that name its folder."""

_DIGEST: Final = 64
"""Characters of a SHA-256 in hex."""

LOCK_SECONDS: Final = 300.0
"""How long another process is waited for; a lock is held for as long as a snapshot's version is read once, at most."""

DUMPS: Final = ".dump-"
"""Folders of the office's home in which a database's plain dump lies while it is encrypted, or restored, begin so."""

WRITING: Final = ".writing-"
"""A file that is being written, or that whoever was killed left half written, begins so."""

_BETWEEN_TRIES: Final = 0.05
_BROKEN: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.EIO, errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ESTALE}
)


@contextmanager
def disk_trouble(path: Path) -> Iterator[None]:
    """Errors of our own disk at ``path`` (a folder or file) become the house's: Retryable where it is full (somebody
    makes room), Halt where it fails or may not be written to. Nothing was lost.
    """
    try:
        yield
    except OSError as error:
        if (trouble := disk_in_the_way(error, path)) is not None:
            raise trouble from None
        if error.errno in _BROKEN:
            msg = f"the office's own disk: {path}: {error.strerror}"
            raise Halt(msg, zh=f"本单位磁盘有故障：{path}") from None
        raise


def make_folder(path: Path) -> Path:
    """The folder, made with its parents, readable by the office's own account only; what is made here lasts: a file in
    it that the register names would be gone with a folder that the disk never heard of.
    """
    with disk_trouble(path):
        if path.is_dir():
            return path
        for folder in (*reversed(path.parents), path):  # mkdir's own `parents` would give them the default mode
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                if not folder.is_dir():
                    raise
            else:
                sync_folder(folder.parent)
    return path


def names_in(folder: Path) -> list[str]:
    """The names of what lies in a folder, in any order; nothing where there is no such folder. Halt where it may not be
    looked into: ``Path.glob`` passes over such a folder, as if it were empty.
    """
    with disk_trouble(folder):
        try:
            return os.listdir(folder)  # noqa: PTH208  (names alone: a path for each takes ten times as long)
        except FileNotFoundError:
            return []


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, sorted by name; as :func:`names_in`."""
    return [folder / name for name in sorted(names_in(folder))]


def files_below(folder: Path) -> list[Path]:
    """All files in a folder and below it, sorted; as :func:`entries`. What goes meanwhile is left out."""

    def told(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    with disk_trouble(folder):
        found = (Path(where, name) for where, _, names in os.walk(folder, onerror=told) for name in names)
        return sorted(path for path in found if path.is_file())


def private(path: str, flags: int) -> int:
    """For ``open``, as its ``opener``: what it makes is readable by the office's own account only, from the start."""
    return os.open(path, flags, 0o600)


@contextmanager
def written_atomically(path: Path) -> Iterator[BinaryIO]:
    """A binary file to write to; it stands under ``path`` only when the block ended without an error."""
    with disk_trouble(path.parent):
        make_folder(path.parent)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=WRITING)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """``content`` under ``path``, whole or not at all."""
    with written_atomically(path) as stream:
        stream.write(content)


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Each content under its path: none as long as not all have reached the disk. Killed while they get their names,
    some are new and some are not: by what stands in them a reader must see which belong together.
    """
    with ExitStack() as renames:
        for path, content in contents.items():
            stream = renames.enter_context(written_atomically(path))
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())


@contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Holds a folder against other processes that ask so; a killed one holds nothing, one that stands still does:
    Retryable after ``LOCK_SECONDS``, and BlockingIOError at once where ``wait`` is not wanted.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, folder, LOCK_SECONDS if wait else None)
        yield
    finally:
        os.close(descriptor)


def clear_half_written(folder: Path) -> None:
    """Removes what was left by whoever was killed while it wrote here: keys and passwords among it. For whoever holds a
    folder in which nobody writes who does not hold it.
    """
    with disk_trouble(folder):
        for left in entries(folder):
            if left.name.startswith(WRITING):
                left.unlink(missing_ok=True)


def _lock(descriptor: int, folder: Path, seconds: float | None) -> None:
    begun = time.monotonic()
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if seconds is None:
                raise
            if time.monotonic() - begun >= seconds:
                msg = f"{folder}: another process has held this folder for {seconds:g} seconds; `fuser` says which"
                raise Retryable(msg, zh=f"{folder} 被另一进程占用已 {seconds:g} 秒；fuser 可查是哪个进程") from None
        time.sleep(_BETWEEN_TRIES)


def sync_folder(folder: Path) -> None:
    """A rename is lasting only once its folder is synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """The file's SHA-256, in hex, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def is_digest(text: str) -> bool:
    """Whether this is a SHA-256 in hex, as files of the archive are named."""
    return len(text) == _DIGEST and set(text) <= set("0123456789abcdef")


def _altered(digest: str) -> Halt:
    msg = f"original {digest} is not in the store, or was altered there"
    return Halt(msg, zh=f"存档原件 {digest} 不在，或已被改动；请从备份恢复，备份中没有的，请部门以同一批次号原样重发")


class Archive:
    """Everything that came from outside, as it came: one file per content, named by its SHA-256."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where the original of this SHA-256 lies, or would lie."""
        if not is_digest(digest):
            msg = "not a SHA-256 in hex"
            raise ValueError(msg)
        return self.folder / digest[:2] / digest

    def keep(self, content: bytes) -> str:
        """Keeps the bytes; their SHA-256. Keeping the same bytes twice changes nothing but their time."""
        digest = sha256(content)
        if not self.touch(digest) or not self._holds(digest, content):
            write_atomically(self.path(digest), content)
        return digest

    def _holds(self, digest: str, content: bytes) -> bool:
        """Whether these bytes lie here; not where somebody altered them, or whoever destroys them was faster."""
        path = self.path(digest)
        with disk_trouble(path), suppress(FileNotFoundError):
            return path.read_bytes() == content
        return False

    def has(self, digest: str) -> bool:
        """Whether the original lies here."""
        path = self.path(digest)
        with disk_trouble(path):
            return path.is_file()

    def touch(self, digest: str) -> bool:
        """Sets the original's time to now, so that it is not destroyed before whoever found it has named it in the
        register; False where it does not lie here.
        """
        path = self.path(digest)
        with disk_trouble(path):
            try:
                os.utime(path)
            except FileNotFoundError:
                return False
        return True

    def digests(self, untouched_since: datetime) -> Iterator[tuple[str, datetime]]:
        """What nobody laid down or touched since this moment, and when somebody last did."""
        for path in self.files():
            with suppress(FileNotFoundError):  # another run destroyed it meanwhile
                if len(path.name) == _DIGEST and (at := path.stat().st_mtime) < untouched_since.timestamp():
                    yield path.name, datetime.fromtimestamp(at, UTC)

    def files(self) -> Iterator[Path]:
        """The files of all originals, sorted, and what is being written beside them; Halt where a folder may not be
        looked into.
        """
        for folder in entries(self.folder):
            if len(folder.name) == _FOLDER:
                yield from entries(folder)

    def destroy(self, digest: str, untouched_since: datetime) -> bool:
        """Deletes an original that nobody touched since; False where somebody did. It is moved aside first, so that
        whoever lays the same bytes down meanwhile has them in their place; what is gone already is no fault.
        """
        path, aside = self.path(digest), self._aside(digest)
        make_folder(aside.parent)
        with suppress(FileNotFoundError):
            path.replace(aside)
        if not aside.exists():
            return True
        if aside.stat().st_mtime >= untouched_since.timestamp():
            self.put_back(digest)
            return False
        aside.unlink()
        sync_folder(aside.parent)
        return True

    def put_back(self, digest: str) -> None:
        """Undoes a destruction that was cut off."""
        with suppress(FileNotFoundError):
            self._aside(digest).replace(self.path(digest))
            sync_folder(self.path(digest).parent)

    def is_gone(self, digest: str) -> bool:
        """Whether it lies neither here nor aside, where a destruction that was cut off has left it."""
        return not self.has(digest) and not self._aside(digest).exists()

    def _aside(self, digest: str) -> Path:
        return self.folder / ".destroying" / digest

    def keep_file(self, fetched: Path, digest: str) -> None:
        """Takes over a fetched file whose SHA-256 the caller has computed; it is copied where the archive is mounted on
        a disk of its own.
        """
        path = self.path(digest)
        with disk_trouble(path.parent):
            make_folder(path.parent)
            try:
                fetched.replace(path)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                with fetched.open("rb") as source, written_atomically(path) as stream:
                    shutil.copyfileobj(source, stream)
                fetched.unlink()
            else:
                sync_folder(path.parent)

    def verified_path(self, digest: str) -> Path:
        """Where the original lies, once its bytes were checked against its name; Halt when they are not there or
        altered.
        """
        path = self.path(digest)
        with disk_trouble(path):
            if not path.is_file() or sha256_of(path) != digest:
                raise _altered(digest)
        return path

    def read(self, digest: str) -> bytes:
        """The original's bytes, checked against its name; Halt as above."""
        path = self.path(digest)
        with disk_trouble(path):
            content = path.read_bytes() if path.is_file() else b""
        if sha256(content) != digest:
            raise _altered(digest)
        return content
