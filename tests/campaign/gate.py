"""A man in the middle: a door on loopback before a partner's SFTP server, who passes bytes on as he likes.

Rules
- A fault strikes each connection that is made while it stands, counted in the bytes of one direction.
- Behind the door there may be another server for a while: one that lies, or has another key.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from exchange.demo.servers.ports import LOOPBACK

_AT_ONCE: Final = 65536
_DRIP_SECONDS: Final = 0.3
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: closing says that the connection is broken, not that it is over."""


@dataclass(frozen=True)
class Fault:
    """``how``: cut, reset, stall (nothing more comes), drip (a byte now and then), flip (one bit of one byte);
    ``after`` so many bytes from the server, or to it.
    """

    how: str
    after: int
    from_server: bool

    def __str__(self) -> str:
        return f"{self.how} after {self.after} bytes {'from' if self.from_server else 'to'} the server"


@dataclass
class Gate:
    behind: int
    """The port of the server."""
    fault: Fault | None = None
    door: socket.socket = field(default_factory=lambda: socket.create_server((LOOPBACK, 0)))
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.door.getsockname()[1])

    @contextmanager
    def struck_by(self, fault: Fault) -> Iterator[None]:
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None
            self._hang_up()

    @contextmanager
    def leading_to(self, port: int) -> Iterator[None]:
        """To another server; connections that stand are cut on both ways."""
        sound, self.behind = self.behind, port
        self._hang_up()
        try:
            yield
        finally:
            self.behind = sound
            self._hang_up()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Whoever comes is let in, until the block ends."""
        threading.Thread(target=self._answer, daemon=True).start()
        try:
            yield
        finally:
            self.door.shutdown(socket.SHUT_RDWR)
            self.door.close()
            self._hang_up()

    def _answer(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.door.accept()
                try:
                    server = socket.create_connection((LOOPBACK, self.behind), timeout=60)
                except OSError:
                    client.close()
                    continue
                server.settimeout(None)
                self._open += [client, server]
                for source, to, from_server in ((client, server, False), (server, client, True)):
                    fault = self.fault if self.fault is not None and self.fault.from_server is from_server else None
                    threading.Thread(target=_pass_on, args=(source, to, fault), daemon=True).start()

    def _hang_up(self) -> None:
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.clear()


def _pass_on(source: socket.socket, to: socket.socket, fault: Fault | None) -> None:
    passed = 0
    with suppress(OSError):
        while data := source.recv(_AT_ONCE):
            if fault is not None and passed + len(data) > fault.after:
                to.sendall(data[: max(0, fault.after - passed)])
                _strike(source, to, fault, data[max(0, fault.after - passed) :])
                break
            to.sendall(data)
            passed += len(data)
    for each in (source, to):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


def _strike(source: socket.socket, to: socket.socket, fault: Fault, rest: bytes) -> None:
    match fault.how:
        case "reset":
            for each in (source, to):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        case "stall":
            while source.recv(_AT_ONCE):  # taken, and not passed on, until somebody hangs up
                pass
        case "drip":
            while rest:
                for byte in rest:
                    to.sendall(bytes([byte]))
                    time.sleep(_DRIP_SECONDS)
                rest = source.recv(_AT_ONCE)
        case "flip":
            to.sendall(bytes([rest[0] ^ 1]) + rest[1:])
            _pass_on(source, to, None)
        case "cut":
            pass
        case how:
            raise ValueError(how)
