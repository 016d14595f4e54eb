"""The two folders of a partner at its SFTP server; how it is connected to: ``connection.py``.

Rules
- What a partner names is hostile: only plain names of a small alphabet are seen at all, links, folders and devices
  are not followed, sizes are bounded whatever the server says, and the place on our side never comes from a name on
  theirs.
- A file is put under a temporary name and renamed, so that it appears whole under its final name or not at all. That a
  server says so is not believed: it is delivered when it is seen there with its size.
- What could not be put whole is removed: on a partner's full disk it would take the room of a receipt.
- A server that refuses one file and still answers: it is that file's trouble (``Denied``, ``Unreadable``).
- Trouble of our own disk is our own: it is raised as that, outside of what is the server's.
- One sender at a time for a name (``Lock``): two would write into the same temporary file, and where the server cannot
  replace a file in one go one would remove what the other has just put.

How fast: ``transfer.py``.
"""

from __future__ import annotations

import hashlib
import re
import stat
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import paramiko

from exchange.base.errors import Halt
from exchange.base.files import disk_trouble, sha256_of, written_atomically
from exchange.wire.connection import (
    CONVERSATION_FAILED,
    CUT,
    Denied,
    SftpAccount,
    Timeouts,
    Unreadable,
    Unsettled,
    connected,
    network_trouble,
)
from exchange.wire.sftp import SftpClient, TimeLimit
from exchange.wire.transfer import NotAsSentError, check, pieces, put, replace, request_size

PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
MAX_LISTED_FILES: Final = 10_000
"""Files of a requests folder that are looked at; the partner is told when there are more."""

MAX_LISTED_RESULTS: Final = 100_000
"""Files that may lie in a results folder, where partners who remove nothing let them pile up."""

MAX_FOLDERS: Final = 100
MAX_IN_FOLDER: Final = 1000
"""Folders in a requests folder, and things in each, that are looked into so as to say that they are not read."""

_OF_FILE_SYSTEMS: Final = ("lost+found",)
"""Folders that no partner makes."""

TEMPORARY: Final = ".part-"


@dataclass(frozen=True)
class RemoteFile:
    """A plain file in the requests folder; ``mtime`` is the server's, in seconds."""

    name: str
    size: int
    mtime: int


@dataclass(frozen=True)
class Listing:
    """A requests folder as far as it was looked at. ``unread``: plain files whose names are none that is read;
    ``folders``: names of the folders in it; ``links``: whatever else lies there; of all of these none whose name begins
    with a dot, as those of uploads under way do. ``whole``: False when more lie there than are looked at.
    """

    files: list[RemoteFile]
    unread: int = 0
    folders: list[str] = field(default_factory=list)
    links: int = 0
    whole: bool = True


Lock = Callable[[str], AbstractContextManager[object]]
"""Holds a name while a file is put under it, so that no other sender does; what is held is the caller's affair."""


@contextmanager
def connect(
    account: SftpAccount,
    key_file: Path,
    timeouts: Timeouts = Timeouts(),  # noqa: B008  (frozen)
    lock: Lock = nullcontext,
) -> Iterator[Folder]:
    """The partner's folders, connected for the length of the block."""
    limit, begun = TimeLimit(account.server), time.monotonic()
    with (
        connected(account, key_file, timeouts, limit) as sftp,
        limit.of(timeouts.conversation_seconds) if timeouts.conversation_seconds else nullcontext(),
    ):
        yield Folder(account, sftp, limit, timeouts.whole_seconds, lock, begun)


def _here(source: Path, size: int) -> Iterator[bytes]:
    """The bytes of a file of our own, in pieces of this size."""
    with disk_trouble(source), source.open("rb") as local:
        while chunk := local.read(size):
            yield chunk


class Folder:
    """The two folders of a partner: requests to the office, results from it."""

    def __init__(
        self,
        account: SftpAccount,
        sftp: SftpClient,
        limit: TimeLimit,
        whole_seconds: float,
        lock: Lock,
        begun: float | None = None,
    ) -> None:
        self.account = account
        self.sftp = sftp
        self.limit = limit
        self.whole_seconds = whole_seconds
        self.lock = lock
        self.begun = begun
        """When connecting began, until the first look: that look's time runs from there."""

    def at(self, account: SftpAccount) -> Folder:
        """The folders of another partner with the same login, over the same connection."""
        if account.login != self.account.login:
            msg = "another login"
            raise ValueError(msg)
        return Folder(account, self.sftp, self.limit, self.whole_seconds, self.lock)

    @property
    def is_cut(self) -> bool:
        """Whether the connection is known to be gone."""
        channel = self.sftp.get_channel()
        return channel is None or channel.closed

    def answers(self) -> bool:
        """Whether the connection stands: the server answers a question, whatever it says."""
        try:
            self.sftp.stat(self.account.requests)
        except (FileNotFoundError, PermissionError):
            return True
        except CONVERSATION_FAILED:
            return False
        return True

    def _file_trouble(self) -> AbstractContextManager[None]:
        return network_trouble(self.account, self.answers, self.limit)

    def _trouble(self) -> AbstractContextManager[None]:
        return network_trouble(self.account, limit=self.limit)

    def one_look(self) -> AbstractContextManager[None]:
        """The time that one look may take in all, the first with connecting; Retryable, and the connection is cut, when
        it takes longer.
        """
        begun, self.begun = self.begun, None
        return self.limit.of(self.whole_seconds, begun)

    def check_time(self) -> None:
        """Retryable where the look's time is over, for what is done beside the conversation."""
        self.limit.check()

    def list_requests(self) -> list[RemoteFile]:
        """The plain files in the requests folder; whatever else lies there is not seen."""
        return self.listing().files

    def listing(self) -> Listing:
        """The requests folder, as far as it is looked at."""
        files: dict[str, RemoteFile] = {}  # a server may name one again
        folders: list[str] = []
        unread = links = 0
        with self._trouble():
            for count, entry in enumerate(self.sftp.entries(self.account.requests)):
                if count >= MAX_LISTED_FILES:
                    return Listing([*files.values()], unread, folders, links, whole=False)
                name = entry.filename
                if stat.S_ISREG(entry.st_mode or 0) and entry.st_size is not None and PLAIN_NAME.fullmatch(name):
                    files[name] = RemoteFile(name, entry.st_size, int(entry.st_mtime or 0))
                elif name.startswith("."):
                    continue
                elif stat.S_ISREG(entry.st_mode or 0):
                    unread += 1
                elif stat.S_ISDIR(entry.st_mode or 0):
                    folders.append(name)
                else:
                    links += 1
        return Listing([*files.values()], unread, folders, links)

    def left_in(self, folders: Iterable[str], named: Collection[str] = ()) -> list[tuple[str, int, int]]:
        """(path, size, time) of what lies in these folders of the requests folder and in those in them, as far as they
        are looked into, without the ``named`` ones; a folder that may not be read stands there itself.
        """
        entries: list[tuple[str, int, int]] = []
        waiting = [name for name in folders if name not in _OF_FILE_SYSTEMS][:MAX_FOLDERS]
        for folder in (each for each in waiting if str(Path(self.account.requests, each)) not in named):  # which grows
            try:
                with self._file_trouble():
                    for entry in islice(self.sftp.entries(f"{self.account.requests}/{folder}"), MAX_IN_FOLDER):
                        path = f"{folder}/{entry.filename}"
                        if entry.filename.startswith("."):
                            continue
                        if not stat.S_ISDIR(entry.st_mode or 0):
                            entries.append((path, entry.st_size or 0, int(entry.st_mtime or 0)))
                        elif len(waiting) < MAX_FOLDERS:
                            waiting.append(path)
            except Unsettled:
                continue
            except (Denied, Halt):
                entries.append((folder, 0, 0))
        return entries

    def gone(self, names: Collection[str]) -> set[str]:
        """The names among these that do not lie in the results folder."""
        with self._trouble():
            left = set(names)
            for count, entry in enumerate(self.sftp.entries(self.account.results)):
                if count >= MAX_LISTED_RESULTS:
                    msg = f"{self.account.server}: more than {MAX_LISTED_RESULTS} results"
                    raise Halt(
                        msg, zh=f"{self.account.server}：结果目录中的文件超过 {MAX_LISTED_RESULTS} 个，请对方清理"
                    )
                left.discard(entry.filename)
            return left

    def check_readable(self, name: str) -> None:
        """Unreadable where the server does not let the office read this file of the requests folder."""
        with self._file_trouble(), self._opened(self._request_path(name)):
            pass

    def read_small(self, name: str, limit: int) -> bytes:
        """A small file's content; Unsettled when it is gone or has grown beyond ``limit`` bytes."""
        content = self._read(self._request_path(name), limit)
        if len(content) > limit:
            msg = "a manifest or signature has grown while it was read"
            raise Unsettled(msg)
        return content

    def read_back(self, name: str, limit: int) -> bytes | None:
        """The first ``limit`` bytes of a file in the results folder; None where none lies there that can be read."""
        try:
            return self._read(f"{self.account.results}/{name}", limit)
        except Unsettled:
            return None

    def _read(self, path: str, limit: int) -> bytes:
        """At most one byte more than ``limit``."""
        with self._file_trouble(), self._opened(path) as (remote, size):
            return remote.read(min(size or limit + 1, limit + 1))  # not asked at its end whether more follows

    def fetch(self, name: str, to: Path, *, limit: int, expected_size: int) -> str:
        """Fetches a request's data file; its SHA-256. At most ``limit`` bytes are taken, whatever the server says."""
        digest = hashlib.sha256()
        taken = 0
        with written_atomically(to) as local, closing(self._download(name, min(expected_size, limit))) as chunks:
            for chunk in chunks:
                taken += len(chunk)
                if taken > min(expected_size, limit):
                    break
                digest.update(chunk)
                local.write(chunk)
            if taken != expected_size or taken > limit:
                msg = "a data file has another size than when it was listed"
                raise Unsettled(msg)
        return digest.hexdigest()

    def _download(self, name: str, size: int) -> Generator[bytes]:
        """A request's bytes; what goes wrong in here is the server's, and in the caller's block the caller's."""
        with self._file_trouble(), self._opened(self._request_path(name)) as (remote, _):
            yield from pieces(self.sftp, remote, size)

    @contextmanager
    def _opened(self, path: str) -> Iterator[tuple[paramiko.SFTPFile, int]]:
        """A file, opened for reading, and how large the server says it is now, 0 where it does not; only a plain file,
        also if it was exchanged since it was listed.
        """
        if not stat.S_ISREG(self.sftp.lstat(path).st_mode or 0):
            msg = "a listed file is no plain file any more"
            raise Unsettled(msg)
        with self._unreadable(), self.sftp.reading(path) as remote:
            attributes = remote.stat()
            if not stat.S_ISREG(attributes.st_mode or 0):
                msg = "a listed file is no plain file any more"
                raise Unsettled(msg)
            yield remote, attributes.st_size or 0

    @contextmanager
    def _unreadable(self) -> Iterator[None]:
        """Unreadable where a server that still answers does not let a file be opened or read."""
        try:
            yield
        except (FileNotFoundError, *CUT):
            raise
        except OSError as error:
            if not isinstance(error, PermissionError) and not self.answers():
                raise
            msg = f"{self.account.server}: a file may not be read"
            raise Unreadable(msg) from None

    def deliver(self, name: str, source: Path) -> None:
        """Puts a file, as it is now, into the results folder under its final name at once; again if it is there."""
        with disk_trouble(source):
            digest = sha256_of(source)
        self.deliver_together([(name, source, digest)])

    def deliver_together(self, files: Sequence[tuple[str, Path, str]]) -> None:
        """The same with files of one answer, by name, source and the SHA-256 that the source must have, one after
        another, the one last that says that all are there: whoever sends any of them sends that one, whose name is held
        for all.
        """
        last = files[-1][0]
        with self.lock(
            f"{self.account.host}:{self.account.port} {self.account.username} {self.account.results}/{last}"
        ):
            for name, source, digest in files:
                with self._file_trouble():
                    self._deliver(name, source, digest)

    def _deliver(self, name: str, source: Path, digest: str) -> None:
        final, temporary = (f"{self.account.results}/{before}{name}" for before in ("", TEMPORARY))
        try:
            size = put(self.sftp, _here(source, request_size(self.sftp)), temporary)
            replace(self.sftp, temporary, final)
        except OSError as error:
            if not isinstance(error, CUT):
                with suppress(*CONVERSATION_FAILED):
                    self.sftp.remove(temporary)
            raise
        check(self.sftp, final, size, digest)

    def is_there(self, name: str, size: int, digest: str, *, as_fetched: bool = False) -> bool:
        """Whether a file lies in the results folder as it was sent; by its size alone where it may not be read.
        ``as_fetched``: in the requests folder as it was fetched.
        """
        path = self._request_path(name) if as_fetched else f"{self.account.results}/{name}"
        with self._file_trouble():
            try:
                check(self.sftp, path, size, digest)
            except (FileNotFoundError, NotAsSentError):
                return False
        return True

    def sign(self, name: str) -> tuple[int, int] | None:
        """Size and time of a file of the requests folder as it is there now; None where it is gone."""
        with self._file_trouble():
            try:
                now = self.sftp.lstat(self._request_path(name))
            except FileNotFoundError:
                return None
        return now.st_size or 0, int(now.st_mtime or 0)

    def end_of(self, name: str, octets: int) -> bytes | None:
        """The last so many bytes of a file of the requests folder; None where it is gone or cannot be read."""
        try:
            with self._file_trouble(), self._opened(self._request_path(name)) as (remote, size):
                remote.seek(max(0, size - octets))
                return remote.read(octets)
        except Unsettled:
            return None

    def remove(self, name: str) -> None:
        """Removes a file from the requests folder; it may be gone already. Denied where the server, which still
        answers, does not allow it.
        """
        path = self._request_path(name)
        with self._file_trouble(), suppress(FileNotFoundError):
            try:
                self.sftp.remove(path)
            except OSError as error:
                if isinstance(error, (FileNotFoundError, *CUT)) or not self.answers():
                    raise
                where = f"{self.account.server}: {self.account.requests}"
                msg = f"{where}: remove fails ({type(error).__name__}), so that what is kept here lies there still"
                raise Denied(msg) from None

    def _request_path(self, name: str) -> str:
        if not PLAIN_NAME.fullmatch(name):
            msg = "not a plain file name"
            raise ValueError(msg)
        return f"{self.account.requests}/{name}"
