"""The part ``build``: every source's snapshot from its CSV export, each in a process of its own, as the nightly run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from benchmarks.fixed import AS_OF, MILLION
from benchmarks.measure import Run
from benchmarks.province import World, build_snapshots
from benchmarks.report import Goal, Part, Table, seconds, size
from exchange.base.tables import OFFENCE_SOURCES

POPULATION: Final = "population"
MAX_SECONDS: Final = 300
MAX_MEMORY: Final = 6e9
MAX_SIZE: Final = 2e9
ABOUT: Final = """\
From the CSV exports of {people:,} people to published snapshots: read, evened out, judged, sorted, written, hashed.
*On disk* is the finished version; nothing of it is visible under its name before it is whole. Each measured once."""


def measure(world: World, to: Path) -> dict[str, Run]:
    """By source, the offence sources together."""
    built = to / "snapshots"
    shutil.rmtree(built, ignore_errors=True)
    groups = {POPULATION: [POPULATION], "household_events": ["household_events"], "offence sources": [*OFFENCE_SOURCES]}
    found = {name: build_snapshots(world, built, sources) for name, sources in groups.items()}
    shutil.rmtree(built)
    return found


def part(world: World, to: Path) -> Part:
    found = measure(world, to)
    rows = []
    for name, run in found.items():
        told = run.told.values()
        exported = sum(
            path.stat().st_size for source in run.told for path in (world.exports / source / str(AS_OF)).iterdir()
        )
        counted, kept = (sum(each[what] for each in told) for what in ("rows", "bytes"))
        figures = (size(exported), f"{counted:,}", seconds(run.seconds), size(run.own), size(run.resident), size(kept))
        rows.append([name, *figures])
    people = found[POPULATION]
    kept = people.told[POPULATION]["bytes"]
    what = f"snapshot of {world.people / MILLION:g} M people"
    return Part(
        name="build",
        title="Building the snapshots",
        command="make bench ONLY=build",
        about=ABOUT.format(people=world.people),
        tables=[Table(("source", "export", "rows", "time", "own memory", "resident", "on disk"), rows)],
        goals=[
            Goal(what, "under 5 minutes", seconds(people.seconds), people.seconds < MAX_SECONDS),
            Goal(f"{what}: peak memory", "under 6 GB", size(people.resident), people.resident < MAX_MEMORY),
            Goal(f"{what}: on disk", "under 2 GB", size(kept), kept < MAX_SIZE),
        ],
        figures={name: run.figures | dict(run.told) for name, run in found.items()},
    )
