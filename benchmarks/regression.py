"""``make bench-regression``: has it become slower since the ratios were last recorded? Three minutes once its province
(300,000 people) is there.

Rules:
- Every measure is a ratio to something that is frozen (``peers/``, or plain tools), which takes turns with it in the
  same minutes; of processor seconds, so that a loaded machine tells nearly the same as a quiet one. Medians.
- The recorded ratios stand in ``results.json`` under ``regression`` and are written anew by ``--record`` alone, on a
  commit that is meant. A measure that grew by more than ``MAX_GROWTH`` ends the command with exit status 1.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import typer

from benchmarks.fixed import AS_OF
from benchmarks.measure import Run, in_turn, middle, python, run
from benchmarks.peers.tables import make_peers
from benchmarks.pipeline.office import claimed, running
from benchmarks.pipeline.plain import physical
from benchmarks.province import World, of_scale
from benchmarks.report import RESULTS, Part, Table, keep, markdown_table, times
from benchmarks.requests import request
from exchange.base.files import make_folder
from exchange.base.paths import ROOT
from exchange.demo.play import REGISTER_ITEMS

NAME: Final = "regression"
MILLIONS: Final = 0.3
ROWS: Final = 200_000
ANSWERS: Final = 60
RUNS: Final = 3
MAX_GROWTH: Final = 1.2
"""Two runs of one commit differed by up to a tenth."""

_READ: Final = "import sys, pyarrow.csv as c; [c.read_csv(path) for path in sys.argv[1:]]"
_ABOUT: Final = """\
Processor seconds to those of something frozen in the same run; medians of {runs} runs. Against {people:,} people;
match: a file of {rows:,} rows, to DuckDB's own file; one answer: a row in memory in a warm process, seconds to
DuckDB's; snapshot: of the population, to pyarrow reading the same export; batch: {rows:,} rows of six items from
claimed to delivered, to its physical parts by plain tools."""

_began = time.monotonic()


def say(what: str) -> None:
    print(f"{time.monotonic() - _began:6.0f} s  {what}", flush=True)


def main(
    record: Annotated[bool, typer.Option(help="the ratios of this commit are those to compare with")] = False,
    world: Annotated[Path, typer.Option(help="the province's folder")] = ROOT / f"var/bench/{MILLIONS:g}m",
) -> None:
    province = of_scale(world.resolve(), MILLIONS)
    province.make(say)
    make_peers(province, say)
    ratios = measure(province)
    page = ROOT / "benchmarks"
    before = _recorded(page / RESULTS)
    rows = compared(ratios, before)
    print("\n" + markdown_table(("measure", "now", "recorded", "change"), rows))
    if record:
        keep(_part(province, ratios), page)
    elif slower := grown(ratios, before):
        sys.exit(f"slower by more than {MAX_GROWTH - 1:.0%}: {', '.join(slower)}")


def measure(world: World) -> dict[str, float]:
    """Ratio by measure."""
    out = make_folder(world.folder / "out")
    ratios = {f"match, {form}": _ratio(_matches(world, out, dirt=form == "dirty")) for form in ("dirty", "clean")}
    say("matched")
    ratios["one answer"] = _ratio(_answers(world), lambda each: float(each.told["seconds"]))
    say("answered")
    ratios["snapshot"] = _ratio(_snapshots(world, out))
    say("built")
    ratios["batch"] = _batch(world, out)
    say("a batch went through")
    return ratios


def compared(now: Mapping[str, float], before: Mapping[str, float]) -> list[tuple[str, str, str, str]]:
    """A line for each measure; a measure that was never recorded has none to compare with."""
    return [
        (
            name,
            times(ratio),
            times(before[name]) if name in before else "",
            f"{ratio / before[name] - 1:+.0%}" if name in before else "new",
        )
        for name, ratio in now.items()
    ]


def grown(now: Mapping[str, float], before: Mapping[str, float]) -> list[str]:
    """The measures that grew by more than ``MAX_GROWTH``."""
    return [name for name, ratio in now.items() if ratio > MAX_GROWTH * before.get(name, ratio)]


def _recorded(path: Path) -> dict[str, float]:
    part = json.loads(path.read_bytes()).get(NAME, {})
    return dict(part.get("figures", {}))


def _ratio(
    commands: tuple[Sequence[str], Sequence[str]], of: Callable[[Run], float] = lambda each: each.processor_seconds
) -> float:
    """Ours to the other."""
    done = in_turn(dict(zip(("ours", "other"), commands, strict=True)), RUNS)
    return of(middle(done["ours"])) / of(middle(done["other"]))


def _matches(world: World, out: Path, *, dirt: bool) -> tuple[list[str], list[str]]:
    asked = request(world, ROWS, dirt=dirt)
    return (
        python("benchmarks.match.ours", world.folder, asked, out / "ours.csv"),
        python("benchmarks.peers.match.with_duckdb", "file", world.folder, asked, out / "other.csv"),
    )


def _answers(world: World) -> tuple[list[str], list[str]]:
    asked = request(world, ROWS)
    ours, other = (
        python("benchmarks.lookup.answer", way, world.folder, asked, 1, ANSWERS) for way in ("ours", "duckdb")
    )
    return ours, other


def _snapshots(world: World, out: Path) -> tuple[list[str], list[str]]:
    build = python("benchmarks.build_snapshots", world.exports, out / "snapshots", AS_OF, "population")
    return build, [sys.executable, "-c", _READ, *[str(part) for part in world.parts]]


def _batch(world: World, out: Path) -> float:
    asked, done = request(world, ROWS, REGISTER_ITEMS), []
    with running(world, say) as office:
        for _ in range(RUNS + 1):
            batch = claimed(office, asked, ROWS)
            done.append(run(python("benchmarks.pipeline.one", office.config, batch.id)))
        plain = physical(office, batch, asked, out)
    ours: float = median(each.told["processor"] for each in done[1:])
    return ours / sum(each.processor_seconds for each in plain.values())


def _part(world: World, ratios: Mapping[str, float]) -> Part:
    rows = [(name, times(ratio)) for name, ratio in ratios.items()]
    return Part(
        name=NAME,
        title="Regression set",
        command="make bench-regression",
        about=_ABOUT.format(runs=RUNS, people=world.people, rows=ROWS),
        tables=[Table(("measure", "ratio"), rows)],
        figures=dict(ratios),
    )


if __name__ == "__main__":
    typer.run(main)
