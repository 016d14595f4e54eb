"""The office's own disk takes nothing, full or read-only, at any step: no partner is refused or named for it, and the
same step goes on once there is room. A real small disk (tmpfs), for which a test must be root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import ExchangeError, without_values
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province.claims import make_claims
from exchange.intake.collect import poll
from exchange.operation import machine, office
from exchange.register import State
from exchange.steps import request as opened

Step = Callable[[App, str], object]
STEPS: tuple[Step, ...] = (lambda app, _: poll(app), pipeline.receive, pipeline.process, pipeline.deliver)


@contextmanager
def full(place: Path) -> Iterator[None]:
    filler = place / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    yield
    filler.unlink()


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    yield
    subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)


@pytest.fixture(autouse=True)
def _nothing_left_waiting(app: App) -> Iterator[None]:
    """What waits for other tests has its files in another home, and what is claimed here has them in this one."""
    _end_all_waiting(app)
    yield
    _end_all_waiting(app)


def _end_all_waiting(app: App) -> None:
    for batch in app.register.waiting():
        app.register.refuse(batch, "data_hash", row=None, column="data.sha256")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a disk can be mounted by root alone")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("trouble", [full, read_only])
@pytest.mark.parametrize("home_too", [True, False], ids=["home", "temporary"])
def test_a_disk_that_takes_nothing_blames_no_partner(
    app: App,
    court: DemoPartner,
    ask: Callable[..., Request],
    disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[Path], Iterator[None]],
    home_too: bool,
) -> None:
    """The home and the folder for temporary files, or the latter alone: nothing of a set is written there."""
    request = ask()
    court.drop(court.make_set(request))
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    monkeypatch.setattr(App, "check_archive", lambda _: None)  # other tests' files lie in another home
    office = app
    if home_too:
        (disk / "snapshots").symlink_to(app.settings.snapshots)
        office = App(app.settings.model_copy(update={"home": disk}), app.register)
    said: list[str] = []
    for step in STEPS:
        with trouble(disk):  # type: ignore[attr-defined]
            try:
                with without_values():
                    found = step(office, request.batch)
                said += getattr(found, "troubles", [])
            except ExchangeError as error:
                said.append(str(error))
        step(office, request.batch)
    assert office.register.batch(request.batch).state is State.CLOSED
    assert bool(said) == home_too
    assert [each for each in said if "the office's disk" not in each and "the office's own disk" not in each] == []


def test_an_archive_on_a_disk_of_its_own_takes_what_was_fetched_and_made_beside_it(
    app: App,
    court: DemoPartner,
    ask: Callable[..., Request],
    people: pl.DataFrame,
    offenders: pl.Series,
    disk: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Mounted in the home, as it grows most: a file cannot be renamed onto it. Retention finds nothing half-copied."""
    items = ("id_number", "name", "sex")
    rows = make_claims(people, offenders, items, 50, seed=5, approved=True).rows
    request = ask(to_csv(rows), 50, items=items)
    court.drop(court.make_set(request))
    monkeypatch.setattr(App, "check_archive", lambda _: None)  # other tests' files lie in another home
    monkeypatch.setattr(opened, "BYTES_IN_PART", 100)  # so that the result is written beside the archive, too
    home = tmp_path / "home"
    home.mkdir()
    (home / "snapshots").symlink_to(app.settings.snapshots)
    (home / "archive").symlink_to(disk)
    assert disk.stat().st_dev != home.stat().st_dev
    apart = App(app.settings.model_copy(update={"home": home}), app.register)
    for step in STEPS:
        step(apart, request.batch)
    assert apart.register.batch(request.batch).state is State.CLOSED
    kept = apart.register.files(request.batch)
    assert [apart.archive.read(file.sha256) for file in kept]
    assert {path.name for path in apart.archive.files()} == {file.sha256 for file in kept}
    assert [path for name in ("incoming", "outgoing") for path in (home / name).iterdir()] == []


def test_the_disk_that_has_least_room_is_the_one_that_health_tells_of(app: App, disk: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "archive").symlink_to(disk)
    apart = App(app.settings.model_copy(update={"home": home}), app.register)
    with full(disk):
        assert machine.room(*office.written_to(apart))[0] == 0
    free, inodes = machine.room(*office.written_to(apart))
    assert 0 < free <= shutil.disk_usage(disk).free
    assert 0 < inodes <= 1
