"""``python -m benchmarks.adhoc.cost``: what a set of one row costs where one process answers sets one after another, as
a resident worker does; without Airflow, and without the lookout that claims it.

Environment: ``SETS`` (40), in ``TURNS`` (3) of which each answers as many; ``BESIDE``: another checkout, which has its
turns between; ``WORLD`` (var/bench-cost).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.adhoc.answering import FIRST
from benchmarks.adhoc.sets import Desk
from benchmarks.pipeline.office import let_all_leave
from benchmarks.workers.load import processor_seconds
from exchange.base.paths import ROOT
from exchange.demo.world import World

PEOPLE: Final = 20_000
_WORKS: Final = ("ms of our own", "ms of programs", "questions", "transactions", "ms of PostgreSQL")


def answered(world: World, desk: Desk, tree: Path, many: int) -> list[float]:
    """So many sets of one row, answered by this checkout; the figures of ``_WORKS``, of one set."""
    for _ in range(FIRST + many):
        each = desk.ad_hoc(1)
        each.partner.drop(each.files)
    command = [sys.executable, str(Path(__file__).with_name("answering.py")), str(world.config)]
    worker = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(tree)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if worker.stdout is None or worker.stdout.readline() != "ready\n":
        sys.exit(f"{tree}: answers nothing")
    before = _of_postgres(world)
    said, _ = worker.communicate("go\n")
    figures = [float(figure) for figure in said.split()]
    return [*figures, 1000 * (_of_postgres(world) - before) / many]


def _of_postgres(world: World) -> float:
    """Seconds of processor time so far."""
    (first,) = world.postgres.folder.glob("*/data/postmaster.pid")
    return processor_seconds({"all": [int(first.read_text("ascii").split()[0])]})["all"]


def main() -> None:
    many, turns = int(os.environ.get("SETS", "40")), int(os.environ.get("TURNS", "3"))
    world = World(Path(os.environ.get("WORLD", "var/bench-cost")).resolve())
    try:
        world.build(lambda what: print(f"… {what}", flush=True), PEOPLE)
        let_all_leave(world.config)
        desk = Desk(world, PEOPLE)
        for turn in range(turns):
            for name, tree in (("BESIDE", os.environ.get("BESIDE")), ("here", str(ROOT))):
                if tree:
                    figures = answered(world, desk, Path(tree), many // turns)
                    said = "  ".join(f"{figure:6.1f} {what}" for figure, what in zip(figures, _WORKS, strict=True))
                    print(f"{turn + 1} {name:6} {said}", flush=True)
    finally:
        world.stop_servers()


if __name__ == "__main__":
    main()
