"""Small disks of their own under the office's, the partner's and the database's folders: full, read-only, vanished.

Rules: a real one (tmpfs), which root alone can mount; mounted before anything is written there (``mounted``), so that
the world does not know of it.
"""

from __future__ import annotations

import math
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.base.files import make_folder
from exchange.demo.world import PARTNERS, World
from tests.campaign.office import Office
from tests.campaign.troubles import TO_A_PARTNER, Trouble

MISSING: Final = "a disk can be mounted by root alone"
_SIZES: Final = {"postgres": "1500m", "home": "600m", "partner": "50m"}
_TRIES: Final = 40


@dataclass(frozen=True)
class Disk:
    place: Path

    @property
    def is_there(self) -> bool:
        return self.place.is_mount()

    def mount(self, size: str) -> bool:
        make_folder(self.place)
        options = f"size={size},mode=0700"
        return _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.place))

    def unmount(self) -> None:
        _run("umount", "-l", str(self.place))

    @contextmanager
    def full(self, left: int) -> Iterator[None]:
        """So many bytes are left, as near as the disk's blocks allow."""
        filler = self.place / "filler"
        with filler.open("wb", buffering=0) as file:
            _fill(file.fileno(), os.statvfs(self.place), left)
        try:
            yield
        finally:
            filler.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """From the next moment on at which no file stands open to be written."""
        for _ in range(_TRIES):
            if _run("mount", "-o", "remount,ro", str(self.place)):
                break
            time.sleep(0.02)
        try:
            yield
        finally:
            _run("mount", "-o", "remount,rw", str(self.place))

    @contextmanager
    def vanished(self) -> Iterator[None]:
        """Another one lies over it, which is empty: as when a disk was not mounted."""
        _run("mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(self.place))
        try:
            yield
        finally:
            _run("umount", "-l", str(self.place))


def _fill(handle: int, disk: os.statvfs_result, left: int) -> None:
    wanted = disk.f_bavail * disk.f_frsize - left
    while wanted > 0:
        with suppress(OSError):
            os.posix_fallocate(handle, 0, wanted)
            return
        wanted -= disk.f_frsize  # somebody was faster


def _run(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def places(world: World) -> dict[str, Disk]:
    """What of this world lies on a disk of its own."""
    partner = world.sftp(PARTNERS[0].id).home / "from-office"
    return {
        "postgres": Disk(world.postgres.folder),
        "home": Disk(world.config.parent / "home"),
        "partner": Disk(partner),
    }


@contextmanager
def mounted(world: World) -> Iterator[bool]:
    """Whether this machine lets disks be mounted; those of a world that is not built yet."""
    disks = places(world)
    try:
        yield os.geteuid() == 0 and all(disk.mount(_SIZES[name]) for name, disk in disks.items())
    finally:
        for disk in disks.values():
            if disk.is_there:
                disk.unmount()


def _room(office: Office) -> int:
    """Bytes that are left: none, or some of what a batch takes."""
    return office.chance.choice([0, round(math.exp(office.chance.uniform(6, 12.5)))])


def full(office: Office) -> Trouble:
    left, disk = _room(office), places(office.world)["home"]
    return Trouble(f"{left:,} bytes left on the office's disk", lambda: disk.full(left), for_a_person=False)


def read_only(office: Office) -> Trouble:
    return Trouble("the office's disk read-only", places(office.world)["home"].read_only, for_a_person=False)


def vanished(office: Office) -> Trouble:
    """As after a start of the machine without it. One that breaks while it is written gives errors, not emptiness."""
    return Trouble("an empty disk in the office's place", places(office.world)["home"].vanished, before=True)


def partner_full(office: Office) -> Trouble:
    left, disk = _room(office), places(office.world)["partner"]
    words = f"{left:,} bytes left at the partner's"
    return Trouble(words, lambda: disk.full(left), for_a_person=False, met_by=TO_A_PARTNER)
