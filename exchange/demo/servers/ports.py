"""Ports of the demo world's servers: free when first asked for, the same ever after, on loopback only.

Rule: a port is taken from below the range that the kernel gives to outgoing connections, so that no passing connection
sits on it when a stopped world is started again.
"""

from __future__ import annotations

import secrets
import socket
from pathlib import Path
from typing import Final

from exchange.base.files import make_folder, write_atomically

LOOPBACK: Final = "127.0.0.1"
_RANGE: Final = range(20_000, 32_000)


def remembered_port(folder: Path, name: str) -> int:
    """The port that ``<folder>/<name>.port`` remembers; chosen and written down when there is none."""
    path = make_folder(folder) / f"{name}.port"
    if not path.exists():
        write_atomically(path, str(_free_port()).encode())
    return int(path.read_text(encoding="ascii"))


def port_answers(port: int) -> bool:
    """Whether something on loopback takes connections at this port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def _free_port() -> int:
    while True:
        port = secrets.choice(_RANGE)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
