"""An SFTP server of either kind, for what must hold whichever a partner has; keys for hostile ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from exchange.demo.servers.sftp import SftpServer
from exchange.wire.keys import make_ssh_key


@pytest.fixture(scope="module", params=[False, True], ids=["openssh", "asyncssh"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """The office's key lies beside its folder, as ``office``."""
    folder = tmp_path_factory.mktemp("server")
    running = SftpServer(folder / "server", embedded=request.param)
    running.start(make_ssh_key(folder / "office"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The office's, where no server knows it."""
    path = tmp_path_factory.mktemp("hostile") / "office"
    make_ssh_key(path)
    return path


@pytest.fixture(scope="module")
def host_key() -> paramiko.PKey:
    return paramiko.ECDSAKey.generate()
