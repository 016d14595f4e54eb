"""The part ``match``: all ways on the same files in turn, and their answers held against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from benchmarks.fixed import MILLION
from benchmarks.measure import Failed, Run, in_turn, middle, python
from benchmarks.province import World
from benchmarks.report import Goal, Part, Table, seconds, size, times
from benchmarks.requests import request

OURS: Final = "ours"
DUCKDB: Final = ("DuckDB, its own file", "DuckDB, Parquet")
SLOW: Final = ("Polars, plain left join", "pandas")
"""Measured at most twice, and on the dirty request only."""

ABOUT: Final = """\
A CSV file of {rows:,} rows in, a CSV file of answers out, against {people:,} people: evened-out numbers and names,
check character, who is meant (present and superseded numbers, shared ones, doubt), id number, name, sex, birth date,
and what five offence sources hold. Every way wrote the same answers, row by row. *Dirty*: about a fifth of the rows is
written badly or wrong, as people do it; *clean*: all are written plainly. Times are of whole processes with the files
in the page cache; *own memory* is what a process allocated, without mapped file pages, *resident* is with them."""

MAX_SHARE: Final = 0.5
MAX_OWN: Final = 1e9


def commands(world: World, asked: Path, to: Path) -> dict[str, list[str]]:
    """How each way is run, by its name."""
    ways = {
        OURS: ("match.ours",),
        DUCKDB[0]: ("peers.match.with_duckdb", "file"),
        DUCKDB[1]: ("peers.match.with_duckdb", "parquet"),
        "Polars, keys pushed into the scan": ("peers.match.with_polars", "pushed"),
        SLOW[0]: ("peers.match.with_polars", "plain"),
        SLOW[1]: ("peers.match.with_pandas",),
    }
    return {
        name: python(f"benchmarks.{module}", *form, world.folder, asked, out_of(to, name))
        for name, (module, *form) in ways.items()
    }


def out_of(folder: Path, name: str) -> Path:
    return folder / f"{name.replace(' ', '-').replace(',', '')}.csv"


def hold_together(files: Mapping[str, Path]) -> None:
    """Failed unless all files have the same rows as the first, in the same order."""
    frames = {name: pl.read_csv(path, infer_schema=False).fill_null("") for name, path in files.items()}
    first, *others = frames
    for name in others:
        if frames[name].equals(frames[first]):
            continue
        pairs = enumerate(zip(frames[first].rows(), frames[name].rows(), strict=False), start=1)
        differing = [place for place, (one, other) in pairs if one != other]
        msg = f"{name} answers otherwise than {first}: {len(differing)} rows, from row {min(differing, default=0)} on"
        raise Failed(msg)


def measure(world: World, rows: int, runs: int, to: Path, *, leave_out: Sequence[str] = ()) -> dict[str, Run]:
    """The medians by way, on the dirty request and, with ``clean: `` before the name, on the clean one."""
    found: dict[str, Run] = {}
    for dirt in (True, False):
        asked = request(world, rows, dirt=dirt)
        ways = {
            name: command
            for name, command in commands(world, asked, to).items()
            if name not in leave_out and (dirt or name not in SLOW)
        }
        done = in_turn(ways, runs, dict.fromkeys(SLOW, min(runs, 2)))
        hold_together({name: out_of(to, name) for name in ways})
        found |= {name if dirt else f"clean: {name}": middle(each) for name, each in done.items()}
    return found


def part(world: World, rows: int, runs: int, to: Path) -> Part:
    found = measure(world, rows, runs, to)
    best = min((found[name] for name in DUCKDB), key=lambda run: run.seconds)
    ours = found[OURS]
    table = [
        [
            name,
            seconds(run.seconds),
            seconds(found[f"clean: {name}"].seconds) if f"clean: {name}" in found else "",
            seconds(run.processor_seconds),
            size(run.own),
            size(run.resident),
            times(run.seconds / best.seconds),
        ]
        for name, run in found.items()
        if not name.startswith("clean")
    ]
    share = ours.seconds / best.seconds
    what = f"match {rows:,} rows × {world.people / MILLION:g} M people"
    return Part(
        name="match",
        title="Match only",
        command="make bench ONLY=match",
        about=ABOUT.format(rows=rows, people=world.people) + f" {runs} runs each, 2 of the slow ones.",
        tables=[Table(("way", "dirty", "clean", "processor", "own memory", "resident", "to DuckDB"), table)],
        goals=[
            Goal(what, "at most 0.5 × DuckDB", times(share), share <= MAX_SHARE),
            Goal(f"{what}: own memory", "at most 1 GB", size(ours.own), ours.own <= MAX_OWN),
        ],
        figures={name: run.figures for name, run in found.items()},
    )
