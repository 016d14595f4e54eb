"""Servers that are of no use: nobody there, one that never speaks, one that says a byte in two seconds."""

from __future__ import annotations

import socket
import time
from itertools import cycle
from threading import Thread
from typing import Final

from exchange.demo.servers.ports import LOOPBACK

_BYTE_SECONDS: Final = 2.0
_BANNER: Final = b"SSH-2.0-" + b"x" * 200


def nobody() -> int:
    """A port at which nothing listens."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


class Mute:
    """Takes connections and says nothing."""

    def __init__(self) -> None:
        self._listening = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listening.getsockname()[1]
        Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            while connection.recv(1024):
                pass


class Dripping(Mute):
    """Says a byte of its greeting in two seconds."""

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            for byte in cycle(_BANNER):
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    return
                time.sleep(_BYTE_SECONDS)
