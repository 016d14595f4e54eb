"""The partners' SFTP servers, OpenSSH's and the embedded one, by a real client with pinned host keys."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest

from exchange.demo.servers import sftp
from exchange.demo.servers.ports import LOOPBACK, port_answers
from exchange.demo.servers.sftp import SftpServer
from exchange.wire.keys import make_ssh_key

KINDS = [
    pytest.param(False, id="openssh", marks=pytest.mark.skipif(not sftp.find_sshd(), reason="sshd is not installed")),
    pytest.param(True, id="embedded"),
]


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    server = SftpServer(tmp_path_factory.mktemp("world") / "sftp", embedded=request.param)
    server.start(*(make_ssh_key(server.folder / name) for name in ("office", "partner")))
    yield server
    server.stop()
    assert not port_answers(server.port)


@contextmanager
def client(server: SftpServer, key: str, host_key: str | None = None) -> Iterator[paramiko.SFTPClient]:
    kind, pinned = (host_key or server.host_key).split()[:2]
    with paramiko.SSHClient() as ssh:
        entry = paramiko.hostkeys.HostKeyEntry.from_line(f"[{LOOPBACK}]:{server.port} {kind} {pinned}")
        assert entry is not None
        assert entry.key is not None
        ssh.get_host_keys().add(f"[{LOOPBACK}]:{server.port}", kind, entry.key)
        ssh.set_missing_host_key_policy(paramiko.RejectPolicy())
        private = paramiko.Ed25519Key.from_private_key_file(str(server.folder / key))
        ssh.connect(
            LOOPBACK, server.port, server.username, pkey=private, allow_agent=False, look_for_keys=False, timeout=60
        )
        yield ssh.open_sftp()


@pytest.mark.parametrize("key", ["office", "partner"])
def test_both_keys_put_rename_and_fetch(server: SftpServer, key: str) -> None:
    with client(server, key) as files:
        assert sorted(files.listdir(".")) == ["from-office", "to-office"]
        content = b"a,b\r\n" * 100_000
        files.putfo(io.BytesIO(content), "to-office/.part-x.csv")
        files.posix_rename("to-office/.part-x.csv", "to-office/x.csv")
        assert files.listdir("to-office") == ["x.csv"]
        got = io.BytesIO()
        files.getfo("to-office/x.csv", got)
        assert got.getvalue() == content
        files.remove("to-office/x.csv")


def test_an_unknown_key_is_refused(server: SftpServer) -> None:
    make_ssh_key(server.folder / "stranger")
    with pytest.raises(paramiko.AuthenticationException), client(server, "stranger"):
        pass


def test_a_password_is_refused(server: SftpServer) -> None:
    transport = paramiko.Transport((LOOPBACK, server.port))
    try:
        transport.start_client(timeout=60)
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_password(server.username, "guess", fallback=False)
    finally:
        transport.close()


def test_another_host_key_is_noticed(server: SftpServer) -> None:
    other = make_ssh_key(server.folder / "other_host_key")
    with pytest.raises(paramiko.BadHostKeyException), client(server, "partner", host_key=other):
        pass


def test_there_is_no_shell(server: SftpServer) -> None:
    with client(server, "partner") as files:
        transport = files.get_channel().get_transport()  # type: ignore[union-attr]
        channel = transport.open_session(timeout=60)
        try:
            channel.exec_command("echo shell")
            said = channel.makefile("rb").read(100)
        except paramiko.SSHException:
            said = b""
        assert b"shell" not in said


def test_private_files_are_private(server: SftpServer) -> None:
    for path in server.folder.iterdir():
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path.name


def test_stopping_cuts_connections_and_a_restart_keeps_port_key_and_files(server: SftpServer) -> None:
    (server.home / "to-office" / "kept.csv").write_bytes(b"1")
    before = server.port, server.host_key
    with client(server, "partner") as files:
        server.stop()
        assert not port_answers(server.port)
        with pytest.raises((OSError, EOFError)):
            files.listdir("to-office")
    server.start(*(make_ssh_key(server.folder / name) for name in ("office", "partner")))
    assert (server.port, server.host_key) == before
    with client(server, "office") as files:
        assert "kept.csv" in files.listdir("to-office")
        files.remove("to-office/kept.csv")


def test_the_embedded_server_takes_any_path_and_shuts_its_account_in(tmp_path: Path) -> None:
    server = SftpServer(tmp_path / "a path with spaces")
    assert server.username == "partner", "it is not the embedded server"
    server.start(make_ssh_key(server.folder / "partner"))
    try:
        with client(server, "partner") as files:
            assert sorted(files.listdir("/../..")) == ["from-office", "to-office"]
            files.symlink("/etc/passwd", "to-office/link.csv")
            with pytest.raises(OSError, match=r".+"), files.open("to-office/link.csv") as stream:
                stream.read(1)
    finally:
        server.stop()
