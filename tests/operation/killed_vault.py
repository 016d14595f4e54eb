"""Makes a backup of some files in a process of its own, killed by SIGKILL at its first side effect, then at its
second, until one is done: ``killed_vault.py VAULT CERTIFICATE FOLDER``. Behind each the vault is opened for writing, as
the next backup would; prints, as JSON, how many were killed, and for each what was wrong then.

A side effect is what Python's audit events tell of: a file opened, renamed or removed, a folder made.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from exchange.operation.vault import Vault

EFFECTS = ("open", "os.rename", "os.remove", "os.mkdir")
DAY = datetime(2026, 11, 27, tzinfo=UTC)


def backup(vault: Vault, folder: Path, at: datetime) -> None:
    with vault.written():
        vault.finish(at, [vault.keep(path.name, path) for path in sorted(folder.iterdir())])
        vault.prune(at - timedelta(days=1))


def killed(vault: Path, certificate: Path, folder: Path, at: datetime, fatal: int) -> bool:
    """Whether it was killed before it was done."""
    pid = os.fork()
    if pid == 0:
        count = itertools.count(1)

        def watch(event: str, _arguments: object) -> None:
            if event in EFFECTS and next(count) == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        backup(Vault(vault, certificate), folder, at)
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if ended not in (0, -signal.SIGKILL):
        msg = f"ended with {ended}"
        raise RuntimeError(msg)
    return ended != 0


def wrong(folder: Path) -> list[str]:
    """What the next backup leaves of what a killed one left; backups that do not bring all back."""
    vault = Vault(folder)
    with vault.written():
        left = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.name.startswith(".")]
    return left + vault.damaged() + [path for each in vault.backups() for path in vault.altered(each)]


def main(vault: Path, certificate: Path, folder: Path) -> None:
    backup(Vault(vault, certificate), folder, DAY)
    told = list[list[str]]()
    for fatal in itertools.count(1):
        (folder / "new").write_text(f"{fatal}")
        if not killed(vault, certificate, folder, DAY + timedelta(days=fatal), fatal):
            break
        told.append(wrong(vault))
    sys.stdout.write(json.dumps({"killed": len(told), "wrong": [each for each in told if each]}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
