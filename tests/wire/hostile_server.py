"""A server that means harm, from whichever message on: paramiko's own, which says nothing more, drips, talks without an
end, answers twice, lists what it likes, or shows another key. What asyncssh's servers do without leaving the protocol:
``tests/steps/odd_servers.py``.
"""

from __future__ import annotations

import socket
import stat
import struct
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import paramiko
from paramiko.common import AUTH_SUCCESSFUL, MSG_KEXINIT, OPEN_SUCCEEDED
from paramiko.sftp import (
    CMD_ATTRS,
    CMD_CLOSE,
    CMD_FSTAT,
    CMD_HANDLE,
    CMD_LSTAT,
    CMD_NAME,
    CMD_OPENDIR,
    CMD_READDIR,
    CMD_STAT,
    SFTP_EOF,
    SFTP_FAILURE,
    SFTP_OK,
)

from exchange.wire.connection import SftpAccount

FOLDER: Final = stat.S_IFDIR | 0o755
FILE: Final = stat.S_IFREG | 0o644

DRIP_SECONDS: Final = 0.2

Answer = Callable[[int], bytes | None]
"""What comes back when a folder is read for the n-th time, from the count of names on; None: its end."""


def named(names: Collection[bytes], *, mode: int = FILE, size: int = 1, mtime: int = 1) -> bytes:
    """An answer with these names, each with these attributes."""
    attributes = paramiko.SFTPAttributes()
    attributes.st_mode, attributes.st_size, attributes.st_atime, attributes.st_mtime = mode, size, mtime, mtime
    told = paramiko.Message()
    told.add_int(len(names))
    for name in names:
        told.add_string(name)
        told.add_string(b"")
        attributes._pack(told)  # type: ignore[attr-defined]  # its stub leaves it out
    return told.asbytes()


class HostileServer:
    """Answers whoever connects, each in threads of its own. ``silent_from``: the kind of the first message of SSH that
    it does not send, nor any after it; ``drips_from``: likewise, of what it sends byte by byte; ``flood``: what it says
    without an end once it has sent one of ``flood_from``; ``listed``: what lies in every folder; ``answers``: how often
    it answers what a folder is; ``open``: folders that are being read; ``once``: what it would say without an end it
    says once; ``garbles_from``: the kind of the first message from which on each byte is another; ``kex``: the one way
    in which it makes keys.
    """

    answers = 1
    drips_from: int | None = None
    once = False
    garbles_from: int | None = None
    kex: str | None = None

    def __init__(
        self,
        key: paramiko.PKey,
        listed: Answer = lambda _: None,
        silent_from: int | None = None,
        flood: bytes | None = None,
        flood_from: int | None = None,
    ) -> None:
        self.key = key
        self.listed = listed
        self.silent_from = silent_from
        self.flood = flood
        self.flood_from = flood_from
        self.open = 0
        self.transports: list[paramiko.Transport] = []
        self.door = socket.create_server(("127.0.0.1", 0))

    @property
    def account(self) -> SftpAccount:
        host_key = f"{self.key.get_name()} {self.key.get_base64()}"
        return SftpAccount("127.0.0.1", self.port, "partner", host_key, "to-office", "from-office")

    @property
    def port(self) -> int:
        return int(self.door.getsockname()[1])

    @contextmanager
    def answering(self, once: threading.Event | None = None) -> Iterator[None]:
        """For the length of the block; once this event is set, where one is given."""
        threading.Thread(target=self._accept, args=(once,), daemon=True).start()
        try:
            yield
        finally:
            self.door.shutdown(socket.SHUT_RDWR)
            self.door.close()
            for transport in self.transports:
                transport.close()
                transport.sock.close()

    def _accept(self, once: threading.Event | None) -> None:
        if once is not None:
            once.wait()
        with suppress(OSError):
            while True:
                line, _ = self.door.accept()
                transport = _Hostile(line, self)
                self.transports.append(transport)
                transport.add_server_key(self.key)
                transport.set_subsystem_handler("sftp", _Sftp, paramiko.SFTPServerInterface, hostile=self)
                with suppress(paramiko.SSHException, EOFError):
                    transport.start_server(threading.Event(), _Door())


class _Door(paramiko.ServerInterface):
    """Lets everybody in."""

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:  # noqa: ARG002
        return AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        return OPEN_SUCCEEDED


class _Hostile(paramiko.Transport):
    """Says nothing more from the first message of a kind on, or says the same without an end behind it, or
    nothing that can be read.
    """

    def __init__(self, line: socket.socket, hostile: HostileServer) -> None:
        super().__init__(line)
        self.hostile = hostile
        self.is_silent = self.is_flooding = self.is_dripping = self.is_garbling = False
        if hostile.kex is not None:
            self._preferred_kex = (hostile.kex,)
        packets: Any = self.packetizer
        self.whole, packets.write_all = packets.write_all, self._write

    def _send_message(self, data: Any) -> None:
        kind = data.asbytes()[0]
        self.is_silent = self.is_silent or kind == self.hostile.silent_from
        self.is_dripping = self.is_dripping or kind == self.hostile.drips_from
        self.is_garbling = self.is_garbling or kind == self.hostile.garbles_from
        if not self.is_silent:
            super()._send_message(data)  # type: ignore[misc]  # likewise
        if kind == self.hostile.flood_from and not self.is_flooding:
            self.is_flooding = True
            threading.Thread(target=self._flood, daemon=True).start()

    def _write(self, content: bytes) -> None:
        if self.is_garbling:
            content = bytes(byte ^ 1 for byte in content)
        for piece in [content[at : at + 1] for at in range(len(content))] if self.is_dripping else [content]:
            self.whole(piece)
            if self.is_dripping:
                time.sleep(DRIP_SECONDS)

    def _flood(self) -> None:
        with suppress(EOFError, OSError):
            while self.hostile.flood is not None:
                self.packetizer.send_message(paramiko.Message(self.hostile.flood))
                if self.hostile.once:
                    return


class _Sftp(paramiko.SFTPServer):
    """Every path is a folder in which lies what the server lists."""

    def __init__(self, *args: Any, hostile: HostileServer, **options: Any) -> None:
        super().__init__(*args, **options)
        self.hostile = hostile
        self.times = 0

    def _process(self, kind: int, number: int, asked: paramiko.Message) -> None:  # noqa: ARG002
        client: Any = self
        if kind == CMD_OPENDIR:
            self.hostile.open += 1
            client._response(number, CMD_HANDLE, b"folder")
        elif kind == CMD_CLOSE:
            self.hostile.open -= 1
            client._send_status(number, SFTP_OK)
        elif kind == CMD_READDIR:
            self._list(number)
        elif kind in (CMD_STAT, CMD_LSTAT, CMD_FSTAT):
            attributes = paramiko.SFTPAttributes()
            attributes.st_mode = FOLDER
            for _ in range(self.hostile.answers):
                client._response(number, CMD_ATTRS, attributes)
        else:
            client._send_status(number, SFTP_FAILURE)

    def _list(self, number: int) -> None:
        client: Any = self
        content, self.times = self.hostile.listed(self.times), self.times + 1
        if content is None:
            client._send_status(number, SFTP_EOF)
        else:
            told = paramiko.Message()
            told.add_int(number)
            told.add_bytes(content)
            client._send_packet(CMD_NAME, told)


@contextmanager
def saying(content: bytes) -> Iterator[int]:
    """A port at which these bytes come at once, again and again, whatever is said to it."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    line, _ = door.accept()
                    threading.Thread(target=_repeat, args=(line, content), daemon=True).start()

        threading.Thread(target=answer, daemon=True).start()
        yield int(door.getsockname()[1])
        door.shutdown(socket.SHUT_RDWR)


def _repeat(line: socket.socket, content: bytes) -> None:
    with line, suppress(OSError):
        while content:
            line.sendall(content)
        line.recv(1 << 16)


def packet(size: int, content: bytes) -> bytes:
    """A message of SSH before there are keys, that says it has this size."""
    return struct.pack(">IBB", size, 4, MSG_KEXINIT) + content
