"""A synthetic province of a chosen size on disk, made once: exports as the office's systems write them, and snapshots.

    <world>/exports/<source>/<day>/part-NNN.csv      make.json says of what make they are
    <world>/snapshots/                               built by the project's own code; made.json likewise
    <world>/peers/, <world>/requests/                what others make of it
    <world>/<millions>m/                             a smaller province: the first parts of these exports

Rules: what is there is used again where it is of the same make; a world without ``make.json`` whose exports are whole
was made by hand with the same seed and day.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.fixed import AS_OF, MILLION, SEED
from benchmarks.measure import Failed, Run, python, run
from exchange.base.files import make_folder, write_atomically
from exchange.base.paths import ROOT, SCHEMAS
from exchange.base.tables import SOURCES
from exchange.demo.province.exports import write_exports
from exchange.demo.province.people import CHUNK
from exchange.snapshots.build import COMPLETE
from exchange.snapshots.versions import Snapshots, Version

_MAKES_SNAPSHOTS: Final = ("exchange/snapshots", "exchange/matching", "schemas")


@dataclass(frozen=True)
class World:
    """A province of ``people`` in ``folder``."""

    folder: Path
    people: int

    @property
    def exports(self) -> Path:
        return self.folder / "exports"

    @property
    def snapshots(self) -> Snapshots:
        return Snapshots(self.folder / "snapshots")

    def published(self, source: str) -> Version:
        """The snapshot of a source; Failed where there is none."""
        version = self.snapshots.current(source)
        if version is None:
            msg = f"no snapshot of {source} in {self.folder}"
            raise Failed(msg)
        return version

    @property
    def parts(self) -> list[Path]:
        """The population export."""
        return sorted((self.exports / "population" / str(AS_OF)).glob("*.csv"))

    def make(self, say: Callable[[str], None]) -> None:
        """Makes whatever is not there yet."""
        make_folder(self.folder)
        self._make_exports(say)
        self._make_snapshots(say)

    def _make_exports(self, say: Callable[[str], None]) -> None:
        stamp = self.exports / "make.json"
        if not stamp.exists() and _is_whole(self.exports):
            write_atomically(stamp, self._make())
        if not _says(stamp, self._make()):
            say(f"exports of {self.people:,} people")
            shutil.rmtree(self.exports, ignore_errors=True)
            write_exports(self.exports, SEED, self.people, AS_OF)
            write_atomically(stamp, self._make())

    def _make(self) -> bytes:
        columns = hashlib.sha256((SCHEMAS / "exports.toml").read_bytes()).hexdigest()
        return json.dumps({"seed": SEED, "people": self.people, "as_of": str(AS_OF), "columns": columns}).encode()

    def _make_snapshots(self, say: Callable[[str], None]) -> None:
        made = self._make() + _digest_of_code()
        stamp = self.folder / "snapshots" / "made.json"
        if _says(stamp, made):
            return
        shutil.rmtree(self.folder / "snapshots", ignore_errors=True)
        say(f"snapshots of {self.people:,} people")
        build_snapshots(self, self.folder / "snapshots", list(SOURCES))
        write_atomically(stamp, made)

    def first(self, millions: int, say: Callable[[str], None]) -> World:
        """The smaller province of the first parts of this one; itself where it is no larger."""
        if millions * MILLION >= self.people:
            return self
        smaller = World(self.folder / f"{millions}m", millions * MILLION)
        if not _is_whole(smaller.exports):
            for source in SOURCES:
                day = make_folder(smaller.exports / source / str(AS_OF))
                for part in range(-(-smaller.people // CHUNK)):
                    name = f"part-{part:03}.csv"
                    (day / name).unlink(missing_ok=True)
                    (day / name).hardlink_to(self.exports / source / str(AS_OF) / name)
                (day / COMPLETE).touch()
        smaller.make(say)
        return smaller


def build_snapshots(world: World, to: Path, sources: Sequence[str]) -> Run:
    """Builds and publishes these sources' snapshots, the population first, in a process of its own."""
    return run(python("benchmarks.build_snapshots", world.exports, to, AS_OF, *sources))


def _is_whole(exports: Path) -> bool:
    return all((exports / source / str(AS_OF) / COMPLETE).is_file() for source in SOURCES)


def _says(stamp: Path, made: bytes) -> bool:
    return stamp.is_file() and stamp.read_bytes() == made


def _digest_of_code() -> bytes:
    """Of everything that a snapshot's content hangs on."""
    digest = hashlib.sha256()
    for place in _MAKES_SNAPSHOTS:
        for path in sorted(path for path in (ROOT / place).rglob("*") if path.suffix in (".py", ".csv", ".toml")):
            digest.update(path.read_bytes())
    return digest.hexdigest().encode()


def of_scale(folder: Path, scale: float) -> World:
    """The world of so many million people; ``folder`` holds it, or will."""
    return World(folder, round(scale * MILLION))
