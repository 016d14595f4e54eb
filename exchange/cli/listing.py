"""Lists at the terminal: whole ids at 80 columns, and the same lines for machines as JSON or CSV.

Rule: nothing is cut. What does not fit is folded within its column; days and moments stay on one line.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import typer
from rich.table import Table

from exchange.cli.outcome import out

AsJson = Annotated[bool, typer.Option("--json", help="For machines: a list of objects, whatever the width")]
AsCsv = Annotated[bool, typer.Option("--csv", help="For machines and spreadsheets: a line each")]
_DAYS: Final = frozenset({"due", "received", "since"})
"""Columns that are not folded."""


def folded(columns: Mapping[str, str], title: str | None = None) -> Table:
    """A table of these columns (name → heading) in which nothing is cut."""
    table = Table(title=title, title_justify="left", padding=(0, 1, 0, 0), pad_edge=False)
    for name, heading in columns.items():
        table.add_column(heading, overflow="fold", no_wrap=name in _DAYS)
    return table


def show(
    columns: Mapping[str, str], lines: Sequence[Sequence[str]], nothing: str, *, as_json: bool, as_csv: bool
) -> None:
    """Prints the lines as a table, or as is asked; ``nothing``: what is said where there are none."""
    if as_json:
        found = [dict(zip(columns, line, strict=True)) for line in lines]
        plain(json.dumps(found, ensure_ascii=False, indent=1))
    elif as_csv:
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows([list(columns), *lines])
        plain(written.getvalue().rstrip("\n"))
    elif lines:
        table = folded(columns)
        for line in lines:
            table.add_row(*line)
        out.print(table)
    else:
        out.print(nothing)


def plain(text: str) -> None:
    """Text as it is, neither wrapped nor read as markup."""
    out.print(text, markup=False, soft_wrap=True)
