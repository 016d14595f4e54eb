"""Parts of a benchmark → ``results.json`` and ``RESULTS.md``.

Rules: a part is written when it is measured and stands until it is measured again, with the machine and the time that
it belongs to; the page is made from the JSON alone. Figures that are held against a goal stand once more at the end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import facts
from exchange.base.files import write_atomically

RESULTS: Final = "results.json"
PAGE: Final = "RESULTS.md"

_ORDER: Final = ("match", "lookup", "pipeline", "build", "transfer", "growth")
"""Of the parts on the page; others follow."""


@dataclass(frozen=True)
class Table:
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    about: str = ""


@dataclass(frozen=True)
class Goal:
    """A figure of the issue that asked for this benchmark, and what was measured."""

    what: str
    goal: str
    measured: str
    met: bool


@dataclass(frozen=True)
class Part:
    """``about``: what is compared, in Markdown. ``figures``: the numbers behind the tables, for programs."""

    name: str
    title: str
    command: str
    about: str
    tables: Sequence[Table]
    goals: Sequence[Goal] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)


HEAD: Final = (
    "# Measured\n\nMade by `make bench`; what each part compares stands beside it. Medians of whole processes.\n"
)


def keep(part: Part, folder: Path, head: str = HEAD) -> None:
    """Adds the part to the folder's results in place of an earlier one, and makes the page anew."""
    path = folder / RESULTS
    results = json.loads(path.read_bytes()) if path.is_file() else {}
    results[part.name] = {"machine": facts()} | asdict(part)
    write_atomically(path, json.dumps(results, ensure_ascii=False, indent=1).encode() + b"\n")
    write_atomically(folder / PAGE, page(results, head).encode())
    for written in (path, folder / PAGE):
        written.chmod(0o644)  # figures, which everybody may read


def page(results: Mapping[str, Any], head: str = HEAD) -> str:
    """``RESULTS.md``."""
    names = sorted(results, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
    parts = [results[name] for name in names]
    sections = [head, *[_section(part, parts[0]["machine"]) for part in parts]]
    goals = [(goal, part) for part in parts for goal in part["goals"]]
    if goals:
        rows = [(goal["what"], goal["goal"], goal["measured"], "yes" if goal["met"] else "**no**") for goal, _ in goals]
        sections.append("## Goals\n\n" + markdown_table(("what", "goal", "measured", "reached"), rows))
    machine = "\n".join(f"- {name}: {value}" for name, value in parts[0]["machine"].items())
    sections.insert(1, f"## Machine\n\n{machine}\n")
    return "\n".join(sections)


def _section(part: Mapping[str, Any], common: Mapping[str, str]) -> str:
    other = [f"{name}: {value}" for name, value in part["machine"].items() if common.get(name) != value]
    differs = f"\n\nMeasured with {'; '.join(other)}." if other else ""
    tables = []
    for table in part["tables"]:
        about = f"{table['about']}\n\n" if table["about"] else ""
        tables.append(about + markdown_table(table["columns"], table["rows"]))
    return f"## {part['title']}\n\n`{part['command']}`{differs}\n\n{part['about']}\n\n" + "\n".join(tables)


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column to the left, the others to the right."""
    lines = [_line(columns), _line(["---", *["---:"] * (len(columns) - 1)]), *[_line(row) for row in rows]]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def seconds(value: float) -> str:
    """A time with two or three digits that count."""
    if value < 1:
        return f"{value * 1000:.3g} ms"
    return f"{value:.2f} s" if value < 100 else f"{value:.0f} s"


def size(value: float) -> str:
    """Bytes in GB or MB."""
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def times(value: float) -> str:
    """A ratio."""
    return f"{value:.2f} ×"
