"""The part ``growth``: matching as province and request grow; a table and a picture.

Rules: a smaller province is the first parts of the larger one's exports, its snapshots and peers' tables built anew;
ours and DuckDB's take turns on the same files and give the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import altair as alt
import polars as pl

from benchmarks.fixed import MILLION
from benchmarks.match.part import DUCKDB, OURS, commands, hold_together, out_of
from benchmarks.measure import Run, in_turn, middle
from benchmarks.peers.tables import make_peers
from benchmarks.province import World
from benchmarks.report import Goal, Part, Table, seconds, size, times
from benchmarks.requests import request

SIZES: Final = (1, 3, 9, 27)
"""Million people."""

ROWS: Final = (10_000, 100_000, 1_000_000, 5_000_000)
PICTURE: Final = "growth.svg"
_WAYS: Final = (OURS, DUCKDB[0])
ABOUT: Final = """\
The match of the first part, dirty requests, {runs} runs each: seconds of the whole process, ours and DuckDB's, and our
own memory. `{picture}` shows the same.

![match time by rows and people]({picture})"""


def measure(worlds: Sequence[World], rows: Sequence[int], runs: int, to: Path) -> dict[tuple[str, int, int], Run]:
    """The medians by way, people and rows."""
    found: dict[tuple[str, int, int], Run] = {}
    for world in worlds:
        for count in rows:
            asked = request(world, count)
            ways = {name: command for name, command in commands(world, asked, to).items() if name in _WAYS}
            done = in_turn(ways, runs)
            hold_together({name: out_of(to, name) for name in ways})
            found |= {(name, world.people, count): middle(each) for name, each in done.items()}
    return found


def draw(found: dict[tuple[str, int, int], Run], path: Path) -> None:
    """The picture: both axes logarithmic, a line for each size and way."""
    points = pl.DataFrame(
        [
            {
                "way": "ours" if way == OURS else "DuckDB",
                "people": f"{people / MILLION:g} M",
                "rows": rows,
                "seconds": run.seconds,
            }
            for (way, people, rows), run in found.items()
        ]
    )
    sizes = points["people"].unique(maintain_order=True).to_list()
    title = alt.Title("Match: whole process, CSV in to CSV out", subtitle="solid: ours, dashed: DuckDB")
    chart = (
        alt.Chart(points, title=title, width=560, height=360)
        .mark_line(point=True)
        .encode(
            alt.X("rows:Q", title="rows of the request").scale(type="log").axis(format="~s"),
            alt.Y("seconds:Q", title="seconds").scale(type="log"),
            alt.Color("people:N", title="people", sort=sizes).legend(symbolType="stroke"),
            alt.StrokeDash("way:N", sort=["ours", "DuckDB"]).legend(None),
        )
    )
    chart.save(str(path))


def worlds_of(world: World, say: Callable[[str], None]) -> list[World]:
    """The smaller provinces and this one, with what the peers need."""
    smaller = [world.first(each, say) for each in SIZES if each * MILLION < world.people]
    for each in [*smaller, world]:
        make_peers(each, say, servers=False)
    return [*smaller, world]


def part(world: World, runs: int, to: Path, page: Path, say: Callable[[str], None]) -> Part:
    """``page``: the folder that the picture goes to."""
    worlds = worlds_of(world, say)
    found = measure(worlds, ROWS, runs, to)
    draw(found, page / PICTURE)
    rows = []
    for each in worlds:
        for way, name in zip(_WAYS, ("ours", "DuckDB"), strict=True):
            cells = [seconds(found[way, each.people, count].seconds) for count in ROWS]
            rows.append([f"{each.people / MILLION:g} M people, {name}", *cells])
        own = [size(found[OURS, each.people, count].own) for count in ROWS]
        rows.append([f"{each.people / MILLION:g} M people, our own memory", *own])
    many, fewer = ROWS[-1], ROWS[-2]
    grown = found[OURS, world.people, many].own / found[OURS, world.people, fewer].own
    return Part(
        name="growth",
        title="Growth",
        command="make bench ONLY=growth",
        about=ABOUT.format(runs=runs, picture=PICTURE),
        tables=[Table(("rows", *[f"{count:,}" for count in ROWS]), rows)],
        goals=[
            Goal(
                f"match {many:,} rows: own memory against that of {fewer:,}",
                f"less than {many / fewer:g} × (linear)",
                times(grown),
                grown < many / fewer,
            )
        ],
        figures={f"{way}, {people}, {count}": run.figures for (way, people, count), run in found.items()},
    )
