"""What encryption at rest costs: ``python -m benchmarks.at_rest NAME=FOLDER …``, folders on file systems to compare.

The same work in each folder in turn, ratios to the first: a population snapshot built from its export, one person
looked up in a new process, and a request matched; the last two from the page cache, and with their pages given up
before, as after a start of the machine.

Rules
- The least of several times counts, since what else the machine does only adds to it.
- Encrypting a place is the administrator's: this makes no file system and mounts none. ``at-rest`` in each folder is
  made anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from benchmarks.fixed import AS_OF, MILLION, SEED
from benchmarks.match.ours import published
from benchmarks.measure import python, run
from benchmarks.province import World, of_scale
from benchmarks.requests import request
from exchange.base.files import make_folder
from exchange.base.paths import ROOT

Work = Callable[[Path], list[str]]
"""A place → the command of the work there."""


def main(
    places: Annotated[list[str], typer.Argument(help="NAME=FOLDER; the first is what the others are compared with")],
    scale: Annotated[float, typer.Option(help="million people")] = 1,
    rows: Annotated[int, typer.Option(help="of the request")] = MILLION,
    runs: Annotated[int, typer.Option(help="of each, after one that is not counted")] = 5,
) -> None:
    """Prints a line for each work: the least seconds of the first place, and of each other one its ratio to them."""
    named = dict(each.split("=", 1) for each in places)
    folders = {name: Path(folder).resolve() / "at-rest" for name, folder in named.items()}
    world = of_scale(ROOT / f"var/bench/{scale:g}m", scale)
    world.make(lambda what: print(what, file=sys.stderr))
    asked = request(world, rows)
    for folder in folders.values():
        _lay(world, asked, folder)
    for work, given_up, command in _works(asked):
        taken: dict[str, list[float]] = {name: [] for name in folders}
        for turn in range(runs + 1):
            for name, folder in folders.items():
                if given_up:
                    _give_up(folder)
                seconds = run(command(folder)).seconds
                if turn:
                    taken[name].append(seconds)
        first, *others = ((name, min(each)) for name, each in taken.items())
        ratios = ", ".join(f"{name} {each / first[1]:.2f}" for name, each in others)
        print(f"{work}: {first[0]} {first[1]:.2f} s; {ratios}", flush=True)


def _lay(world: World, asked: Path, folder: Path) -> None:
    """The export, the snapshots, the request, and keys of people to look up."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("exports/population", "snapshots"):
        shutil.copytree(world.folder / part, folder / part)
    shutil.copy(asked, folder / asked.name)
    keys = pl.Series(published(world.folder, "population").open("people").keys).sample(200, seed=SEED)
    (folder / "keys").write_text("\n".join(map(str, keys)), encoding="ascii")


def _works(asked: Path) -> list[tuple[str, bool, Work]]:
    """What it is, whether its pages are given up before, and how it is done."""

    def built(place: Path) -> list[str]:
        shutil.rmtree(place / "built", ignore_errors=True)
        built_in = make_folder(place / "built")
        return python("benchmarks.build_snapshots", place / "exports", built_in, AS_OF, "population")

    def looked_up(place: Path) -> list[str]:
        return python("benchmarks.lookup.one", "benchmarks.lookup.ours", place, place / "keys", 1, 1)

    def matched(place: Path) -> list[str]:
        return python("benchmarks.match.ours", place, place / asked.name, place / "answers.csv")

    return [
        ("a snapshot built", True, built),
        ("one person, a new process", False, looked_up),
        ("one person, pages given up", True, looked_up),
        ("a request", False, matched),
        ("a request, pages given up", True, matched),
    ]


def _give_up(folder: Path) -> None:
    """Of all files, as they lie here, the page cache holds nothing any more; what lies beneath may still be held."""
    subprocess.run(["sync", "--file-system", str(folder)], check=True)
    for path in folder.rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)


if __name__ == "__main__":
    typer.run(main)
