"""SFTP servers as they should not be: real ones, that refuse, lose, or speak too slowly, in a partner's place."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import asyncssh
from asyncssh.packet import String
from paramiko.common import MSG_CHANNEL_DATA
from paramiko.sftp import CMD_NAME

from exchange.app import App
from exchange.demo.partner import DemoPartner
from exchange.settings import Settings
from exchange.wire.keys import make_ssh_key


class Shut(asyncssh.SFTPServer):
    """Does not let files be opened whose names end so."""

    ending = b""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        if path.endswith(self.ending):
            raise asyncssh.SFTPPermissionDenied("")
        return super().open(path, pflags, attrs)


class Locked(asyncssh.SFTPServer):
    """Answers FAILURE where a file is opened whose name ends so, to read or to write, as Windows does while another
    program holds it.
    """

    ending = b""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        if path.endswith(self.ending):
            raise asyncssh.SFTPFailure("")
        return super().open(path, pflags, attrs)


class Slow(asyncssh.SFTPServer):
    """Is asleep where a file is to be written."""

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        if pflags & asyncssh.FXF_WRITE:
            await asyncio.sleep(300)
        return super().open(path, pflags, attrs)


class Full(asyncssh.SFTPServer):
    """Has room for so many bytes in the folder that is written to."""

    room = 0

    def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        written = Path(os.fsdecode(file_obj.name))
        others = sum(path.stat().st_size for path in written.parent.iterdir() if path.name != written.name)
        if others + offset + len(data) > self.room:
            raise asyncssh.SFTPFailure("")
        return super().write(file_obj, offset, data)  # type: ignore[return-value]


class Losing(asyncssh.SFTPServer):
    """Answers *ok* to a rename, and the file is gone."""

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002  (what it is to be named is lost)
        self.remove(oldpath)


class Cutting(asyncssh.SFTPServer):
    """Keeps all but the last byte of what is renamed."""

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        super().posix_rename(oldpath, newpath)
        with Path(os.fsdecode(self.map_path(newpath))).open("r+b") as file:
            file.truncate(max(0, file.seek(0, 2) - 1))


class Altering(asyncssh.SFTPServer):
    """Keeps as many bytes of what is renamed, the last of them another one."""

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        super().posix_rename(oldpath, newpath)
        with Path(os.fsdecode(self.map_path(newpath))).open("r+b") as file:
            file.seek(-1, 2)
            last = file.read(1)[0]
            file.seek(-1, 2)
            file.write(bytes([last ^ 1]))


class Plain(asyncssh.SFTPServer):
    """Answers FAILURE to a rename that would replace: a name must be free."""

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002
        raise asyncssh.SFTPFailure("")


class Unremoving(asyncssh.SFTPServer):
    """Lets nothing be removed."""

    def remove(self, path: bytes) -> None:  # noqa: ARG002
        raise asyncssh.SFTPPermissionDenied("")


class Keeping(asyncssh.SFTPServer):
    """Answers FAILURE where anything is to be removed."""

    def remove(self, path: bytes) -> None:  # noqa: ARG002
        raise asyncssh.SFTPFailure("")


class Holding(asyncssh.SFTPServer):
    """Answers FAILURE where a file is to be removed whose name ends so, as Windows does while it is looked at for
    viruses.
    """

    ending = b""

    def remove(self, path: bytes) -> None:
        if path.endswith(self.ending):
            raise asyncssh.SFTPFailure("")
        super().remove(path)


class _Countless(asyncssh.SFTPAttrs):
    """Attributes of a file that are said to be four billion, of which none follows."""

    def encode(self, sftp_version: int) -> bytes:  # noqa: ARG002
        return bytes.fromhex("80000000 ffffffff")


class Lying(asyncssh.SFTPServer):
    """Tells of each file more attributes than there are."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        async for name in super().scandir(path):
            yield asyncssh.SFTPName(name.filename, name.longname, _Countless())


class Flooding(asyncssh.SFTPServer):
    """Sends answers to nobody's question without an end, whatever it was given leave to send."""

    sent = struct.pack(">IBI", (1 << 14) - 4, CMD_NAME, (1 << 32) - 1).ljust(1 << 14, b"\0")

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        channel: Any = self.channel  # whose own account of the window would hold it back
        for _ in range(400):
            channel.send_packet(MSG_CHANNEL_DATA, String(self.sent))
            await asyncio.sleep(0)
        async for name in super().scandir(path):
            yield name


class Empty(Flooding):
    """The same, of answers without content: four thousand in a message."""

    sent = bytes(1 << 14)


class Dropbox(Plain):
    """Lets nothing be read that lies in the results folder, its size alone be seen."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        if b"from-office/" in path and not pflags & asyncssh.FXF_WRITE:
            raise asyncssh.SFTPPermissionDenied("")
        return super().open(path, pflags, attrs)


@contextmanager
def served_by(app: App, partner: DemoPartner, kind: type[asyncssh.SFTPServer]) -> Iterator[None]:
    """The partner's folders, served by this kind of server in place of the sound one."""
    with serving(app.settings, partner, kind) as port, reached_at(app, partner, port):
        yield


@contextmanager
def serving(
    settings: Settings,
    partner: DemoPartner,
    kind: type[asyncssh.SFTPServer],
    *,
    host_key: Path | None = None,
    let_in: Path | None = None,
) -> Iterator[int]:
    """A server of this kind beside the sound one, over the same folders; its port. ``host_key``, ``let_in``: other
    keys than its own and the office's.
    """
    port: SimpleQueue[int] = SimpleQueue()
    over = threading.Event()
    keys = host_key or partner.server.folder / "host_key", make_ssh_key(let_in or settings.keys.sftp_key)
    thread = threading.Thread(target=lambda: asyncio.run(_serve(partner, kind, keys, port, over)), daemon=True)
    thread.start()
    try:
        yield port.get(timeout=60)
    finally:
        over.set()
        thread.join(60)


async def _serve(
    partner: DemoPartner,
    kind: type[asyncssh.SFTPServer],
    keys: tuple[Path, str],
    port: SimpleQueue[int],
    over: threading.Event,
) -> None:
    connections: list[asyncssh.SSHServerConnection] = []
    host_key, let_in = keys

    class Door(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            connections.append(conn)

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Door,
        server_host_keys=[str(host_key)],
        authorized_client_keys=asyncssh.import_authorized_keys(let_in),
        sftp_factory=lambda channel: kind(channel, chroot=str(partner.server.home).encode()),
    )
    port.put(server.get_port())
    while not over.is_set():
        await asyncio.sleep(0.05)
    server.close()
    for connection in connections:
        connection.abort()
    await asyncio.gather(server.wait_closed(), *[connection.wait_closed() for connection in connections])


@contextmanager
def dripping(app: App, partner: DemoPartner, after: int) -> Iterator[threading.Event]:
    """The partner's own server, from which after so many bytes there comes one each second, until the event is set."""
    hangs_up = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    client, _ = door.accept()
                    server = socket.create_connection(("127.0.0.1", partner.server.port))
                    threading.Thread(target=_pass_on, args=(client, server, None, hangs_up), daemon=True).start()
                    threading.Thread(target=_pass_on, args=(server, client, after, hangs_up), daemon=True).start()

        threading.Thread(target=answer, daemon=True).start()
        with reached_at(app, partner, door.getsockname()[1]):
            yield hangs_up
        door.shutdown(socket.SHUT_RDWR)


def _pass_on(source: socket.socket, to: socket.socket, after: int | None, hangs_up: threading.Event) -> None:
    passed = 0
    with source, to, both_ends_told(source, to), suppress(OSError):
        while data := source.recv(1 if after is not None and passed >= after else (after or 65536)):
            if after is not None and passed >= after and hangs_up.wait(1):
                return
            to.sendall(data)
            passed += len(data)


@contextmanager
def both_ends_told(*ends: socket.socket) -> Iterator[None]:
    """That it is over: the end of what another thread still reads from is only told when that has read."""
    try:
        yield
    finally:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def reached_at(app: App, partner: DemoPartner, port: int) -> Iterator[None]:
    """The partner's agreement names this port meanwhile."""
    path = app.settings.agreements / f"{partner.id}.toml"
    agreed = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^port = \d+$", f"port = {port}", agreed), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(agreed, encoding="utf-8")
