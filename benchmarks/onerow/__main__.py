"""``python -m benchmarks.onerow [--rows 1000000] [--people 1000000] [--batches 200] [--beside 5800859]``

Makes a world in ``var/bench-onerow``, measures this checkout and the named commit (in a git worktree of its own, which
is removed again) in processes of their own, and writes ``RESULTS.md`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.machine import facts
from benchmarks.onerow.world import SMALL_ROWS, made
from exchange.demo.world import World
from exchange.files import write_atomically
from exchange.places import ROOT

HERE: Final = Path(__file__).parent
REPEATS: Final = 5
EARLIER: Final = "5800859"
"""The last commit that decided the whole batch for one row."""


def main() -> None:
    given = argparse.ArgumentParser(prog="python -m benchmarks.onerow")
    for name, default in (("rows", 1_000_000), ("people", 1_000_000), ("batches", 200)):
        given.add_argument(f"--{name}", type=int, default=default)
    given.add_argument("--beside", default=EARLIER)
    asked = given.parse_args()
    world = World(ROOT / "var" / "bench-onerow")
    try:
        world.build(print, asked.people)
        large = made(world, asked.people, asked.rows, asked.batches, print)
        with checkout(asked.beside) as earlier:
            found = {name: look(place, world, large) for name, place in ((asked.beside, earlier), ("now", ROOT))}
    finally:
        world.stop_servers()
    write_atomically(HERE / "RESULTS.md", page(found, asked).encode())
    print(json.dumps(found))


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """The project as it stood at this commit."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "checkout"
        subprocess.run(["git", "worktree", "add", "--detach", str(place), commit], cwd=ROOT, check=True)
        try:
            yield place
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(place)], cwd=ROOT, check=True)


def look(place: Path, world: World, large: str) -> dict[str, Any]:
    """What ``look.py`` tells when this checkout's code answers."""
    command = [sys.executable, str(HERE / "look.py"), str(world.config), large, str(REPEATS)]
    environment = os.environ | {"PYTHONPATH": str(place)}
    done = subprocess.run(command, cwd=place, env=environment, check=True, stdout=subprocess.PIPE)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def page(found: dict[str, dict[str, Any]], asked: argparse.Namespace) -> str:
    """The figures as Markdown."""
    lines = ["# One row is decided as one row", "", "Made by `python -m benchmarks.onerow`.", ""]
    lines += [f"- {name}: {value}" for name, value in facts().items()]
    lines += ["", f"A batch of {asked.rows:,} rows, 4 items, {asked.people:,} people; one of its rows in doubt opened."]
    lines += [f"A minute: {asked.batches} delivered batches of {SMALL_ROWS} rows, of each some rows with officers, one"]
    lines += ["decided, the rest waiting for a source that is missing. Medians of the runs after the first.", ""]
    lines += ["| | first opening | warm | rows decided for it | minute | rows decided in it |"]
    lines += ["|---|---:|---:|---:|---:|---:|"]
    for name, each in found.items():
        first, *warm = each["opened"]
        shown = [f"{seconds:.3f} s" for seconds in (first, median(warm))]
        minute = f"{median(each['minutes']):.3f} s"
        lines.append(f"| {name} | {' | '.join(shown)} | {each['for_row']:,} | {minute} | {each['in_minute']:,} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
