"""Transfer of files to and from a partner's server: fast, and verified, since a server's word is not believed.

Rules
- What is sent stands under a temporary name until it is whole, and is delivered when it is seen under its final name
  with its size, and, where the server lets it be read, with its hash.
- The temporary file is a new one: a link that somebody put under its name would be written through, into whatever the
  office's account may write at that server, another partner's files among them; a pipe would be waited for.
- A server that cannot replace a file in one go (it answers FAILURE or *unsupported* to posix-rename) is delivered to by
  a plain rename, and where the name is taken by removing and renaming; the caller holds the name meanwhile.

Throughput needs requests that are sent ahead (without ``prefetch``, 5 MB/s where OpenSSH's own client reads 205) and
large, because Python works on each (256 MiB in requests of 32 KiB: 8.3 s of processor time, of 255 KiB: 1.1 s; sent so:
1.3 s, 0.7 s). paramiko's limit on requests ahead is not used: it takes a moment without requests for the end of the
file, and asks one by one from there on (2 to 20 s).
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

import paramiko

from exchange.wire.sftp import SftpClient

log = logging.getLogger(__name__)

_LARGE_REQUEST: Final = 255 * 1024
"""Bytes; what OpenSSH's server takes at once, and gives at once since 8.5; others less."""

_SMALL_REQUEST: Final = 32 * 1024
_OPENSSH: Final = "SSH-2.0-OpenSSH_"
_BEFORE_READING: Final = 8
"""Requests that must be on their way before the first answer is read; see above."""

_LOOK_SECONDS: Final = 0.001
_MAX_LOOKS: Final = 1000
"""So often it is checked whether they are, a millisecond apart: for a second at most."""


class NotAsSentError(OSError):
    """The file on the server is not the one that was sent."""


def pieces(sftp: SftpClient, remote: paramiko.SFTPFile, size: int, *, to_its_end: bool = True) -> Iterator[bytes]:
    """An open file's bytes to its end, ``size`` of them asked for ahead: in large requests, where the server answered
    the first with all that was asked. Without ``to_its_end`` it ends after ``size`` bytes and does not ask the server
    whether more follow.
    """
    remote.MAX_REQUEST_SIZE = _LARGE_REQUEST
    asked = sftp.request_number
    yield remote.read(min(size, _LARGE_REQUEST))
    request = _LARGE_REQUEST if sftp.request_number == asked + 1 else _SMALL_REQUEST
    remote.MAX_REQUEST_SIZE = request
    if (left := size - remote.tell()) > 0:
        ahead = sftp.request_number + min(_BEFORE_READING, -(-left // request))
        remote.prefetch(size)
        for _ in range(_MAX_LOOKS):
            if sftp.request_number >= ahead:
                break
            time.sleep(_LOOK_SECONDS)
    while (to_its_end or remote.tell() < size) and (chunk := remote.read(request)):
        yield chunk


def request_size(sftp: SftpClient) -> int:
    """Bytes that are sent to this server at once."""
    channel = sftp.get_channel()
    version = channel.get_transport().remote_version if channel is not None else ""
    return _LARGE_REQUEST if version.startswith(_OPENSSH) else _SMALL_REQUEST


def put(sftp: SftpClient, chunks: Iterable[bytes], path: str) -> int:
    """Sends these bytes under this name; their number, which was compared with the size that the server states."""
    size = 0
    with _new(sftp, path) as remote:
        remote.set_pipelined(pipelined=True)
        remote.MAX_REQUEST_SIZE = _LARGE_REQUEST
        for chunk in chunks:
            remote.write(chunk)
            size += len(chunk)
    _check_size(sftp, path, size)
    return size


def _new(sftp: SftpClient, path: str) -> paramiko.SFTPFile:
    """A file that was not there, to be written, in place of whatever a killed run or somebody else left."""
    try:
        return sftp.open(path, "wbx")
    except (TimeoutError, ConnectionError):  # nobody is there to be asked again
        raise
    except OSError:
        with suppress(FileNotFoundError):
            sftp.remove(path)
        return sftp.open(path, "wbx")


def replace(sftp: SftpClient, temporary: str, final: str) -> bool:
    """Gives a file its final name in place of what has it; whether the server could do so in one go."""
    for rename in (sftp.posix_rename, sftp.rename):  # the second where the name is free
        try:
            rename(temporary, final)
        except OSError as error:
            if error.errno is not None:  # not there or not allowed; FAILURE and *unsupported* have no number
                raise
        else:
            return rename == sftp.posix_rename
    with suppress(FileNotFoundError):
        sftp.remove(final)
    sftp.rename(temporary, final)
    return False


def check(sftp: SftpClient, path: str, size: int, digest: str) -> None:
    """NotAsSentError, or FileNotFoundError, unless this file is what was to be sent, by its SHA-256; by its size alone
    where the server does not let it be read.
    """
    _check_size(sftp, path, size)
    hashed = hashlib.sha256()
    try:
        with sftp.reading(path) as remote:
            for chunk in pieces(sftp, remote, size, to_its_end=False):
                hashed.update(chunk)
    except PermissionError:
        log.info("the server does not let the office read what it delivered: checked by its size alone")
        return
    if hashed.hexdigest() != digest:
        msg = "the server has other bytes than it was to be sent"
        raise NotAsSentError(msg)


def _check_size(sftp: SftpClient, path: str, size: int) -> None:
    if sftp.stat(path).st_size != size:
        msg = "the server has another number of bytes than it was sent"
        raise NotAsSentError(msg)
