"""Connections that several conversations share, against a real server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from exchange.base.errors import Halt, Retryable
from exchange.demo.servers.sftp import FROM_OFFICE, TO_OFFICE, SftpServer
from exchange.wire import pool as pool_module
from exchange.wire.connection import SftpAccount, Timeouts
from exchange.wire.keys import make_ssh_key
from exchange.wire.pool import ConnectionPool, current_pool, pooled
from exchange.wire.transport import Folder, connect

Talk = Callable[..., AbstractContextManager[Folder]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    folder = tmp_path_factory.mktemp("pool")
    running = SftpServer(folder / "server")
    running.start(make_ssh_key(folder / "office"))
    yield running
    running.stop()


@pytest.fixture
def place(server: SftpServer) -> SftpAccount:
    return SftpAccount("127.0.0.1", server.port, server.username, server.host_key, TO_OFFICE, FROM_OFFICE)


@pytest.fixture
def pool() -> Iterator[ConnectionPool]:
    made = ConnectionPool()
    yield made
    made.close()


@pytest.fixture
def talk(pool: ConnectionPool, place: SftpAccount, server: SftpServer) -> Talk:
    key: Path = server.folder.parent / "office"

    def conversation(seconds: float = 60.0, account: SftpAccount = place) -> AbstractContextManager[Folder]:
        return pool.conversation(account, seconds, lambda: connect(account, key, Timeouts(tries=1)))

    return conversation


def stands(folder: Folder) -> bool:
    channel = folder.sftp.get_channel()
    return channel is not None and not channel.closed


def test_the_next_conversation_goes_on_with_the_connection(talk: Talk) -> None:
    with talk() as first:
        assert first.list_requests() == []
    with talk() as second:
        assert second.sftp is first.sftp
        assert second.list_requests() == []


def test_a_connection_is_closed_however_often_it_was_used(talk: Talk, pool: ConnectionPool) -> None:
    """An evening of small sets, one soon after another."""
    with talk() as first:
        pass
    for _ in range(2 * sys.getrecursionlimit()):
        with talk() as again:
            assert again.sftp is first.sftp
    pool.close()
    assert not stands(first)


def test_partners_who_share_a_login_share_a_connection_and_no_folder(
    talk: Talk, place: SftpAccount, server: SftpServer
) -> None:
    there = server.home / "other" / TO_OFFICE
    there.mkdir(parents=True)
    (there / "theirs").write_bytes(b"")
    with talk() as first:
        pass
    with talk(account=replace(place, requests=f"other/{TO_OFFICE}", results="other")) as second:
        assert second.sftp is first.sftp
        assert [file.name for file in second.list_requests()] == ["theirs"]
    with talk() as third:
        assert third.sftp is first.sftp
        assert third.list_requests() == []


@pytest.mark.parametrize("other", [{"host": "localhost"}, {"username": "x"}, {"host_key": "x"}, {"port": 1}])
def test_nobody_talks_over_the_connection_of_another_login(
    talk: Talk, place: SftpAccount, other: dict[str, object]
) -> None:
    with talk() as folder, pytest.raises(ValueError, match="another login"):
        folder.at(SftpAccount(**vars(place) | other))


def test_whoever_comes_meanwhile_connects_anew_and_one_of_the_two_is_kept(talk: Talk) -> None:
    with talk() as first, talk() as second:
        assert second.sftp is not first.sftp
    assert stands(second)
    assert not stands(first)


@pytest.mark.parametrize("error", [Halt("h"), Retryable("r"), ValueError("v"), KeyboardInterrupt()])
def test_after_an_error_the_connection_is_closed(talk: Talk, error: BaseException) -> None:
    with pytest.raises(type(error)), talk() as first:
        raise error
    assert not stands(first)
    with talk() as second:
        assert second.sftp is not first.sftp


def test_a_connection_that_was_cut_meanwhile_is_replaced(talk: Talk) -> None:
    with talk() as first:
        pass
    assert first.limit.client is not None
    first.limit.client.close()
    with talk() as second:
        assert second.sftp is not first.sftp
        assert second.list_requests() == []


@pytest.mark.parametrize("just_now", [60.0, 0.0])
def test_one_that_the_server_cut_is_replaced_however_short_ago_it_was_used(
    talk: Talk, just_now: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "_JUST_NOW_SECONDS", just_now)
    with talk() as first:
        pass
    assert first.limit.client is not None
    transport = first.limit.client.get_transport()
    assert transport is not None
    transport.sock.close()  # as a server that goes away: the connection's own thread finds out
    transport.join(60)
    with talk() as second:
        assert second.sftp is not first.sftp
        assert second.list_requests() == []


def test_each_conversation_has_its_own_time(talk: Talk) -> None:
    for _ in range(3):
        with talk(seconds=60.0) as folder:
            folder.list_requests()
    with pytest.raises(Retryable, match=r"within 0\.2 seconds"), talk(seconds=0.2) as folder:
        _until_it_fails(folder)


def _until_it_fails(folder: Folder) -> None:
    while True:
        folder.list_requests()


def test_what_the_agreement_pins_has_changed(talk: Talk, place: SftpAccount, server: SftpServer) -> None:
    other = make_ssh_key(server.folder.parent / "other")
    with talk():
        pass
    with pytest.raises(Halt, match="host key"), talk(account=replace(place, host_key=other)):
        pass


def test_few_are_kept_and_not_for_long(
    talk: Talk, pool: ConnectionPool, place: SftpAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "MAX_KEPT", 3)
    one_machine = ("127.0.0.1", "localhost", "127.1", "127.0.1", "2130706433")
    accounts = [replace(place, host=host) for host in one_machine]
    folders = []
    for account in accounts:
        with talk(account=account) as folder:
            folders.append(folder)
    assert sum(stands(folder) for folder in folders) == 3
    monkeypatch.setattr(pool_module, "KEPT_SECONDS", -1.0)
    pool.close_idle()
    assert not any(stands(folder) for folder in folders)


def test_a_pool_is_its_threads_and_its_blocks() -> None:
    elsewhere: list[ConnectionPool | None] = []
    with pooled() as outer:
        with pooled() as inner:
            assert inner is outer
        assert current_pool() is outer
        thread = Thread(target=lambda: elsewhere.append(current_pool()))
        thread.start()
        thread.join()
    assert elsewhere == [None]
    assert current_pool() is None
