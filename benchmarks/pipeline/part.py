"""The part ``pipeline``: a million rows of six items, its stages, and five million in one batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.fixed import MILLION
from benchmarks.measure import Run, middle, python, run
from benchmarks.pipeline.office import claimed, running
from benchmarks.pipeline.plain import physical
from benchmarks.province import World
from benchmarks.report import Goal, Part, Table, seconds, size, times
from benchmarks.requests import request
from exchange.demo.play import REGISTER_ITEMS

ROWS: Final = MILLION
MANY: Final = 5 * MILLION
MAX_SECONDS: Final = 20
MAX_MEMORY: Final = 2e9
MAX_SHARE: Final = 0.15
MAY_BE_LARGE: Final = ("match", "parse", "decode", "check", "gate")
"""Matching, parsing and validation."""

ABOUT: Final = """\
A dirty request of {rows:,} rows and six items ({items}) against {people:,} people, encrypted by `openssl`, dropped
by SFTP: fetched, kept, signature and hash checked, decrypted, parsed, validated, matched, masked, judged, signed,
encrypted; the register in PostgreSQL. Seconds of the steps `receive` and `process` in a process that has imported
what a worker of Airflow has before its tasks begin; {runs} runs of new batches, each in a process of its own; memory of
that process (`openssl` beside it streams). A request is opened twice: before it is accepted, and when it is answered.
The *physical parts* are what plain tools take for each once, on the same files:
{physical}."""


def measure(world: World, runs: int, scratch: Path, say: Callable[[str], None]) -> tuple[Run, Run, dict[str, float]]:
    """The median of ``ROWS``, one run of ``MANY``, and the physical parts of the former."""
    with running(world, say) as office:
        asked, many = (request(world, rows, REGISTER_ITEMS) for rows in (ROWS, MANY))
        done = []
        for _ in range(runs + 1):
            batch = claimed(office, asked, ROWS)
            done.append(run(python("benchmarks.pipeline.one", office.config, batch.id)))
        plain = {name: each.seconds for name, each in physical(office, batch, asked, scratch).items()}
        large = claimed(office, many, MANY)
        return middle(done[1:]), run(python("benchmarks.pipeline.one", office.config, large.id)), plain


def part(world: World, runs: int, scratch: Path, say: Callable[[str], None]) -> Part:
    found, many, plain = measure(world, runs, scratch, say)
    taken, taken_by_many = (_to_sealed(each) for each in (found, many))
    total, stages = sum(plain.values()), found.told["stages"]
    shares = {name: value / taken for name, value in stages.items()}
    too_large = [name for name, share in shares.items() if share > MAX_SHARE and name not in MAY_BE_LARGE]
    rows = [
        [name, seconds(value), f"{shares[name]:.0%}", seconds(many.told["stages"][name])]
        for name, value in sorted(stages.items(), key=lambda stage: -stage[1])
    ]
    rows.append(["**to the sealed result**", seconds(taken), times(taken / total), seconds(taken_by_many)])
    delivered = [seconds(each.told["steps"]["deliver"]) for each in (found, many)]
    rows.append(["delivered after that in", delivered[0], "", delivered[1]])
    rows.append(["whole process", seconds(found.seconds), "", seconds(many.seconds)])
    rows.append(["own memory", size(found.own), "", size(many.own)])
    rows.append(["resident", size(found.resident), "", size(many.resident)])
    what, grown = f"whole pipeline, {ROWS:,} rows × {len(REGISTER_ITEMS)} items", many.resident / found.resident
    physical_parts = ", ".join(f"{name} {seconds(value)}" for name, value in plain.items())
    return Part(
        name="pipeline",
        title="Whole pipeline",
        command="make bench ONLY=pipeline",
        about=ABOUT.format(
            rows=ROWS, items=", ".join(REGISTER_ITEMS), people=world.people, runs=runs, physical=physical_parts
        ),
        tables=[
            Table(
                ("stage", f"{ROWS:,} rows", "share", f"{MANY:,} rows"), rows, about=f"Physical parts: {seconds(total)}."
            )
        ],
        goals=[
            Goal(what, "under 20 s", seconds(taken), taken < MAX_SECONDS),
            Goal(f"{what}: peak memory", "under 2 GB", size(found.resident), found.resident < MAX_MEMORY),
            Goal(
                f"{what}: stages but matching, parsing, validation",
                "none above 15 %",
                ", ".join(f"{name} {shares[name]:.0%}" for name in too_large) or "none",
                not too_large,
            ),
            Goal(f"{MANY:,} rows in one batch: memory", "less than 5 × (linear)", times(grown), grown < MANY / ROWS),
        ],
        figures={"rows": found.figures | dict(found.told), "many": many.figures | dict(many.told), "physical": plain},
    )


def _to_sealed(done: Run) -> float:
    return float(done.told["steps"]["receive"] + done.told["steps"]["process"])
