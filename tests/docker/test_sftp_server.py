"""``docker/sftp-server.sh`` as it runs in its container: here in a mount namespace of its own, with the real sshd."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exchange.base.paths import ROOT
from exchange.demo.servers.ports import remembered_port

NEEDED = ("/usr/sbin/sshd", "sftp", "ssh-keygen", "busybox", "unshare", "useradd")
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="makes accounts: root, in a namespace of its own"),
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
]
SECONDS = 60.0
"""The longest that a test waits for what comes within a second."""

INSIDE = """
set -eu
for device in null zero urandom tty; do : >"$1/dev/$device"; mount --bind "/dev/$device" "$1/dev/$device"; done
for folder in dev etc srv run; do mount --bind "$1/$folder" "/$folder"; done
shift
exec "$@"
"""


@dataclass
class Server:
    """The container, as its folders: ``srv/accounts``, ``srv/partners``; ``log``: what it says."""

    root: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.root / "log").read_text("utf-8")

    def partner(self, name: str) -> Path:
        return self.root / "srv" / "partners" / name

    def add(self, name: str) -> None:
        shutil.copy(self.root / "key.pub", self.root / "srv" / "accounts" / name)

    def start(self, look_seconds: float = 0.2) -> None:
        inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE, "sh", str(self.root)]
        sshd = ["-p", str(self.port), "-o", "ListenAddress=127.0.0.1"]
        with (self.root / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*inside, str(ROOT / "docker" / "sftp-server.sh"), *sshd],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, "LOOK_SECONDS": str(look_seconds)},
            )  # fmt: skip
        wait_for(lambda: "Server listening" in self.log)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(SECONDS)

    def sftp(self, name: str, *commands: str) -> subprocess.CompletedProcess[bytes]:
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"]
        address = ["-i", str(self.root / "key"), "-P", str(self.port), "-b", "-", f"{name}@127.0.0.1"]
        asked = "\n".join(commands).encode()
        return subprocess.run(
            ["sftp", *options, *address], input=asked, capture_output=True, timeout=SECONDS, check=False
        )


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    root = tmp_path / "root"
    for folder in ("dev", "run", "srv/accounts", "srv/partners"):
        (root / folder).mkdir(parents=True)
    for path in (tmp_path.parent, tmp_path, root):
        path.chmod(0o755)  # the accounts of partners go through them
    shutil.copytree("/etc", root / "etc", symlinks=True, ignore_dangling_symlinks=True)
    (root / "etc" / "ssh" / "host-keys").mkdir()
    shutil.copy(ROOT / "docker" / "sshd_config", root / "etc" / "ssh" / "sshd_config")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / "key")], check=True)
    place = Server(root, remembered_port(tmp_path, "sftp"))
    try:
        yield place
    finally:
        place.stop()


def accounts(server: Server) -> dict[str, int]:
    lines = [line.split(":") for line in (server.root / "etc" / "passwd").read_text("utf-8").splitlines()]
    before = {line.split(":")[0] for line in Path("/etc/passwd").read_text("utf-8").splitlines()}
    return {line[0]: int(line[2]) for line in lines if line[0] not in before}


def test_no_partner_yet_makes_no_account_and_one_is_added_while_it_runs(server: Server) -> None:
    (server.root / "srv" / "accounts" / "README.txt").write_text("no partner")
    server.start()
    assert accounts(server) == {}
    server.add("court-changchun")
    wait_for(lambda: (server.partner("court-changchun") / "dev" / "log").exists())
    done = server.sftp("court-changchun", f"put {server.root}/key.pub to-office/220102199001011237.csv", "ls /")
    assert done.returncode == 0, done.stderr
    assert min(accounts(server).values()) > 20_000
    wait_for(lambda: "to-office/…" in server.log)
    assert "close" in server.log
    assert "opendir" not in server.log  # the office looks into each folder twice a second
    assert "2201021990" not in server.log
    assert server.sftp("nobody-else", "ls").returncode != 0


def test_it_ends_when_it_alone_is_asked_to_and_not_with_the_next_look(server: Server) -> None:
    """As an engine asks the first process of a container: one that takes as long as the engine waits is killed."""
    server.start(look_seconds=3600)
    process = server.process
    assert process is not None
    wait_for(lambda: b"sleep" in b"".join(_commands(process.pid)))  # it looked, and waits
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == 0


def _commands(parent: int) -> list[bytes]:
    """The command lines of a process's children."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii").split()
    return [Path(f"/proc/{child}/cmdline").read_bytes() for child in children]


def test_folders_keep_their_number_and_none_has_the_offices(server: Server) -> None:
    for name, owner in (("zoo", 20_005), ("court", 1000)):
        folder = server.partner(name) / "to-office"
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x")
        os.chown(folder, owner, owner)
        os.chown(folder / "file", owner, owner)
        server.add(name)
    server.start()
    found = accounts(server)
    assert found["zoo"] == 20_005
    assert found["court"] > 20_000
    for name, number in found.items():
        assert {path.stat().st_uid for path in server.partner(name).glob("to-office/*")} == {number}
        assert server.sftp(name, "get to-office/file /dev/null", "rm to-office/file").returncode == 0
    (server.root / "srv" / "accounts" / "zoo").unlink()
    assert server.sftp("zoo", "ls").returncode != 0


def test_it_ends_when_it_is_told_to(server: Server) -> None:
    server.add("court")
    server.start()
    assert server.process is not None
    server.process.terminate()
    assert server.process.wait(SECONDS) == 0, "it was asked to stop, and nothing went wrong"
    assert server.sftp("court", "ls").returncode != 0
    server.process = None
