"""The login at a partner's server: a line that fails is no refusal, wherever it fails; a refusal is for a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.base.errors import Halt, Retryable
from exchange.demo.servers.sftp import FROM_OFFICE, TO_OFFICE, SftpServer
from exchange.wire.connection import SftpAccount, Timeouts
from exchange.wire.keys import make_ssh_key
from exchange.wire.transport import connect
from tests.campaign.gate import Fault, Gate

ONE_TRY = Timeouts(connect_seconds=0.4, transfer_seconds=1, whole_seconds=2, tries=1)
A_LOGIN = {"cut": range(1080, 2880, 60), "stall": range(1200, 2700, 150)}
"""Bytes that either side has sent while it lasts, with some of what goes before and comes behind."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    running = SftpServer(tmp_path_factory.mktemp("login") / "server")
    running.start(make_ssh_key(running.folder.parent / "office"))
    yield running
    running.stop()


@pytest.fixture
def place(server: SftpServer) -> SftpAccount:
    return SftpAccount("127.0.0.1", server.port, server.username, server.host_key, TO_OFFICE, FROM_OFFICE)


@pytest.mark.parametrize("from_server", [True, False])
@pytest.mark.parametrize("how", [*A_LOGIN])
def test_a_line_that_fails_at_whatever_byte_refuses_nobody(
    server: SftpServer, place: SftpAccount, how: str, from_server: bool
) -> None:
    gate, key, failed = Gate(server.port), server.folder.parent / "office", 0
    behind = replace(place, port=gate.port)
    with gate.watched():
        for after in A_LOGIN[how]:
            with gate.struck_by(Fault(how, after, from_server)), suppress(Retryable):
                failed += 1
                with connect(behind, key, ONE_TRY) as folder:
                    folder.list_requests()
                failed -= 1
        with connect(behind, key, Timeouts()) as folder:
            assert folder.list_requests() == []
    assert failed > len(A_LOGIN[how]) // 3


def test_another_key_is_for_a_person(place: SftpAccount, tmp_path: Path) -> None:
    make_ssh_key(tmp_path / "stranger")
    with pytest.raises(Halt, match=r"the login as .* is refused"), connect(place, tmp_path / "stranger", Timeouts()):
        pass
