"""The part ``lookup``: one and a hundred people, cold and warm process, all ways in turn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from benchmarks.fixed import MILLION, NUMBERS, SEED
from benchmarks.measure import Failed, Run, in_turn, middle, python
from benchmarks.peers.tables import folder_of
from benchmarks.province import World
from benchmarks.report import Goal, Part, Table, seconds, times
from benchmarks.requests import request

WAYS: Final = {
    "ours": "benchmarks.lookup.ours",
    "DuckDB": "benchmarks.peers.lookup.with_duckdb",
    "SQLite": "benchmarks.peers.lookup.with_sqlite",
    "PostgreSQL": "benchmarks.peers.lookup.with_postgres",
}
ANSWERS: Final = {"ours": "ours", "DuckDB": "duckdb"}
TURNS: Final = {1: 200, 100: 30}
"""How often a warm process looks up so many at once; the median is of these."""

ABOUT: Final = """\
People found by number among {people:,}: name, sex, birth date, doubt; all ways found the same. *Process*: a new
Python process that imports what it needs, opens the data, looks up once and ends. *Warm*: one look-up in a process that
has opened everything, the median of {one} (one key) or {hundred} (a hundred) look-ups of other keys. *Whole answer*:
rows in memory → identity, note and five answers, as many times. Medians of {runs} processes."""

MAX_SECONDS: Final = 0.005
MAX_SHARE: Final = 0.1


def measure(world: World, runs: int, to: Path) -> dict[str, Run]:
    """The medians by way and count; ``warm``, ``process`` and ``answer`` of them."""
    keys = _keys(world, to)
    found: dict[str, Run] = {}
    for count, turns in TURNS.items():
        for kind, times_ in (("process", 1), ("warm", turns)):
            commands = {
                name: python("benchmarks.lookup.one", way, world.folder, keys, count, times_)
                for name, way in WAYS.items()
            }
            found |= _measured(commands, runs, f"{kind} {count}")
        asked = request(world, max(each * TURNS[each] for each in TURNS))
        commands = {
            name: python("benchmarks.lookup.answer", way, world.folder, asked, count, turns)
            for name, way in ANSWERS.items()
        }
        found |= _measured(commands, runs, f"answer {count}")
    return found


def _measured(commands: Mapping[str, list[str]], runs: int, kind: str) -> dict[str, Run]:
    done = {name: middle(each) for name, each in in_turn(commands, runs).items()}
    if len({run.told["digest"] for run in done.values()}) != 1:
        msg = f"{kind}: not all ways found the same"
        raise Failed(msg)
    return {f"{name} {kind}": run for name, run in done.items()}


def _keys(world: World, to: Path) -> Path:
    """Keys of people, in no order, as many as the warm processes ask for; a line each."""
    wanted = max(count * turns for count, turns in TURNS.items())
    keys = pl.read_parquet(folder_of(world) / NUMBERS, columns=["key"])["key"]
    path = to / "keys"
    chosen = keys.gather(np.random.default_rng(SEED).integers(0, len(keys), wanted))
    path.write_text("\n".join(str(key) for key in chosen.to_list()), encoding="ascii")
    return path


def part(world: World, runs: int, to: Path) -> Part:
    found = measure(world, runs, to)
    warm = {name: run.told["seconds"] for name, run in found.items() if "seconds" in run.told}
    rows = [
        [
            name,
            *[seconds(found[f"{name} process {count}"].seconds) for count in TURNS],
            *[seconds(warm[f"{name} warm {count}"]) for count in TURNS],
            *[seconds(warm[f"{name} answer {count}"]) if name in ANSWERS else "" for count in TURNS],
        ]
        for name in WAYS
    ]
    columns = [f"{kind}, {count}" for kind in ("process", "warm", "whole answer") for count in TURNS]
    share = warm["ours warm 1"] / warm["DuckDB warm 1"]
    what = f"lookup of 1 row × {world.people / MILLION:g} M people, warm process"
    return Part(
        name="lookup",
        title="Look-up",
        command="make bench ONLY=lookup",
        about=ABOUT.format(people=world.people, one=TURNS[1] - 1, hundred=TURNS[100] - 1, runs=runs),
        tables=[Table(("way", *columns), rows)],
        goals=[
            Goal(what, "under 5 ms", seconds(warm["ours warm 1"]), warm["ours warm 1"] < MAX_SECONDS),
            Goal(what, "at most 0.1 × DuckDB", times(share), share <= MAX_SHARE),
        ],
        figures={name: {"seconds": run.seconds, "warm": warm.get(name)} for name, run in found.items()},
    )
