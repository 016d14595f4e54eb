"""A partner's SFTP server: OpenSSH's where it is installed, else an embedded one.

Rules: one server for each partner, as in life: its own host key, its own port on loopback, its own folder. Two keys are
let in, the partner's and the office's, by public key only. OpenSSH runs as this very account, ``internal-sftp`` and
nothing else, starting in the partner's folder; it shuts nobody in (that takes root), which a production server must:
see ``docker/``.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from exchange.base.errors import Halt
from exchange.base.files import make_folder, write_atomically
from exchange.demo.servers import processes
from exchange.demo.servers.ports import LOOPBACK, port_answers, remembered_port
from exchange.demo.servers.processes import wait_for
from exchange.wire.keys import make_ssh_key

TO_OFFICE = "to-office"
FROM_OFFICE = "from-office"
_START_SECONDS = 60.0


def find_sshd() -> Path | None:
    """OpenSSH's server, which stands outside an ordinary account's path."""
    program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:/usr/bin")
    return Path(program) if program else None


@dataclass(frozen=True)
class SftpServer:
    """The server of one partner; ``home`` is what the partner sees."""

    folder: Path
    embedded: bool = False

    @property
    def home(self) -> Path:
        """The folder that the partner sees: both sides' files lie below it."""
        return self.folder / "home"

    @property
    def port(self) -> int:
        """Its port on loopback."""
        return remembered_port(self.folder, "sftp")

    @property
    def username(self) -> str:
        """The account by which one logs in."""
        return "partner" if self.is_embedded else pwd.getpwuid(os.geteuid()).pw_name

    @property
    def host_key(self) -> str:
        """The line that an agreement pins."""
        return make_ssh_key(self.folder / "host_key")

    @property
    def is_embedded(self) -> bool:
        """Whether it is the package's own server: asked for, or because OpenSSH's cannot serve this folder."""
        # OpenSSH splits a forced command at spaces, quoted or not, and would then start in the account's own home.
        return self.embedded or find_sshd() is None or " " in str(self.home)

    def start(self, *public_keys: str) -> None:
        """Starts the server for the bearers of these keys; nothing to do while it runs."""
        for path in (self.folder, self.home, self.home / TO_OFFICE, self.home / FROM_OFFICE):
            make_folder(path)
        make_ssh_key(self.folder / "host_key")
        command = self._embedded_command(public_keys) if self.is_embedded else self._openssh_command(public_keys)
        processes.start(self.folder, "sftp", command)
        wait_for(lambda: port_answers(self.port) or not self.is_running(), _START_SECONDS)
        if not self.is_running() or not port_answers(self.port):
            msg = f"the SFTP server did not start; see {self.folder / 'sftp.log'}"
            raise Halt(msg)

    def is_running(self) -> bool:
        """Whether the server runs."""
        return processes.is_running(self.folder, "sftp")

    def stop(self) -> None:
        """Stops the server and cuts its connections; nothing to do when it does not run."""
        processes.stop(self.folder, "sftp")

    def _openssh_command(self, public_keys: tuple[str, ...]) -> list[str]:
        sshd = find_sshd()
        if sshd is None:
            msg = "OpenSSH's sshd is not installed"
            raise Halt(msg)
        if os.geteuid() == 0:  # started by root, sshd wants the empty folder that Debian's service script makes
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        options = f'restrict,command="internal-sftp -d {self.home}"'
        write_atomically(self.folder / "authorized_keys", "".join(f"{options} {key}\n" for key in public_keys).encode())
        settings = {
            "ListenAddress": f"{LOOPBACK}:{self.port}",
            "HostKey": f'"{self.folder / "host_key"}"',
            "PidFile": "none",
            "AuthorizedKeysFile": f'"{self.folder / "authorized_keys"}"',
            "AuthenticationMethods": "publickey",
            "PermitRootLogin": "prohibit-password",
            "StrictModes": "no",  # the folder may lie in a checkout that a group may write to; the file itself is 0600
            "UsePAM": "no",
            "AllowTcpForwarding": "no",
            "AllowAgentForwarding": "no",
            "X11Forwarding": "no",
            "PermitTTY": "no",
            "PrintMotd": "no",
            "MaxStartups": "100",
            "Subsystem": "sftp internal-sftp",
        }
        if self._punishes(sshd):
            settings["PerSourcePenalties"] = "no"  # all partners come from one address here
        lines = "".join(f"{name} {value}\n" for name, value in settings.items())
        write_atomically(self.folder / "sshd_config", lines.encode())
        return [str(sshd), "-D", "-e", "-f", str(self.folder / "sshd_config")]

    def _punishes(self, sshd: Path) -> bool:
        """Whether this OpenSSH shuts out addresses that failed to log in: 9.8 and later; others refuse the setting."""
        asked = [str(sshd), "-T", "-f", os.devnull, "-h", str(self.folder / "host_key")]
        return b"persourcepenalties" in subprocess.run(asked, capture_output=True, check=False).stdout

    def _embedded_command(self, public_keys: tuple[str, ...]) -> list[str]:
        settings = {
            "port": self.port,
            "home": str(self.home),
            "host_key": str(self.folder / "host_key"),
            "username": self.username,
            "public_keys": list(public_keys),
        }
        write_atomically(self.folder / "embedded.json", json.dumps(settings).encode())
        return [sys.executable, "-m", "exchange.demo.servers.embedded_sftp", str(self.folder / "embedded.json")]
