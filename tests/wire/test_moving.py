"""A file that moves while it is read, and folders that are asked about together: real servers, real files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import paramiko
import pytest

from exchange.base.errors import Retryable
from exchange.base.files import sha256
from exchange.demo.servers.sftp import FROM_OFFICE, TO_OFFICE, SftpServer
from exchange.wire import transfer, transport
from exchange.wire.changed import ask_changed
from exchange.wire.connection import SftpAccount, Timeouts, Unsettled
from exchange.wire.transport import Folder, connect

SIZE = 6 * 1024 * 1024
"""More than a server may send before any of it is taken."""

NAME = "court.1.csv"

Move = Callable[[Path], object]


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x" * SIZE)


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"y" * SIZE)


def _exchange(path: Path, other: bytes) -> None:
    (path.parent / ".other").write_bytes(other)
    (path.parent / ".other").replace(path)


def _in_its_place(path: Path, put: Callable[[Path], object]) -> None:
    path.unlink()
    put(path)


MOVES: dict[str, Move] = {
    "stands still": lambda _: None,
    "grows": _append,
    "shrinks": lambda path: os.truncate(path, SIZE // 2),
    "is emptied": lambda path: os.truncate(path, 0),
    "is written anew": _overwrite,
    "is exchanged": lambda path: _exchange(path, b"z" * SIZE),
    "is exchanged for a smaller one": lambda path: _exchange(path, b"z"),
    "is gone": lambda path: path.unlink(),
    "becomes a link": lambda path: _in_its_place(path, lambda place: place.symlink_to("/etc/hostname")),
    "becomes an endless one": lambda path: _in_its_place(path, lambda place: place.symlink_to("/dev/zero")),
    "becomes a folder": lambda path: _in_its_place(path, Path.mkdir),
}


@pytest.fixture
def folder(server: SftpServer) -> Iterator[Folder]:
    place = SftpAccount("127.0.0.1", server.port, server.username, server.host_key, TO_OFFICE, FROM_OFFICE)
    with connect(place, server.folder.parent / "office", Timeouts(tries=1)) as connected:
        yield connected
    for path in (server.home / TO_OFFICE).iterdir():
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], object]], None]:
    """Does something once so many pieces of a file were read."""
    pieces = transfer.pieces

    def set_up(behind: int, move: Callable[[], object]) -> None:
        def moving(*args: Any, **options: Any) -> Iterator[bytes]:
            number = 0
            for number, piece in enumerate(pieces(*args, **options)):
                if number == behind:
                    move()
                yield piece
            if number < behind:
                move()

        monkeypatch.setattr(transport, "pieces", moving)

    return set_up


@pytest.mark.parametrize("behind", [0, 3, 1000], ids=["at its beginning", "in the middle", "at its end"])
@pytest.mark.parametrize("what", MOVES)
def test_what_is_fetched_is_as_large_as_it_was_listed_and_its_hash_is_its_own(
    server: SftpServer, folder: Folder, tmp_path: Path, moved: Callable[..., None], what: str, behind: int
) -> None:
    """Or nothing is kept of it. Whether it is the manifest's is seen by that hash."""
    path, to = server.home / TO_OFFICE / NAME, tmp_path / "fetched"
    path.write_bytes(b"a" * SIZE)
    moved(behind, lambda: MOVES[what](path))
    try:
        digest = folder.fetch(NAME, to, limit=2 * SIZE, expected_size=SIZE)
    except Unsettled:
        assert what != "stands still"
        assert [*tmp_path.iterdir()] == []
    else:
        assert to.stat().st_size == SIZE
        assert digest == sha256(to.read_bytes())
        assert [*tmp_path.iterdir()] == [to]
    assert folder.answers(), "the connection stands"


@pytest.mark.parametrize("what", MOVES)
def test_of_a_small_file_that_moves_no_more_is_read_than_it_may_have(
    server: SftpServer, folder: Folder, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Between being asked for its size and being read."""
    path, size = server.home / TO_OFFICE / NAME, paramiko.SFTPFile.stat
    path.write_bytes(b"a" * 100)

    def moving(remote: paramiko.SFTPFile) -> paramiko.SFTPAttributes:
        told = size(remote)
        MOVES[what](path)
        return told

    monkeypatch.setattr(paramiko.SFTPFile, "stat", moving)
    try:
        content = folder.read_small(NAME, 1000)
    except Unsettled:
        assert what != "stands still"
    else:
        assert len(content) <= 100
        assert set(content) <= set(b"ay")
    assert folder.answers()


def test_folders_are_asked_about_in_one_message_and_each_is_answered_for_itself(
    server: SftpServer, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, sent = paramiko.packet.Packetizer.send_message, list[paramiko.Message]()

    def noted(packets: paramiko.packet.Packetizer, message: paramiko.Message) -> None:
        sent.append(message)
        send(packets, message)

    names = [f"folder-{number}" for number in range(10)]
    for number, name in enumerate(names):
        if number != 4:
            (server.home / name).mkdir()
            os.utime(server.home / name, (number + 1, number + 1))
    accounts = [replace(folder.account, requests=name) for name in names]
    monkeypatch.setattr(paramiko.packet.Packetizer, "send_message", noted)
    asked = ask_changed(folder, accounts)
    assert len(sent) == 1
    for number in reversed(range(10)):
        if number == 4:
            with pytest.raises(Retryable, match="is not there"):
                asked[number].at()
        else:
            assert asked[number].at() == number + 1
    ask_changed(folder, accounts)  # whose answers nobody takes
    assert folder.list_requests() == []
    assert folder.answers()
    for path in server.home.glob("folder-*"):
        path.rmdir()
