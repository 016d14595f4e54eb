"""``python -m benchmarks``: what ``make bench`` runs."""

from __future__ import annotations

import compileall
import os
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from benchmarks import growth, snapshots, transfer
from benchmarks.fixed import MILLION
from benchmarks.lookup import part as lookup
from benchmarks.match import part as match
from benchmarks.peers.lookup.with_postgres import server
from benchmarks.peers.tables import make_peers
from benchmarks.pipeline import part as pipeline
from benchmarks.province import World, of_scale
from benchmarks.report import Part, keep
from benchmarks.requests import request
from exchange.base.files import make_folder
from exchange.base.paths import ROOT
from exchange.demo.play import REGISTER_ITEMS

PARTS: Final = ("match", "lookup", "pipeline", "build", "transfer", "growth")
ROWS: Final = MILLION
MEGABYTES: Final = 256
FEW: Final = 3
"""Runs of what takes long: the pipeline, and the many matches of the growth."""

_began = time.monotonic()


def say(what: str) -> None:
    print(f"{time.monotonic() - _began:6.0f} s  {what}", flush=True)


def main(
    scale: Annotated[float, typer.Option(help="million people")] = 1,
    only: Annotated[str, typer.Option(help=f"parts, of {','.join(PARTS)}; or prepare")] = ",".join(PARTS),
    runs: Annotated[int, typer.Option(help="of each way, after one that is not counted")] = 5,
    world: Annotated[
        Path | None, typer.Option(help="the province's folder; else BENCH_WORLD, else in var/bench")
    ] = None,
    to: Annotated[Path, typer.Option(help="where results.json, RESULTS.md and growth.svg go")] = Path("var/bench"),
) -> None:
    """Measures the parts in this order and writes each down as it is done; ``--only prepare`` makes what they need."""
    for sources in ("benchmarks", "exchange"):  # as in the image; else each process would compile them for itself
        compileall.compile_dir(ROOT / sources, quiet=2)
    named = world or Path(os.environ.get("BENCH_WORLD") or ROOT / f"var/bench/{scale:g}m")
    province = of_scale(named.resolve(), scale)
    page = make_folder(to.resolve())
    province.make(say)
    try:
        if only == "prepare":
            _prepare(province)
        for name in PARTS:
            if name in only.split(","):
                say(name)
                keep(_part(name, province, runs, page), page)
    finally:
        server(province.folder).stop()
    say(f"done; figures are in {page / 'RESULTS.md'}")


def _prepare(world: World) -> None:
    """Everything on disk that the parts would make first: for a large province that takes longer than measuring."""
    make_peers(world, say)
    for rows in (pipeline.ROWS, pipeline.MANY):
        say(f"requests of {rows:,} rows")
        request(world, rows, REGISTER_ITEMS)
    request(world, ROWS, dirt=False)
    for each in growth.worlds_of(world, say):
        for rows in growth.ROWS:
            request(each, rows)


def _part(name: str, world: World, runs: int, page: Path) -> Part:
    scratch = make_folder(world.folder / "out")
    if name in ("match", "lookup"):
        make_peers(world, say, servers=name == "lookup")
    if name == "match":
        return match.part(world, ROWS, runs, scratch)
    if name == "lookup":
        return lookup.part(world, runs, scratch)
    if name == "pipeline":
        return pipeline.part(world, min(runs, FEW), scratch, say)
    if name == "build":
        return snapshots.part(world, scratch)
    if name == "transfer":
        return transfer.part(world.folder / "sftp", MEGABYTES, runs)
    return growth.part(world, min(runs, FEW), scratch, page, say)


if __name__ == "__main__":
    typer.run(main)
