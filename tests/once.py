"""What is dear to make and the same for all is made once in a run, by whichever process comes first; none alters it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.demo.world import World

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
    world.build(lambda _: None, people=PEOPLE)


def _make_parts(place: Path) -> None:
    world = World(place)
    world.make_keys()
    world.make_snapshots(lambda _: None, PEOPLE)
