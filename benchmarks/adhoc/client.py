"""A plain SFTP client, as a partner has one: puts files, looks whether others are there, reads them."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

import paramiko

from exchange.demo.partner import DemoPartner
from exchange.demo.servers.sftp import FROM_OFFICE, TO_OFFICE

_LOOK_SECONDS = 0.02
_ASIDE = "aside"
_RESULT = ".result.json"


class Client:
    def __init__(self, sftp: paramiko.SFTPClient) -> None:
        self.sftp = sftp
        self.aside = False

    def put(self, files: Mapping[str, bytes]) -> None:
        """Puts files, each under its final name at once."""
        for name, content in files.items():
            self.lay(name, content)
            self.show(name)

    def lay(self, name: str, content: bytes) -> None:
        """Puts a file under a name that nobody reads."""
        with self.sftp.open(f"{TO_OFFICE}/.{name}", "wb") as remote:
            remote.set_pipelined(True)
            remote.write(content)

    def show(self, name: str) -> float:
        """Gives the file its final name; when it had it, in seconds of the wall clock."""
        self.sftp.posix_rename(f"{TO_OFFICE}/.{name}", f"{TO_OFFICE}/{name}")
        return time.time()

    def set_aside(self, files: Mapping[str, bytes]) -> None:
        """Puts files into a folder of the partner's own, at which nobody looks."""
        if not self.aside:
            with suppress(OSError):  # it is there, in a world that was measured before
                self.sftp.mkdir(_ASIDE)
            self.aside = True
        for name, content in files.items():
            with self.sftp.open(f"{_ASIDE}/{name}", "wb") as remote:
                remote.set_pipelined(True)
                remote.write(content)

    def drop(self, names: Iterable[str]) -> float:
        """Moves what was set aside to the office's folder, in this order; when the last was there."""
        for name in names:
            self.sftp.posix_rename(f"{_ASIDE}/{name}", f"{TO_OFFICE}/{name}")
        return time.time()

    def wait_for(self, name: str, seconds: float) -> float | None:
        """When the file from the office was there and read to its end; None where it did not come in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                with self.sftp.open(f"{FROM_OFFICE}/{name}", "rb") as remote:
                    remote.read()
                return time.time()
            except FileNotFoundError:
                time.sleep(_LOOK_SECONDS)
        return None

    def names(self) -> list[str]:
        return self.sftp.listdir(FROM_OFFICE)

    def answered(self, batches: Iterable[str], *, misses: int) -> dict[str, float]:
        """Batch → when its result had come, of these, asked for by name until so many were not there."""
        came: dict[str, float] = {}
        for batch in batches:
            try:
                entry = self.sftp.stat(f"{FROM_OFFICE}/{batch}{_RESULT}")
            except FileNotFoundError:
                misses -= 1
                if not misses:
                    break
            else:
                came[batch] = _when(entry)
        return came

    def all_answered(self) -> dict[str, float]:
        """Batch → when its result had come, of all whose result lies there."""
        entries = self.sftp.listdir_attr(FROM_OFFICE)
        return {e.filename.removesuffix(_RESULT): _when(e) for e in entries if e.filename.endswith(_RESULT)}


def _when(entry: paramiko.SFTPAttributes) -> float:
    """The file's time, in seconds of the wall clock; it is told in whole ones, of which the end counts."""
    return float(entry.st_mtime or 0) + 1.0


@contextmanager
def connected(partner: DemoPartner) -> Iterator[Client]:
    """The partner's own client, connected to its server."""
    server = partner.server
    kind, _, encoded = server.host_key.partition(" ")
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    key = paramiko.PKey.from_type_string(kind, base64.b64decode(encoded))
    client.get_host_keys().add(f"[127.0.0.1]:{server.port}", kind, key)
    key_file = str(partner.keys / "sftp")
    client.connect(
        "127.0.0.1", server.port, server.username, key_filename=key_file, allow_agent=False, look_for_keys=False
    )
    try:
        yield Client(client.open_sftp())
    finally:
        client.close()
