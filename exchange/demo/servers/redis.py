"""Redis, where Celery keeps what is still to be run: Debian's ``redis-server``, on a socket file of its own.

Rules: no port is opened; the socket is 0600 in a 0700 folder, so that whoever may not read the world cannot reach it,
and there is no password to keep. Nothing is written to disk: what lies here is a copy of what Airflow's database knows,
and a queue that is lost is filled again by the scheduler.
"""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.base.errors import Halt
from exchange.base.files import make_folder, write_atomically
from exchange.demo.servers import processes
from exchange.demo.servers.processes import wait_for

_START_SECONDS: Final = 60.0
_LONGEST_SOCKET: Final = 107
"""Bytes of a socket's path that Linux takes, unix(7)."""


def find_redis() -> Path | None:
    """The server's program, which Debian puts on the ordinary path."""
    program = shutil.which("redis-server", path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin")
    return Path(program) if program else None


@dataclass(frozen=True)
class Redis:
    """A server in a folder of its own; start, stop and start again from whatever process."""

    folder: Path

    @property
    def socket_file(self) -> Path:
        """The Unix socket by which alone it is reached."""
        return self.folder / "redis.sock"

    @property
    def url(self) -> str:
        """Celery's broker URL."""
        return f"redis+socket://{self.socket_file}"

    def start(self) -> None:
        """Starts the server; nothing to do while it runs. Halt where it is not installed or does not answer."""
        program = find_redis()
        if program is None:
            msg = "redis-server is not installed; on Debian: apt-get install redis-server"
            raise Halt(msg)
        if len(os.fsencode(self.socket_file)) > _LONGEST_SOCKET:
            msg = f"{self.socket_file}: no socket takes a path beyond {_LONGEST_SOCKET} bytes; use a shorter folder"
            raise Halt(msg)
        write_atomically(make_folder(self.folder) / "redis.conf", self._settings().encode())
        processes.start(self.folder, "redis", [str(program), str(self.folder / "redis.conf")])
        if not wait_for(self.answers, _START_SECONDS):
            msg = f"Redis did not start; see {self.folder / 'redis.log'}"
            raise Halt(msg)

    def stop(self) -> None:
        """Stops the server; nothing to do when it does not run."""
        processes.stop(self.folder, "redis")

    def answers(self) -> bool:
        """Whether the server says that it is there."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket_file))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def _settings(self) -> str:
        lines = {
            "port": "0",
            "unixsocket": f'"{self.socket_file}"',
            "unixsocketperm": "600",
            "dir": f'"{self.folder}"',
            "daemonize": "no",
            "save": '""',
            "appendonly": "no",
            "maxmemory-policy": "noeviction",  # a message that was pushed out would be a task that nobody runs
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())
