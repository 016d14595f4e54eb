"""What a table of the report is made of: its head, and rows of texts, counts, shares and times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from exchange.supervision import labels
from exchange.supervision.labels import Head

TOTAL: Final = str(labels.Words("合计", "total"))


@dataclass(frozen=True)
class People:
    """A count of people as it is shown; ``hidden``: a count that is not shown is or would be part of it."""

    n: int
    hidden: bool = False

    def __str__(self) -> str:
        return ("＊" if not self.n else f"{self.n:,}＋") if self.hidden else f"{self.n:,}"


Value = str | int | float | People | None
"""The value of a cell: a text, a count, a share or seconds."""

Line = dict[str, Any]
"""Column → value."""


@dataclass(frozen=True)
class Table:
    """A table of the report: a value for each column of the head in each row; ``total``: the last row, where it has
    one.
    """

    head: Head
    rows: list[list[Value]]
    total: list[Value] | None = None


def table(head: Head, rows: Iterable[Line], total: Line | None = None) -> Table:
    """A table with this head; ``rows`` and ``total`` may hold other columns, which are left out."""
    return Table(head, [_values(head, row) for row in rows], _values(head, total) if total else None)


def _values(head: Head, row: Line) -> list[Value]:
    return [row.get(column.name) for column in head.columns]


def add(column: str) -> pl.Expr:
    """The sum of a column of people, as a struct: ``n``, without counts that may not be shown (null), and ``hidden``,
    whether there are such.
    """
    return pl.struct(n=pl.col(column).sum(), hidden=pl.col(column).is_null().any()).alias(column)


def people(value: Line | None) -> People:
    """A value of :func:`add` as a count to show; nobody of None."""
    return People(value["n"] or 0, value["hidden"]) if value else People(0)


def with_people(frame: pl.DataFrame, *columns: str) -> list[Line]:
    """The frame's rows, the values of these columns (null: may not be shown) as counts to show."""
    return [
        row | {name: People(row[name] or 0, row[name] is None) for name in columns}
        for row in frame.iter_rows(named=True)
    ]
