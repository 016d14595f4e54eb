"""What a partner puts under the names that the office is about to use: nothing is written through it, and it is no
other partner's harm.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exchange.base.errors import Retryable
from exchange.demo.servers.sftp import FROM_OFFICE, TO_OFFICE, SftpServer
from exchange.wire.connection import SftpAccount, Timeouts
from exchange.wire.transport import TEMPORARY, Folder, connect

NAME = "court.1.result.csv.p7m"
OTHERS = b"what is another partner's"

Put = Callable[[Path, Path], object]
IN_THE_WAY: dict[str, Put] = {
    "a file": lambda place, _: place.write_bytes(b"x" * 100_000),
    "a file that may only be read": lambda place, _: os.close(os.open(place, os.O_CREAT, 0o400)),
    "a link to another's file": lambda place, other: place.symlink_to(other),
    "a link out of the folder": lambda place, other: place.symlink_to(os.path.relpath(other, place.parent)),
    "a link to nothing": lambda place, other: place.symlink_to(other.parent / "new"),
    "a link to itself": lambda place, _: place.symlink_to(place.name),
    "another name of another's file": lambda place, other: place.hardlink_to(other),
    "a link to a device": lambda place, _: place.symlink_to("/dev/zero"),
    "a pipe": lambda place, _: os.mkfifo(place),
}


@pytest.fixture
def folder(server: SftpServer) -> Iterator[Folder]:
    place = SftpAccount("127.0.0.1", server.port, server.username, server.host_key, TO_OFFICE, FROM_OFFICE)
    limits = Timeouts(transfer_seconds=3, tries=1)
    with connect(place, server.folder.parent / "office", limits) as connected:
        yield connected
    for path in (server.home / FROM_OFFICE).iterdir():
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.fixture
def other(server: SftpServer) -> Path:
    path = server.home / TO_OFFICE / "another"
    path.unlink(missing_ok=True)
    path.write_bytes(OTHERS)
    (path.parent / "new").unlink(missing_ok=True)
    return path


@pytest.mark.parametrize("name", [NAME, TEMPORARY + NAME])
@pytest.mark.parametrize("what", IN_THE_WAY)
def test_nothing_is_written_through_what_lies_in_the_way(
    server: SftpServer, folder: Folder, other: Path, tmp_path: Path, what: str, name: str
) -> None:
    (tmp_path / "result").write_bytes(b"the answer" * 1000)
    results = server.home / FROM_OFFICE
    IN_THE_WAY[what](results / name, other)
    folder.deliver(NAME, tmp_path / "result")
    assert not (results / NAME).is_symlink()
    assert (results / NAME).read_bytes() == b"the answer" * 1000
    assert other.read_bytes() == OTHERS
    assert not (other.parent / "new").exists()
    assert [path.name for path in results.iterdir()] == [NAME]


@pytest.mark.parametrize("name", [NAME, TEMPORARY + NAME])
def test_a_folder_in_the_way_is_left_and_told(server: SftpServer, folder: Folder, tmp_path: Path, name: str) -> None:
    """It may hold what is somebody's; the connection stands, and the file comes once the name is free."""
    (tmp_path / "result").write_bytes(b"the answer")
    place = server.home / FROM_OFFICE / name
    place.mkdir()
    with pytest.raises(Retryable, match="the connection stands"):
        folder.deliver(NAME, tmp_path / "result")
    assert place.is_dir()
    place.rmdir()
    folder.deliver(NAME, tmp_path / "result")
    assert (server.home / FROM_OFFICE / NAME).read_bytes() == b"the answer"
