"""Where backups lie: content by its hash, each encrypted to the recovery certificate; a list for each backup.

    <vault>/objects/<2 hex>/<SHA-256 of the content>.<its own>.p7m      CMS, AES-256: `openssl cms -decrypt -inform DER`
    <vault>/backups/<UTC moment>.json.gz                                path → SHA-256 and size; written last

Rules
- What was encrypted once is not encrypted again: a backup costs what is new. Nothing is ever changed, only added or
  pruned.
- An object is written under a temporary name; some thousands at once are synced, read back from the disk, compared and
  renamed (a sync for each would take ten times as long). A list is written once all its objects have reached the disk:
  a backup that was cut off is none, and the next one goes on.
- One process writes at a time; ``written`` holds the folder. What one that was killed left goes with the next: half an
  object, half a list, and a dump that was not encrypted yet.
- A list that is not whole holds up nothing: it goes when its name says so. Until then nobody can say what it needs, and
  no object goes.
- The key that opens them is not here, and not needed to write: only restoring asks for it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import pkcs7

from exchange.base.errors import Halt, Retryable
from exchange.base.files import (
    clear_half_written,
    disk_trouble,
    locked,
    make_folder,
    sha256,
    sha256_of,
    write_atomically,
)
from exchange.wire.certificates import recipient
from exchange.wire.envelope import KeyPair, encrypt, encrypt_into

_NAME: Final = "%Y%m%dT%H%M%S.%fZ"
_LIST: Final = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z\.json\.gz")
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_IN_MEMORY: Final = 16 * 1024 * 1024
_PIECE: Final = 1024 * 1024
_NEW: Final = ".new-"
DUMPING: Final = ".dumping-"
"""Earlier versions dumped databases here before they encrypted them, and left them here where they were killed."""

RESTORING: Final = ".restoring-"
_TRIES: Final = 10
_APART: Final = timedelta(days=1)
"""How far the clocks of who makes backups and who looks at them may be apart."""

_CHUNK: Final = 2000


@dataclass(frozen=True)
class Entry:
    """A file of a backup. ``path``: where it stood; ``sha256``: of its content."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Backup:
    """``name``: the moment at which it began; ``entries``: by path."""

    name: str
    entries: dict[str, Entry]

    @property
    def at(self) -> datetime:
        """When it was begun, in UTC."""
        return datetime.strptime(self.name, _NAME).replace(tzinfo=UTC)


class Altered(Halt):
    """A file is not what its name says."""


class Unreadable(Halt):
    """A file is there, and the disk does not give it back, or this account may not read it."""


@contextmanager
def _given_back(path: Path) -> Iterator[None]:
    """For reading what is to be kept: its disk is not the one to which backups are written."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise Unreadable(msg, zh=f"读不出 {path}") from None


class Vault:
    """A folder of backups; ``certificate``: to whom new objects are encrypted."""

    def __init__(self, folder: Path, certificate: Path | None = None) -> None:
        self.folder = folder
        self.certificate = certificate
        self._unsettled: dict[Path, Path] = {}

    @contextmanager
    def written(self) -> Iterator[None]:
        """Holds the vault for writing, and removes what a run that was cut off left; Retryable where another writes."""
        make_folder(self.folder)
        try:
            with locked(self.folder, wait=False):
                self._clean()
                yield
        except BlockingIOError:
            msg = f"another backup is being written to {self.folder}"
            raise Retryable(msg, zh="另一份备份正在写入") from None

    def _clean(self) -> None:
        clear_half_written(self.folder / "backups")
        with disk_trouble(self.folder):
            for left in (self.folder / "objects").glob(f"??/{_NEW}*"):
                left.unlink()
            for left in self.folder.glob(f"{DUMPING}*"):
                shutil.rmtree(left)

    @cached_property
    def objects(self) -> dict[str, Path]:
        """SHA-256 of the content → the object, as they lay here when it was first asked for, and what came since."""
        paths = (self.folder / "objects").glob("??/*.p7m")
        return {path.name.partition(".")[0]: path for path in paths if not path.name.startswith(".")}

    def keep(self, path: str, content: Path, digest: str | None = None) -> Entry:
        """The file's content, encrypted unless it lies here already; Unreadable where it cannot be read. ``digest``:
        its SHA-256 where its name says it, and nothing need be read; Altered where it turns out to be another one. A
        file whose name says none may be replaced while it is read, as the day's checkpoint is: then the new one is
        kept.
        """
        for left in reversed(range(_TRIES)):
            with _given_back(content):
                hashed = digest or sha256_of(content)
            try:
                if hashed not in self.objects:
                    self.objects[hashed] = self._encrypt(content, hashed)
                break
            except Altered:
                if digest is not None or not left:
                    raise
        if len(self._unsettled) >= _CHUNK:
            self._settle()
        return Entry(path, hashed, content.stat().st_size)

    def finish(self, now: datetime, entries: Collection[Entry]) -> Backup:
        """The list, once everything it names has reached the disk; named by when the backup began."""
        self._settle()
        lines = {entry.path: [entry.sha256, entry.size] for entry in entries}
        name = now.astimezone(UTC).strftime(_NAME)
        content = gzip.compress(json.dumps(lines, ensure_ascii=False).encode(), 6, mtime=0)
        write_atomically(self._list(name), content)
        return self.backup(name)

    def names(self) -> list[str]:
        """Of all, the oldest first; no list is read."""
        paths = (self.folder / "backups").glob("*")
        return sorted(path.name.partition(".json")[0] for path in paths if _LIST.fullmatch(path.name))

    def ahead(self, now: datetime) -> list[str]:
        """The names of those of a day to come, by a clock that ran ahead, or because this one is behind."""
        return [name for name in self.names() if Backup(name, {}).at > now + _APART]

    def backups(self) -> Iterator[Backup]:
        """All of them, the oldest first; Halt at one whose list is not whole."""
        yield from map(self.backup, self.names())

    def damaged(self) -> list[str]:
        """The names of those whose list is not whole, the oldest first."""
        return [name for name in self.names() if self._backup_if_whole(name) is None]

    def _backup_if_whole(self, name: str) -> Backup | None:
        with suppress(Halt):
            return self.backup(name)
        return None

    def backup(self, name: str) -> Backup:
        """The backup of this name; Halt where it is not here or its list is not whole."""
        try:
            listed = json.loads(gzip.decompress(self._list(name).read_bytes()))
            entries = {path: Entry(path, *line) for path, line in listed.items()}
            if not all(_HEX.fullmatch(entry.sha256) for entry in entries.values()):
                raise ValueError
        except (OSError, EOFError, zlib.error, ValueError, TypeError, AttributeError):
            msg = f"backup {name} is not in {self.folder}, or its list is not whole"
            raise Halt(msg, zh=f"{self.folder} 中没有备份 {name}，或其清单损坏：用 --name 另选一份") from None
        return Backup(name, entries)

    def altered(self, backup: Backup) -> list[str]:
        """The paths whose objects are missing, or are not what was written; reads all of them."""
        digests = {entry.sha256 for entry in backup.entries.values()}
        whole = {digest for digest in digests if self._is_whole(digest)}
        return [path for path, entry in backup.entries.items() if entry.sha256 not in whole]

    def past(self, older_than: datetime) -> list[str]:
        """The names of those that began before, without the newest."""
        return [name for name in self.names()[:-1] if Backup(name, {}).at < older_than]

    def prune(self, older_than: datetime) -> int:
        """Removes backups that began before, the newest never, and what no other needs; how many."""
        names, gone = self.names(), self.past(older_than)
        needs = [self._backup_if_whole(name) for name in names if name not in gone]
        for name in gone:
            self._list(name).unlink()
        if None in needs:
            return len(gone)
        kept = {entry.sha256 for backup in needs if backup is not None for entry in backup.entries.values()}
        for digest in [digest for digest in self.objects if digest not in kept]:
            self.objects.pop(digest).unlink(missing_ok=True)
        return len(gone)

    def _list(self, name: str) -> Path:
        return self.folder / "backups" / f"{name}.json.gz"

    def _is_whole(self, digest: str) -> bool:
        path = self.objects.get(digest)
        return path is not None and path.is_file() and sha256_of(path) == path.name.split(".")[1]

    def open(self, entry: Entry, path: Path, key: KeyPair) -> None:
        """Puts the content to this place; Halt where the object is not what was written, or is for another key."""
        make_folder(path.parent)
        temporary = path.with_name(f"{RESTORING}{path.name}")
        try:
            temporary.unlink(missing_ok=True)
            temporary.touch(0o600)  # for the program that writes into it, too, which would make it readable for others
            if not self._is_whole(entry.sha256) or not _opened(self.objects[entry.sha256], temporary, key):
                msg = f"{entry.path}: its object is not what was written, or is for another key"
                raise Halt(msg, zh=f"{entry.path} 的备份已损坏，或恢复密钥不对：核对密钥，或用 --name 另选一份")
            if sha256_of(temporary) != entry.sha256:
                msg = f"{entry.path}: what was encrypted is not what the list says"
                raise Halt(msg, zh=f"{entry.path} 的备份与清单不符：用 --name 另选一份")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def _encrypt(self, content: Path, digest: str) -> Path:
        """The new object, named by its content's hash and by its own; it has that name once it was read back."""
        if self.certificate is None:
            msg = "no recovery certificate is named to encrypt to"
            raise Halt(msg, zh="未指定恢复证书")
        folder = self.folder / "objects" / digest[:2]
        with content.open("rb") as source, disk_trouble(folder):  # a source that is gone is no trouble of this disk
            handle, name = tempfile.mkstemp(dir=make_folder(folder), prefix=_NEW)
            temporary = Path(name)
            try:
                with os.fdopen(handle, "w+b") as stream:
                    encrypted = self._encrypted_into(stream, source, digest)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        path = folder / f"{digest}.{encrypted}.p7m"
        self._unsettled[path] = temporary
        return path

    def _settle(self) -> None:
        """Gives the new objects their names, once the disk has them and gives them back as they were written."""
        os.sync()
        for path, temporary in self._unsettled.items():
            if _on_disk(temporary) != path.name.split(".")[1]:
                msg = f"{self.folder}: what was written is not what is read; is the disk failing?"
                raise Halt(msg, zh=f"写入 {self.folder} 的内容读回不符，磁盘可能有故障")
            temporary.replace(path)
        self._unsettled.clear()
        os.sync()

    def _encrypted_into(self, stream: BufferedRandom, source: BufferedReader, digest: str) -> str:
        """Writes the envelope; its SHA-256. Altered where the content is not the one that its name says."""
        assert self.certificate is not None  # noqa: S101  (the caller has looked)
        to = recipient(self.certificate, datetime.now(UTC))
        if os.fstat(source.fileno()).st_size <= _IN_MEMORY:
            with _given_back(Path(source.name)):
                plain = source.read()
            made, encrypted = sha256(plain), encrypt(plain, to)
            stream.write(encrypted)
            stored_digest = sha256(encrypted)
        else:
            hashed = hashlib.sha256()
            encrypt_into(stream, _pieces(source, hashed), to)
            made = hashed.hexdigest()
            stream.seek(0)
            stored_digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if made != digest:
            msg = f"{source.name} is not what its name says; it was altered"
            raise Altered(msg, zh=f"{source.name} 备份期间一再变动，或已被改动")
        return stored_digest


def _on_disk(path: Path) -> str:
    """The SHA-256 of a synced file, asked of the disk and not of the memory."""
    with path.open("rb") as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _pieces(source: BufferedReader, hashed: hashlib._Hash) -> Iterator[bytes]:
    while True:
        with _given_back(Path(source.name)):
            piece = source.read(_PIECE)
        if not piece:
            return
        hashed.update(piece)
        yield piece


def _opened(encrypted: Path, path: Path, key: KeyPair) -> bool:
    if encrypted.stat().st_size <= _IN_MEMORY:
        with disk_trouble(path.parent), suppress(ValueError):
            path.write_bytes(pkcs7.pkcs7_decrypt_der(encrypted.read_bytes(), key.certificate, key.key, []))
            return True
    if shutil.which("openssl") is None:
        msg = "the program openssl is not installed on this machine"
        raise Halt(msg, zh="本机未安装 openssl")
    private, certificate = map(str, key.files)
    files = ("-in", str(encrypted), "-out", str(path), "-recip", certificate, "-inkey", private)
    command = ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", *files]
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=3600).returncode == 0
    except subprocess.TimeoutExpired:
        msg = f"{encrypted} could not be opened within an hour"
        raise Retryable(msg, zh="一小时内未能解密") from None
