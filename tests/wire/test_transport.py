"""SFTP against a real server: pinned keys, hostile folders, cut connections, nothing half-written."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exchange.base.errors import Halt, Retryable
from exchange.base.files import sha256, write_atomically
from exchange.demo.servers.processes import wait_for
from exchange.demo.servers.sftp import FROM_OFFICE, TO_OFFICE, SftpServer, find_sshd
from exchange.wire.connection import SftpAccount, Timeouts, Unsettled
from exchange.wire.keys import make_ssh_key
from exchange.wire.transport import TEMPORARY, Folder, connect

SHORT_TIMEOUTS = Timeouts(connect_seconds=2, transfer_seconds=2, tries=2, first_pause_seconds=0.05)
BIG = 64 * 1024 * 1024


@pytest.fixture(scope="module", params=["openssh", "embedded"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    if request.param == "openssh":
        assert find_sshd(), "OpenSSH's server is not installed (Debian: openssh-server)"
    folder = tmp_path_factory.mktemp(request.param)
    running = SftpServer(folder / "server", embedded=request.param == "embedded")
    running.start(make_ssh_key(folder / "office"))
    yield running
    running.stop()


@pytest.fixture
def key(server: SftpServer) -> Path:
    return server.folder.parent / "office"


@pytest.fixture
def place(server: SftpServer) -> SftpAccount:
    return SftpAccount("127.0.0.1", server.port, server.username, server.host_key, TO_OFFICE, FROM_OFFICE)


@pytest.fixture
def to_office(server: SftpServer) -> Iterator[Path]:
    folder = server.home / TO_OFFICE
    yield folder
    for path in folder.iterdir():
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.fixture
def from_office(server: SftpServer) -> Iterator[Path]:
    folder = server.home / FROM_OFFICE
    yield folder
    for path in folder.iterdir():
        path.unlink()


@pytest.fixture
def folder(place: SftpAccount, key: Path) -> Iterator[Folder]:
    with connect(place, key, SHORT_TIMEOUTS) as connected:
        yield connected


def test_a_file_comes_as_it_is(folder: Folder, to_office: Path, tmp_path: Path) -> None:
    content = os.urandom(3_000_001)
    (to_office / "a.csv").write_bytes(content)
    (listed,) = folder.list_requests()
    digest = folder.fetch("a.csv", tmp_path / "here", limit=1 << 30, expected_size=listed.size)
    assert digest == sha256(content)
    assert (tmp_path / "here").read_bytes() == content
    assert (tmp_path / "here").stat().st_mode & 0o777 == 0o600


def test_no_byte_is_asked_for_twice(server: SftpServer, folder: Folder, to_office: Path, tmp_path: Path) -> None:
    """As would be, were a moment without requests taken for the end of the file."""
    (to_office / "big.csv").write_bytes(bytes(BIG))
    before = folder.sftp.request_number
    folder.fetch("big.csv", tmp_path / "here", limit=BIG, expected_size=BIG)
    request = (32 if server.embedded else 255) * 1024
    assert folder.sftp.request_number - before < BIG / request + 10


def test_an_empty_file(folder: Folder, to_office: Path, tmp_path: Path) -> None:
    (to_office / "a.csv").touch()
    assert folder.fetch("a.csv", tmp_path / "here", limit=10, expected_size=0) == sha256(b"")


def test_a_result_appears_whole_and_again(folder: Folder, from_office: Path, tmp_path: Path) -> None:
    source = tmp_path / "result"
    for content in (b"first" * 100_000, b"second"):
        source.write_bytes(content)
        folder.deliver("r.json", source)
        assert [path.name for path in from_office.iterdir()] == ["r.json"]
        assert (from_office / "r.json").read_bytes() == content


def test_removing_twice(folder: Folder, to_office: Path) -> None:
    (to_office / "a.csv").touch()
    folder.remove("a.csv")
    folder.remove("a.csv")
    assert list(to_office.iterdir()) == []


def test_another_host_key_is_for_a_person(place: SftpAccount, key: Path, tmp_path: Path) -> None:
    other = SftpAccount(**vars(place) | {"host_key": make_ssh_key(tmp_path / "other")})
    with pytest.raises(Halt, match="host key"), connect(other, key, SHORT_TIMEOUTS):
        pass


def test_another_login_is_for_a_person(place: SftpAccount, tmp_path: Path) -> None:
    make_ssh_key(tmp_path / "other")
    with pytest.raises(Halt, match="login"), connect(place, tmp_path / "other", SHORT_TIMEOUTS):
        pass


def test_nobody_there_is_tried_a_few_times_and_then_later(key: Path, place: SftpAccount) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused at once
        nobody = SftpAccount(**vars(place) | {"port": taken.getsockname()[1]})
        with pytest.raises(Retryable), connect(nobody, key, SHORT_TIMEOUTS):
            pass


def test_a_server_that_never_speaks_times_out(key: Path, place: SftpAccount) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        silent = SftpAccount(**vars(place) | {"port": mute.getsockname()[1]})
        before = time.monotonic()
        with pytest.raises(Retryable), connect(silent, key, SHORT_TIMEOUTS):
            pass
        assert time.monotonic() - before < 30


def test_a_server_that_hangs_up_is_told_once(key: Path, place: SftpAccount, caplog: pytest.LogCaptureFixture) -> None:
    """By our own error; paramiko would log each line of a stack, for each try."""
    with socket.create_server(("127.0.0.1", 0)) as hasty:

        def hang_up() -> None:
            for _ in range(SHORT_TIMEOUTS.tries):
                hasty.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        there = SftpAccount(**vars(place) | {"port": hasty.getsockname()[1]})
        with caplog.at_level("DEBUG"), pytest.raises(Retryable), connect(there, key, SHORT_TIMEOUTS):
            pass
        thread.join(60)
    assert [record for record in caplog.records if record.name.startswith("paramiko")] == []


def test_only_plain_files_with_plain_names_are_seen(folder: Folder, to_office: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (to_office / "link.request.json").symlink_to(tmp_path / "secret")
    (to_office / "dangling.request.json").symlink_to("/nowhere")
    (to_office / "folder.request.json").mkdir()
    os.mkfifo(to_office / "pipe.request.json")
    for name in ("-rf", ".hidden", "a b.csv", "a\nb.csv", "é.csv", "数据.csv", "a;b.csv", "x" * 201, "..%2f.csv"):
        (to_office / name).touch()
    (to_office / "good.csv").write_bytes(b"1")
    assert [(file.name, file.size) for file in folder.list_requests()] == [("good.csv", 1)]
    for name in ("link.request.json", "folder.request.json", "pipe.request.json"):
        with pytest.raises(Retryable):
            folder.read_small(name, 100)
        with pytest.raises(Retryable):
            folder.fetch(name, tmp_path / "here", limit=100, expected_size=6)
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("name", ["../from-office/x", "/etc/passwd", "a/b", "", "a\0b", "..", "-x"])
def test_a_name_that_is_no_plain_name_is_not_even_asked_for(folder: Folder, name: str, tmp_path: Path) -> None:
    for ask in (
        lambda: folder.read_small(name, 10),
        lambda: folder.fetch(name, tmp_path / "x", limit=1, expected_size=1),
        lambda: folder.remove(name),
    ):
        with pytest.raises(ValueError, match="plain"):
            ask()


@pytest.mark.parametrize(("listed", "now"), [(10, 20), (20, 10), (10, 0)])
def test_a_file_that_changed_since_it_was_listed(
    folder: Folder, to_office: Path, tmp_path: Path, listed: int, now: int
) -> None:
    (to_office / "a.csv").write_bytes(b"x" * now)
    with pytest.raises(Unsettled):
        folder.fetch("a.csv", tmp_path / "here", limit=100, expected_size=listed)
    assert list(tmp_path.iterdir()) == []


def test_never_more_than_the_limit(folder: Folder, to_office: Path, tmp_path: Path) -> None:
    (to_office / "a.csv").write_bytes(b"x" * 101)
    with pytest.raises(Unsettled):
        folder.fetch("a.csv", tmp_path / "here", limit=100, expected_size=101)
    with pytest.raises(Unsettled):
        folder.read_small("a.csv", 100)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, 1, 99, 100])
def test_a_small_file_costs_five_messages(folder: Folder, to_office: Path, size: int) -> None:
    """What lies there (twice, against an exchange), opening, reading, closing; not what follows its end, where there
    is something to read at all.
    """
    (to_office / "a.csv").write_bytes(b"x" * size)
    for _ in range(2):  # the answer to the first closing comes with those of the second
        asked = folder.sftp.request_number
        assert folder.read_small("a.csv", 100) == b"x" * size
        assert folder.sftp.request_number - asked == 5
    assert folder.answers()


def test_a_file_that_is_gone(folder: Folder, tmp_path: Path) -> None:
    with pytest.raises(Unsettled):
        folder.fetch("gone.csv", tmp_path / "here", limit=100, expected_size=10)


def test_a_folder_that_may_not_be_written(server: SftpServer, folder: Folder, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    (tmp_path / "r").write_bytes(b"x")
    (server.home / FROM_OFFICE).chmod(0o500)
    try:
        with pytest.raises(Halt):
            folder.deliver("r.json", tmp_path / "r")
    finally:
        (server.home / FROM_OFFICE).chmod(0o700)


def cut(server: SftpServer, when: Callable[[], bool]) -> threading.Thread:
    """Stops the server, with its connections, as soon as ``when`` holds."""

    def wait_and_stop() -> None:
        wait_for(when, 60)
        server.stop()

    thread = threading.Thread(target=wait_and_stop)
    thread.start()
    return thread


def restarted(server: SftpServer) -> None:
    server.start(make_ssh_key(server.folder.parent / "office"))


# paramiko asks for the file ahead in a thread of its own, which has nobody to tell that the connection is cut.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_cut_off_in_the_middle_of_a_download(
    server: SftpServer, place: SftpAccount, key: Path, to_office: Path, tmp_path: Path
) -> None:
    (to_office / "big.csv").write_bytes(bytes(BIG))
    begun = tmp_path / "begun"
    begun.mkdir()

    def has_begun() -> bool:
        return any(path.stat().st_size > BIG // 100 for path in begun.iterdir())

    cutting = cut(server, has_begun)
    with pytest.raises(Retryable), connect(place, key, SHORT_TIMEOUTS) as folder:
        folder.fetch("big.csv", begun / "here", limit=BIG, expected_size=BIG)
    cutting.join()
    restarted(server)
    assert list(begun.iterdir()) == []
    with connect(place, key) as folder:
        folder.fetch("big.csv", begun / "here", limit=BIG, expected_size=BIG)
    assert (begun / "here").stat().st_size == BIG


def test_cut_off_in_the_middle_of_an_upload(
    server: SftpServer, place: SftpAccount, key: Path, from_office: Path, tmp_path: Path
) -> None:
    source = tmp_path / "big"
    source.write_bytes(bytes(BIG))
    part = from_office / f"{TEMPORARY}r.csv"
    cutting = cut(server, lambda: part.exists() and part.stat().st_size > BIG // 100)
    with pytest.raises(Retryable), connect(place, key, SHORT_TIMEOUTS) as folder:
        folder.deliver("r.csv", source)
    cutting.join()
    restarted(server)
    assert not (from_office / "r.csv").exists()
    with connect(place, key) as folder:
        folder.deliver("r.csv", source)
    assert [path.name for path in from_office.iterdir()] == ["r.csv"]
    assert (from_office / "r.csv").stat().st_size == BIG


def test_cut_off_before_the_rename(
    server: SftpServer,
    place: SftpAccount,
    key: Path,
    from_office: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = tmp_path / "r"
    source.write_bytes(b"whole")
    with connect(place, key, SHORT_TIMEOUTS) as folder:
        rename = folder.sftp.posix_rename

        def rename_too_late(old: str, new: str) -> None:
            server.stop()
            rename(old, new)

        monkeypatch.setattr(folder.sftp, "posix_rename", rename_too_late)
        with pytest.raises(Retryable):
            folder.deliver("r.json", source)
    restarted(server)
    assert not (from_office / "r.json").exists()
    with connect(place, key) as folder:
        folder.deliver("r.json", source)
    assert [path.name for path in from_office.iterdir()] == ["r.json"]


def test_a_full_disk_here_is_said_and_tried_later(
    place: SftpAccount, key: Path, to_office: Path, tmp_path: Path
) -> None:
    (to_office / "a.csv").write_bytes(bytes(100_000))
    program = f"""
import resource, sys
from pathlib import Path
from exchange.base.errors import Retryable
from exchange.wire.transport import connect
from exchange.wire.connection import SftpAccount
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    with connect({place!r}, Path({str(key)!r})) as folder:
        folder.fetch("a.csv", Path({str(tmp_path / "here")!r}), limit=1 << 20, expected_size=100_000)
except Retryable as error:
    sys.exit(str(error))
"""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert "disk is full" in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place_here", ["/sys/here", "/proc/version/here", "/dev/null/here"])
def test_a_disk_of_our_own_that_cannot_be_written_is_never_the_servers_fault(
    folder: Folder, to_office: Path, place_here: str
) -> None:
    (to_office / "a.csv").write_bytes(b"rows")
    with pytest.raises(Halt, match="the office's own disk"):
        folder.fetch("a.csv", Path(place_here), limit=100, expected_size=4)


def test_a_file_of_our_own_that_is_not_there_is_never_the_servers_fault(folder: Folder, tmp_path: Path) -> None:
    for deliver in (folder.deliver, lambda *file: folder.deliver_together([(*file, sha256(b""))])):
        with pytest.raises(Halt, match="the office's own disk"):
            deliver("r.json", tmp_path / "gone")


def test_what_was_delivered_is_what_was_to_be_and_not_what_lay_here(
    folder: Folder, from_office: Path, tmp_path: Path
) -> None:
    source, meant = tmp_path / "r", b"the answer" * 1000
    source.write_bytes(meant[:-1] + b"!")  # changed since it was looked at
    with pytest.raises(Retryable, match="other bytes"):
        folder.deliver_together([("r.json", source, sha256(meant))])
    source.write_bytes(meant)
    folder.deliver_together([("r.json", source, sha256(meant))])
    assert (from_office / "r.json").read_bytes() == meant


@pytest.mark.parametrize("content", [None, b"", b"no key"])
def test_a_key_of_our_own_that_is_none_is_never_the_servers_fault(
    place: SftpAccount, tmp_path: Path, content: bytes | None
) -> None:
    key = tmp_path / "key"
    if content is not None:
        write_atomically(key, content)
    with pytest.raises(Halt, match=str(key)), connect(place, key, SHORT_TIMEOUTS):
        pass
