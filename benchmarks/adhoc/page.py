"""Figures → ``ADHOC.json`` with every single one, and ``ADHOC.md``, which is printed, too."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.adhoc.stages import STAGES
from benchmarks.machine import facts
from benchmarks.report import markdown_table
from exchange.base.files import write_atomically

GOALS: Final = {"quiet": 1.0, "loaded": 1.6}
"""Phase → seconds in which 95 of 100 sets should be answered (issue: on 2 cores); 60 s is the promise."""


def write(figures: Mapping[str, Any], folder: Path) -> None:
    whole = {"machine": facts(), "command": "make bench-adhoc"} | dict(figures)
    text = _page(whole)
    for name, content in (("ADHOC.json", json.dumps(whole, indent=1) + "\n"), ("ADHOC.md", text)):
        write_atomically(folder / name, content.encode())
        (folder / name).chmod(0o644)  # figures, which everybody may read
    print(text)


def _page(whole: Mapping[str, Any]) -> str:
    machine = "\n".join(f"- {name}: {value}" for name, value in whole["machine"].items())
    parts = [f"# The immediate lane\n\n`{whole['command']}`, {whole['sets']} sets of each size.\n\n{machine}\n"]
    phases = [phase for phase in GOALS if phase in whole]
    rows = [_row(phase, size, whole[phase]) for phase in phases for size in _sizes(whole[phase])]
    parts.append(
        "From the moment in which the manifest has its name on the SFTP server to the moment in which a plain client"
        " has read the result's manifest there, in seconds:\n\n"
        + markdown_table(("phase, rows", "sets", "median", "95th percentile", "slowest", "goal", "reached"), rows)
    )
    if phases:
        rows = [_spent(phase, whole[phase]) for phase in phases]
        parts.append(
            "Where the time goes (medians): *poll* to the claim, *receive* to the acceptance, *process* to the sealed"
            " result, *deliver* to the manifest in the partner's hands.\n\n" + markdown_table(("phase", *STAGES), rows)
        )
    if "annual" in whole:
        annual = whole["annual"]
        parts.append(
            f"*Loaded*: beside annual batches of {whole['annual_rows']:,} rows, {annual['batches']} in all, one after"
            f" the other; one was between claim and delivery for {annual['share']:.0%} of the time.\n"
        )
    if "burst" in whole:
        parts.append(f"A burst of {_many(whole['burst'])} at once: {_outcome(whole['burst'])}\n")
    if "steady" in whole:
        steady = whole["steady"]
        parts.append(f"{steady['a_second']:g} a second, {_many(steady)}: {_outcome(steady)}\n")
    return "\n".join(parts)


def _sizes(phase: Sequence[Mapping[str, Any]]) -> list[int]:
    return sorted({figure["rows"] for figure in phase})


def _row(phase: str, size: int, figures: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    took = [figure["answered"] - figure["dropped"] for figure in figures if figure["rows"] == size]
    late = percentile_95(took)
    told = [f"{value:.2f}" for value in (statistics.median(took), late, max(took))]
    return (
        f"{phase}, {size}",
        str(len(took)),
        *told,
        f"< {GOALS[phase]:.1f}",
        "yes" if late < GOALS[phase] else "**no**",
    )


def percentile_95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def _spent(phase: str, figures: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return (phase, *[f"{statistics.median(figure['stages'][stage] for figure in figures):.2f}" for stage in STAGES])


def _many(found: Mapping[str, Any]) -> str:
    return f"{found['sets']} sets of one row from {found['partners']} partners"


def _outcome(found: Mapping[str, Any]) -> str:
    took = found["seconds"]
    outcome = "; ".join(found["faults"]) or "every one answered once, as planted"
    return (
        f"{len(took)} answered, half of them within {statistics.median(took):.1f} s, 95 of 100 within"
        f" {percentile_95(took):.1f} s, the last after {took[-1]:.1f} s; {outcome}."
    )
