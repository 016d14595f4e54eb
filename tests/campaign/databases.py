"""The register's server killed, stopped, read-only, without a free connection, with a full disk."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg

from exchange.base.errors import Halt
from exchange.demo.servers.postgres import WORK, Postgres
from exchange.demo.servers.processes import wait_for
from tests.campaign.disks import Disk
from tests.campaign.office import Office
from tests.campaign.trees import signalled, tree
from tests.campaign.troubles import Trouble

_SECONDS: Final = 60


def killed(office: Office) -> Trouble:
    """All its processes at once, by SIGKILL; it is down until the duty has ended, or comes back meanwhile."""
    soon = office.chance.random() < 0.5
    words = f"PostgreSQL killed{', and back at once' if soon else ''}"
    return Trouble(words, lambda: _killed(office.world.postgres, back_at_once=soon), for_a_person=False)


@contextmanager
def _killed(postgres: Postgres, *, back_at_once: bool) -> Iterator[None]:
    signalled(processes_of(postgres), signal.SIGKILL)
    if back_at_once:
        started(postgres)
    yield
    started(postgres)


def stopped(office: Office) -> Trouble:
    """All its processes by SIGSTOP, for some seconds."""
    seconds = office.chance.uniform(0.5, 8)
    return Trouble(
        f"PostgreSQL stopped for {seconds:.1f} s", lambda: _stopped(office.world.postgres, seconds), for_a_person=False
    )


@contextmanager
def _stopped(postgres: Postgres, seconds: float) -> Iterator[None]:
    pids = processes_of(postgres)
    signalled(pids, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        signalled(pids, signal.SIGCONT)
    yield


def read_only(office: Office) -> Trouble:
    """Each transaction from now on, of sessions that stand too."""
    return Trouble("PostgreSQL read-only", lambda: _read_only(office), for_a_person=False)


@contextmanager
def _read_only(office: Office) -> Iterator[None]:
    with office.connected() as superuser:
        superuser.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        superuser.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            superuser.execute("ALTER SYSTEM RESET default_transaction_read_only")
            superuser.execute("SELECT pg_reload_conf()")
    wait_for(lambda: not _is_read_only(office), _SECONDS)


def _is_read_only(office: Office) -> bool:
    with office.connected() as asking:
        return asking.execute("SHOW default_transaction_read_only").fetchone() == ("on",)


def at_its_limit(office: Office) -> Trouble:
    """No session more for the roles that work, and those that stand are ended."""
    return Trouble("PostgreSQL at its limit of connections", lambda: _at_its_limit(office), for_a_person=False)


@contextmanager
def _at_its_limit(office: Office) -> Iterator[None]:
    roles = (WORK, "exchange")
    with office.connected() as superuser:
        for role in roles:
            superuser.execute(f"ALTER ROLE {role} CONNECTION LIMIT 0".encode())
        superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY(%s)", [[*roles]])
        try:
            yield
        finally:
            for role in roles:
                superuser.execute(f"ALTER ROLE {role} CONNECTION LIMIT -1".encode())


def full(office: Office) -> Trouble:
    """No room on its disk for as much as the next page; its server may end by that."""
    disk = Disk(office.world.postgres.folder)
    left = office.chance.choice([0, office.chance.randrange(1 << 20)])
    return Trouble(f"PostgreSQL's disk has {left:,} bytes left", lambda: _full(office, disk, left), for_a_person=False)


@contextmanager
def _full(office: Office, disk: Disk, left: int) -> Iterator[None]:
    with disk.full(left):
        yield
    started(office.world.postgres)


def started(postgres: Postgres) -> None:
    """It takes connections again. Processes of a killed one may still hold what the next needs, for a moment."""

    def again() -> bool:
        with suppress(Halt):
            postgres.start()
        with suppress(psycopg.Error):
            postgres.connected("postgres", "exchange").close()
            return True
        return False

    if not wait_for(again, _SECONDS):
        msg = "PostgreSQL does not come back"
        raise Halt(msg)


def processes_of(postgres: Postgres) -> list[int]:
    """The server's first process and its children."""
    kept = (postgres.folder / "server" / "data" / "postmaster.pid").read_text(encoding="ascii")
    return tree(int(kept.split()[0]))
