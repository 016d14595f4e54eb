"""What is dear to make and the same for all is made once in a run, by whichever process comes first; none alters it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from exchange.base.files import make_folder
from exchange.demo.servers.postgres import Postgres
from exchange.demo.world import World
from exchange.register import open_register

PEOPLE = 3000


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name that ``make`` fills; another process waits until it is whole."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    whole = place.with_name(f"{name}.whole")
    with place.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(place, ignore_errors=True)  # of a process that was killed
            make(place)
            whole.touch()
    return place


def build_world(tmp_path_factory: pytest.TempPathFactory, world: World) -> None:
    """A world of a few thousand people with servers and a database of its own; keys and snapshots are those of all."""
    shutil.copytree(made_once(tmp_path_factory, "world-parts", _make_parts), world.root, dirs_exist_ok=True)
    copy_database(tmp_path_factory, world.postgres)
    world.build(lambda _: None, people=PEOPLE)


def copy_database(tmp_path_factory: pytest.TempPathFactory, server: Postgres) -> None:
    """What a server finds that starts in this folder, in which nothing is yet: roles, databases, the register's tables
    and what the daily role may do with them. It has a port of its own; the passwords are those of all.
    """
    first = Postgres(made_once(tmp_path_factory, "postgres", _make_database), lasting=False)
    parts = [str(path) for path in first.folder.iterdir() if path.suffix != ".port"]
    subprocess.run(["cp", "--archive", *parts, str(make_folder(server.folder))], check=True)  # with PostgreSQL's owner
    passwords = first.password_file.read_text("utf-8").replace(f":{first.port}:", f":{server.port}:")
    server.password_file.write_text(passwords, "utf-8")


def _make_parts(place: Path) -> None:
    world = World(place)
    with pytest.MonkeyPatch.context() as patch:  # sets that tests have come earlier are signed by who was agreed then
        patch.setattr("exchange.wire.keys._VALID_BEFORE", timedelta(days=100))
        world.make_keys()
    world.make_snapshots(lambda _: None, PEOPLE)


def _make_database(place: Path) -> None:
    server = Postgres(place, lasting=False)
    try:
        server.start()
        register = open_register(server.url("exchange"), "tests", server.password_file)
        register.migrate()
        register.close()
        server.grant()
    finally:
        server.stop()
