"""The parts of the benchmark in turn, or those that are named; the figures and the page beside this file.

python -m benchmarks.workers [--rows 100000] [--batches 20] [--people 300000] [throughput] [killed] [ranges]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from benchmarks.measure import Failed
from benchmarks.report import Goal, Part, Table, keep, seconds, times
from benchmarks.workers.batches import Done, Killer, run_batches
from benchmarks.workers.office import HEARTBEAT_SECONDS, Measured
from exchange.base.files import write_atomically
from exchange.base.paths import ROOT

HERE: Final = Path(__file__).parent
WORLD: Final = ROOT / "var" / "bench-celery"
COMMAND: Final = "make bench-celery"
HEAD: Final = "# Airflow's tasks on Celery workers\n\nMade by `make bench-celery`; all processes on one machine.\n"

RANGES: Final = 4
_WAY: Final = ("receive", "plan", "match_range", "process", "deliver")


def throughput(measured: Measured, batches: int) -> Part:
    """One worker, then two."""
    done = {workers: _batches(measured, workers, batches, f"t{workers}") for workers in (1, 2)}
    ratio = done[1].seconds / done[2].seconds
    rows = [
        (f"{workers} worker{'s' if workers > 1 else ''}", seconds(each.seconds), f"{each.rows_per_second:,.0f}")
        for workers, each in done.items()
    ]
    parts = list(done[1].processors)
    shares = [(name, *[f"{each.processors[name]:.0f} s" for each in done.values()]) for name in parts]
    return Part(
        "throughput",
        f"{batches} batches of {measured.rows:,} rows, one worker and two",
        COMMAND,
        "From the first run's start until the last result lies in the partner's folder. A worker runs one task at a"
        f" time. Against {measured.people:,} people, six items; requests and results encrypted and signed; every result"
        " opened, all with the same bytes.",
        [
            Table(("", "time", "rows/s"), rows, f"Two workers are {times(ratio)} as fast as one."),
            Table(("processor time", "1 worker", "2 workers"), shares, "All of it on the same two cores:"),
        ],
        figures={str(workers): asdict(each) for workers, each in done.items()},
    )


def killed(measured: Measured, batches: int) -> Part:
    """Two workers, one of which is killed in the middle."""
    killers: list[Killer] = []
    done = _batches(measured, 2, batches, "k", killers)
    killer = killers[0]
    if killer.killed_after is None or not done.again:
        msg = "no worker was killed in the middle of a task"
        raise Failed(msg)
    rows = [
        ("batches sealed when it was killed", str(killer.killed_after)),
        ("processes killed with it", str(killer.killed)),
        ("tried again", "; ".join(done.again)),
        ("answered at the end, each once", str(done.batches)),
        ("time in all", seconds(done.seconds)),
    ]
    return Part(
        "killed",
        "One of two workers killed in the middle",
        COMMAND,
        "SIGKILL to a worker and all that it started, while it is at `process`; nobody starts it again. The task counts"
        f" as dead after {HEARTBEAT_SECONDS} s without a sign of life and is tried again on the other one. Each batch"
        " has each step once in the register; each result was opened and counted, all with the same bytes.",
        [Table(("", ""), rows)],
        [Goal("a worker killed", "every batch answered once", f"{done.batches} of {batches}", met=True)],
        asdict(done) | {"killed_after": killer.killed_after},
    )


def _batches(measured: Measured, workers: int, batches: int, word: str, killers: list[Killer] | None = None) -> Done:
    mark = time.strftime("%d%H%M%S")
    names = [f"{word}-{mark}-{number}" for number in range(batches)]
    with measured.airflow(workers) as (airflow, api):
        if killers is None:
            return run_batches(measured, airflow, api, names)
        killers.append(Killer(airflow, api, f"worker-{workers}", batches))
        return run_batches(measured, airflow, api, names, meanwhile=killers[0])


def by_ranges(measured: Measured, batches: int) -> Part:
    """One batch with half as many rows as all the others together, whole and then by ranges."""
    rows_in_all = measured.rows * batches // 2
    large = replace(measured, rows=rows_in_all)
    policy = f"\nlarge_rows = {rows_in_all}\nrange_rows = {-(-rows_in_all // RANGES)}\n"
    write_atomically(large.world.config, large.world.config.read_bytes() + policy.encode())
    mark = time.strftime("%d%H%M%S")
    with large.airflow(2) as (airflow, api):
        done = {dag: run_batches(large, airflow, api, [f"{dag}-{mark}"], dag=dag) for dag in ("batch", "large")}
    whole, cut = done["batch"], done["large"]
    if whole.plain != cut.plain:
        msg = "the result by ranges has other bytes"
        raise Failed(msg)
    rows = [(name, _took(whole.tasks.get(name)), _took(cut.tasks[name])) for name in _WAY]
    return Part(
        "ranges",
        f"One batch of {rows_in_all:,} rows, whole and by {len(cut.tasks['match_range'])} ranges",
        COMMAND,
        f"Two workers. The opened results have the same SHA-256, `{cut.plain}`. Each range reads the whole request"
        " anew, since nothing plain may rest; what is gained is that a worker needs only its stretch of the register in"
        " memory.",
        [Table(("seconds", "whole", "by ranges"), [*rows, ("in all", seconds(whole.seconds), seconds(cut.seconds))])],
        [Goal("a large batch by ranges", "same bytes as in one go", "same", met=True)],
        {name: asdict(each) for name, each in done.items()},
    )


def _took(durations: Sequence[float] | None) -> str:
    return ", ".join(f"{each:.1f}" for each in durations) if durations else ""


PARTS: Final[Mapping[str, Callable[[Measured, int], Part]]] = {
    "throughput": throughput,
    "killed": killed,
    "ranges": by_ranges,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all without")
    parser.add_argument("--world", type=Path, default=WORLD)
    for name, default in (("people", 300_000), ("rows", 100_000), ("batches", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    measured = Measured(given.world.resolve(), given.people, given.rows)
    try:
        measured.world.build(print, given.people)
        for name in given.parts or PARTS:
            keep(PARTS[name](measured, given.batches), HERE, HEAD)
    finally:
        measured.world.stop_servers()


if __name__ == "__main__":
    main()
