"""SFTP to a partner's server, by paramiko.

Rules
- Only the host key that the agreement pins is accepted; a wrong one, or a login that is refused, is for a person. No
  agent, no keys or known hosts of the account that runs this.
- Everything has a time limit, connecting and each look one in all; trouble with the connection is tried a few times
  with growing pauses, then it is Retryable.
- What a partner names is hostile: only plain names of a small alphabet are seen at all, links, folders and devices
  are not followed, sizes are bounded whatever the server says, and the place on our side never comes from a name on
  theirs.
- A file is put under a temporary name and renamed, so that it appears whole under its final name or not at all. That a
  server says so is not believed: it is delivered when it is seen there with its size.

Throughput needs requests that are sent ahead (without ``prefetch``, 5 MB/s where OpenSSH's own client reads 205) and
large, because Python works on each (256 MiB in requests of 32 KiB: 8.3 s of processor time, of 255 KiB: 1.1 s; sent so:
1.3 s, 0.7 s); a window of what may wait here that is no larger than needed (paramiko moves all that waits each time
that some is taken: 16 MiB, 5 s; 2 MiB, 1.6 s); and a cipher that authenticates what it encrypts (sending 256 MiB with
AES-CTR and HMAC: 2.1 s, with AES-GCM: 1.5 s). paramiko's limit on requests ahead is not used: it takes a moment without
requests for the end of the file, and asks one by one from there on (2 to 20 s).
"""

from __future__ import annotations

import base64
import hashlib
import random
import re
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import paramiko

from exchange.base.errors import Halt, Retryable
from exchange.base.files import written_atomically
from exchange.wire.sftp import SftpClient, TimeLimit

PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
MAX_LISTED_FILES: Final = 10_000
"""Files of a requests folder that are looked at; the partner is told when there are more."""

MAX_LISTED_RESULTS: Final = 100_000
"""Files that may lie in a results folder, where partners who remove nothing let them pile up."""

TEMPORARY: Final = ".part-"
_SSH_PORT: Final = 22
_LARGE_REQUEST: Final = 255 * 1024
"""Bytes; what OpenSSH's server takes at once, and gives at once since 8.5; others less."""

_SMALL_REQUEST: Final = 32 * 1024
_OPENSSH: Final = "SSH-2.0-OpenSSH_"
_BEFORE_READING: Final = 8
"""Requests that must be on their way before the first answer is read; see above."""

_MOMENT: Final = 0.001
_MAX_WAIT: Final = 1000
"""Moments of a millisecond for that."""

_FAST_CIPHERS: Final = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
_KEEPALIVE_SECONDS: Final = 15
_WINDOW: Final = 2 * 1024 * 1024
"""Bytes that a server may send before they are read, as OpenSSH's client has it."""


@dataclass(frozen=True)
class SftpAccount:
    """Where a partner's folders are, and the one host key (``ssh-ed25519 AAAA…``) that is accepted there."""

    host: str
    port: int
    username: str
    host_key: str
    requests: str
    results: str


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds, and how often to try to connect. ``transfer_seconds``: for the next bytes;
    ``whole_seconds``: for connecting with all tries, and for each look, in all.
    """

    connect_seconds: float = 10.0
    transfer_seconds: float = 60.0
    whole_seconds: float = 50.0
    tries: int = 3
    first_pause_seconds: float = 0.5


@dataclass(frozen=True)
class RemoteFile:
    """A plain file in the requests folder; ``mtime`` is the server's, in seconds."""

    name: str
    size: int
    mtime: int


@dataclass(frozen=True)
class Listing:
    """A requests folder as far as it was looked at. ``unread``: plain files whose names are none that is read;
    ``whole``: False when more lie there than are looked at.
    """

    files: list[RemoteFile]
    unread: int
    whole: bool


class Unsettled(Retryable):
    """A partner's file is gone, is growing, or was exchanged for something else: the partner is still at work on it."""


class Unreadable(Unsettled):
    """The partner's server does not let the office read a file."""


@contextmanager
def connect(place: SftpAccount, key_file: Path, timeouts: Timeouts = Timeouts()) -> Iterator[Folder]:
    """The partner's folders, connected for the length of the block."""
    limit = TimeLimit(f"SFTP server {place.host}:{place.port}")
    with limit.of(timeouts.whole_seconds), _network_trouble(place):
        client = _connect_patiently(place, key_file, timeouts, limit)
        try:
            sftp = _open_sftp(client, timeouts)
        except BaseException:
            client.close()
            raise
    try:
        yield Folder(place, sftp, limit, timeouts.whole_seconds)
    finally:
        client.close()


def _open_sftp(client: paramiko.SSHClient, timeouts: Timeouts) -> SftpClient:
    transport = client.get_transport()
    sftp = SftpClient.from_transport(transport) if transport is not None else None
    if sftp is None:
        msg = "the connection is gone"
        raise EOFError(msg)
    if (channel := sftp.get_channel()) is not None:
        channel.settimeout(timeouts.transfer_seconds)
    return sftp


def _connect_patiently(place: SftpAccount, key_file: Path, timeouts: Timeouts, limit: TimeLimit) -> paramiko.SSHClient:
    pause = timeouts.first_pause_seconds
    for left in reversed(range(timeouts.tries)):
        try:
            return _connect_once(place, key_file, timeouts, limit)
        except (paramiko.BadHostKeyException, paramiko.AuthenticationException):
            if limit.passed:  # paramiko takes a server that is too slow for one that refuses
                raise EOFError from None
            raise
        except (paramiko.SSHException, EOFError, OSError):
            if not left or limit.passed:
                raise
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  (spreads retries, guards nothing)
            pause *= 2
    raise AssertionError


def _connect_once(place: SftpAccount, key_file: Path, timeouts: Timeouts, limit: TimeLimit) -> paramiko.SSHClient:
    client = limit.client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    kind, _, encoded = place.host_key.partition(" ")
    key = paramiko.PKey.from_type_string(kind, base64.b64decode(encoded))
    name = place.host if place.port == _SSH_PORT else f"[{place.host}]:{place.port}"
    client.get_host_keys().add(name, kind, key)
    seconds = timeouts.connect_seconds
    try:
        client.connect(
            place.host,
            place.port,
            place.username,
            key_filename=str(key_file),
            allow_agent=False,
            look_for_keys=False,
            timeout=seconds,
            banner_timeout=seconds,
            auth_timeout=seconds,
            channel_timeout=seconds,
            transport_factory=_transport,
        )
    except BaseException:
        client.close()
        raise
    if (transport := client.get_transport()) is not None:
        transport.set_keepalive(_KEEPALIVE_SECONDS)
    return client


def _transport(sock: Any, /, **options: Any) -> paramiko.Transport:
    transport = paramiko.Transport(sock, default_window_size=_WINDOW, **options)
    offered = transport.get_security_options()
    offered.ciphers = (*_FAST_CIPHERS, *(cipher for cipher in offered.ciphers if cipher not in _FAST_CIPHERS))
    return transport


@contextmanager
def _network_trouble(place: SftpAccount) -> Iterator[None]:
    """The one place that says what a failed conversation with a server means."""
    where = f"SFTP server {place.host}:{place.port}"
    try:
        yield
    except paramiko.BadHostKeyException:
        msg = f"{where}: its host key is not the one that the agreement pins"
        raise Halt(msg) from None
    except paramiko.AuthenticationException:
        msg = f"{where}: the login as {place.username} is refused"
        raise Halt(msg) from None
    except PermissionError:
        msg = f"{where}: a file or folder may not be read or written"
        raise Halt(msg) from None
    except FileNotFoundError:
        msg = f"{where}: a file or folder is not there"
        raise Unsettled(msg) from None
    except (paramiko.SSHException, EOFError, OSError) as error:
        msg = f"{where}: the connection failed ({type(error).__name__})"
        raise Retryable(msg) from None


class Folder:
    """The two folders of a partner: requests to the office, results from it."""

    def __init__(self, place: SftpAccount, sftp: SftpClient, limit: TimeLimit, whole_seconds: float) -> None:
        self.place = place
        self.sftp = sftp
        self.limit = limit
        self.whole_seconds = whole_seconds

    def one_look(self) -> AbstractContextManager[None]:
        """The time that one look may take in all; Retryable, and the connection is cut, when it takes longer."""
        return self.limit.of(self.whole_seconds)

    def list_requests(self) -> list[RemoteFile]:
        """The plain files in the requests folder; whatever else lies there is not seen."""
        return self.listing().files

    def listing(self) -> Listing:
        """The requests folder, as far as it is looked at."""
        files: list[RemoteFile] = []
        unread = 0
        with _network_trouble(self.place):
            for count, entry in enumerate(self.sftp.entries(self.place.requests)):
                if count >= MAX_LISTED_FILES:
                    return Listing(files, unread, whole=False)
                if not stat.S_ISREG(entry.st_mode or 0) or entry.st_size is None:
                    continue
                if PLAIN_NAME.fullmatch(entry.filename):
                    files.append(RemoteFile(entry.filename, entry.st_size, int(entry.st_mtime or 0)))
                else:
                    unread += 1
        return Listing(files, unread, whole=True)

    def gone(self, names: Collection[str]) -> set[str]:
        """Those of these names that do not lie in the results folder."""
        with _network_trouble(self.place):
            left = set(names)
            for count, entry in enumerate(self.sftp.entries(self.place.results)):
                if count >= MAX_LISTED_RESULTS:
                    msg = f"SFTP server {self.place.host}:{self.place.port}: more than {MAX_LISTED_RESULTS} results"
                    raise Halt(msg)
                left.discard(entry.filename)
            return left

    def check_readable(self, name: str) -> None:
        """Unreadable where the server does not let the office read this file of the requests folder."""
        with _network_trouble(self.place), self._opened(name):
            pass

    def read_small(self, name: str, limit: int) -> bytes:
        """A small file's content; Unsettled when it is gone or has grown beyond ``limit`` bytes."""
        with _network_trouble(self.place), self._opened(name) as remote:
            content = remote.read(limit + 1)
        if len(content) > limit:
            msg = "a manifest or signature has grown while it was read"
            raise Unsettled(msg)
        return content

    def fetch(self, name: str, to: Path, *, limit: int, expected_size: int) -> str:
        """Fetches a request's data file; its SHA-256. At most ``limit`` bytes are taken, whatever the server says."""
        digest = hashlib.sha256()
        taken = 0
        with _network_trouble(self.place), self._opened(name) as remote, written_atomically(to) as local:
            for chunk in self._chunks(remote, min(expected_size, limit)):
                taken += len(chunk)
                if taken > min(expected_size, limit):
                    break
                digest.update(chunk)
                local.write(chunk)
            if taken != expected_size or taken > limit:
                msg = "a data file has another size than when it was listed"
                raise Unsettled(msg)
        return digest.hexdigest()

    def _chunks(self, remote: paramiko.SFTPFile, size: int) -> Iterator[bytes]:
        """The file's bytes to its end, ``size`` of them asked for ahead: in large requests, where the server answered
        the first with all that was asked.
        """
        remote.MAX_REQUEST_SIZE = _LARGE_REQUEST
        asked = self.sftp.request_number
        yield remote.read(min(size, _LARGE_REQUEST))
        request = _LARGE_REQUEST if self.sftp.request_number == asked + 1 else _SMALL_REQUEST
        remote.MAX_REQUEST_SIZE = request
        ahead = self.sftp.request_number + min(_BEFORE_READING, -(-(size - remote.tell()) // request))
        remote.prefetch(size)
        for _ in range(_MAX_WAIT):
            if self.sftp.request_number >= ahead:
                break
            time.sleep(_MOMENT)
        while chunk := remote.read(request):
            yield chunk

    @contextmanager
    def _opened(self, name: str) -> Iterator[paramiko.SFTPFile]:
        """A file of the requests folder, opened for reading; only a plain file, also if it was exchanged since it
        was listed.
        """
        path = self._request_path(name)
        if not stat.S_ISREG(self.sftp.lstat(path).st_mode or 0):
            msg = "a listed file is no plain file any more"
            raise Unsettled(msg)
        try:
            opened = self.sftp.open(path, "rb")
        except PermissionError:
            msg = f"SFTP server {self.place.host}:{self.place.port}: a file may not be read"
            raise Unreadable(msg) from None
        with opened as remote:
            if not stat.S_ISREG(remote.stat().st_mode or 0):
                msg = "a listed file is no plain file any more"
                raise Unsettled(msg)
            yield remote

    def deliver(self, name: str, source: Path) -> None:
        """Puts a file into the results folder under its final name at once; again if it is there already."""
        final, temporary = f"{self.place.results}/{name}", f"{self.place.results}/{TEMPORARY}{name}"
        with source.open("rb") as local, _network_trouble(self.place):
            self._put(local, temporary)
            try:
                self.sftp.posix_rename(temporary, final)
            except OSError as error:
                if error.errno is not None or "unsupported" not in str(error).lower():
                    raise
                with suppress(FileNotFoundError):  # a server without the extension cannot replace in one go
                    self.sftp.remove(final)
                self.sftp.rename(temporary, final)
            self._check_size(local, final)

    def _put(self, local: BinaryIO, path: str) -> None:
        """Sends a file's bytes, and checks that the server has as many."""
        channel = self.sftp.get_channel()
        version = channel.get_transport().remote_version if channel is not None else ""
        request = _LARGE_REQUEST if version.startswith(_OPENSSH) else _SMALL_REQUEST
        with self.sftp.open(path, "wb") as remote:
            remote.set_pipelined(pipelined=True)
            remote.MAX_REQUEST_SIZE = request
            while chunk := local.read(request):
                remote.write(chunk)
        self._check_size(local, path)

    def _check_size(self, local: BinaryIO, path: str) -> None:
        if self.sftp.stat(path).st_size != local.tell():
            msg = "the server has another number of bytes than it was sent"
            raise OSError(msg)

    def remove(self, name: str) -> None:
        """Removes a file from the requests folder; it may be gone already."""
        with _network_trouble(self.place), suppress(FileNotFoundError):
            self.sftp.remove(self._request_path(name))

    def _request_path(self, name: str) -> str:
        if not PLAIN_NAME.fullmatch(name):
            msg = "not a plain file name"
            raise ValueError(msg)
        return f"{self.place.requests}/{name}"
