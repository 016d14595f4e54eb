"""The part ``transfer``: files in and out by SFTP, this software's way against OpenSSH's own client on the same server.

Both check the server's host key, read from and write to the same disk, and end when the file lies under its final name;
in the third way when it was fetched back from there, too, as this software does with whatever it delivers. Ours
computes the SHA-256 of what comes in and syncs what it fetched; ``sftp`` does neither, and writes to disk what it
fetches back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.measure import Run, in_turn, middle, python
from benchmarks.report import Goal, Part, Table, seconds, times
from exchange.base.files import make_folder
from exchange.demo.servers.sftp import FROM_OFFICE, TO_OFFICE, SftpServer
from exchange.wire.keys import make_ssh_key

MIB: Final = 1 << 20
IN, OUT, OUT_AND_BACK = "in", "out", "out-and-back"
WAYS: Final = {IN: "in", OUT: "out", OUT_AND_BACK: "out, and read back"}
LEAST_SHARE: Final = 0.95
ABOUT: Final = """\
{megabytes} MiB of random bytes from and to an OpenSSH server on loopback, connected anew each time; {runs} runs in
turn. *In*: fetched from the partner (ours also computes the SHA-256 and syncs the file); *out*: put under a temporary
name and renamed; *read back*: fetched again from its final name, as ours does with all that it delivers, by its
SHA-256 (`sftp`: into a file). Ours from connecting on, in a process that has imported what a worker of Airflow has;
`sftp` the whole process, which starts in 10 ms."""


@contextmanager
def server(folder: Path, megabytes: int) -> Iterator[SftpServer]:
    """A running server with a file to fetch, and the same file to put."""
    shutil.rmtree(folder, ignore_errors=True)
    running = SftpServer(folder)
    running.start(make_ssh_key(make_folder(folder) / "client"))
    try:
        for path in (running.home / TO_OFFICE / "file", folder / "file"):
            with path.open("wb") as stream:
                for _ in range(megabytes):
                    stream.write(os.urandom(MIB))
        name = f"[127.0.0.1]:{running.port}"
        (folder / "known_hosts").write_text(f"{name} {running.host_key}\n", encoding="ascii")
        (folder / IN).write_text(f"get {TO_OFFICE}/file {folder / 'fetched-by-sftp'}\n", encoding="utf-8")
        put = f"put {folder / 'file'} {FROM_OFFICE}/.file\nrename {FROM_OFFICE}/.file {FROM_OFFICE}/file\n"
        (folder / OUT).write_text(f"-rm {FROM_OFFICE}/file\n{put}", encoding="utf-8")
        back = f"get {FROM_OFFICE}/file {folder / 'fetched-back-by-sftp'}\n"
        (folder / OUT_AND_BACK).write_text(f"-rm {FROM_OFFICE}/file\n{put}{back}", encoding="utf-8")
        yield running
    finally:
        running.stop()


def openssh(running: SftpServer, way: str) -> list[str]:
    """``sftp``, with a batch of commands."""
    folder = running.folder
    options = {
        "IdentityFile": folder / "client",
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": folder / "known_hosts",
        "StrictHostKeyChecking": "yes",
        "User": running.username,
    }
    chosen = [argument for name, value in options.items() for argument in ("-o", f"{name}={value}")]
    return ["sftp", "-q", "-F", os.devnull, "-P", str(running.port), *chosen, "-b", str(folder / way), "127.0.0.1"]


def measure(folder: Path, megabytes: int, runs: int) -> dict[str, Run]:
    """The medians by way and direction."""
    with server(folder, megabytes) as running:
        commands = {}
        for way in WAYS:
            place = (running.port, running.username, running.host_key, folder)
            commands[f"ours {way}"] = python("benchmarks.transfer_one", way, *place)
            commands[f"sftp {way}"] = openssh(running, way)
        return {name: middle(each) for name, each in in_turn(commands, runs).items()}


def _seconds(run: Run) -> float:
    return float(run.told.get("seconds", run.seconds))


def part(folder: Path, megabytes: int, runs: int) -> Part:
    found = measure(folder, megabytes, runs)
    rows, goals = [], []
    for way, title in WAYS.items():
        ours, theirs = found[f"ours {way}"], found[f"sftp {way}"]
        share = _seconds(theirs) / _seconds(ours)
        speeds = [f"{megabytes * MIB / 1e6 / _seconds(run):.0f} MB/s" for run in (ours, theirs)]
        rows.append([title, seconds(_seconds(ours)), seconds(_seconds(theirs)), *speeds, times(share)])
        what = f"SFTP {title}, {megabytes} MiB, against OpenSSH's sftp"
        goals.append(Goal(what, f"at least {LEAST_SHARE:g} × its speed", times(share), share >= LEAST_SHARE))
    return Part(
        name="transfer",
        title="Transfer by SFTP",
        command="make bench ONLY=transfer",
        about=ABOUT.format(megabytes=megabytes, runs=runs),
        tables=[Table(("direction", "ours", "sftp", "ours", "sftp", "speed to sftp's"), rows)],
        goals=goals,
        figures={name: run.figures | dict(run.told) for name, run in found.items()},
    )
