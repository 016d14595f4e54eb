"""Lists at the terminal: whole ids at 80 columns, and the same lines for machines as JSON or CSV.

Rules
- Nothing is cut. What does not fit is folded within its column; days stay on one line, a moment's time may stand below
  its day, and ids, which are copied, stay whole while the other columns have room to fold in.
- What stands in a cell is text: brackets in a letter's number or a note are brackets, not markup; what a terminal would
  obey in a claim, which a partner typed, is printed as its code point.
- A table of nothing says so in words; a frame around nothing could also be a fault. A column of nothing is left out.
- Headings are Chinese with English beside; people read Chinese words and each other's names, machines get codes, ids.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

from exchange.base.invisible import as_printed
from exchange.cli.outcome import out

AsJson = Annotated[bool, typer.Option("--json", help="供程序读取：对象列表 for machines: a list of objects")]
AsCsv = Annotated[
    bool, typer.Option("--csv", help="供程序和电子表格读取：每项一行 for machines and spreadsheets: a line each")
]
NOTHING: Final = "没有。 None."
_DAYS: Final = frozenset({"due"})
"""Columns that are not folded."""
_LEAST: Final = {
    "received": 10,
    "since": 10,
    "office": 6,
    "row": 4,
    "state": 6,
    "urgency": 8,
    "judged_by": 6,
    "shown": 12,
}
"""Columns that are folded to this width and no further: a day, a state's word, a hash that is typed."""
_IDS: Final = frozenset({"batch", "name", "release", "set"})
_LETTERS: Final = 3
"""Room that is left to each column that folds: a Chinese character and a half."""
_PEOPLE: Final = frozenset({"by", "judged_by"})
"""Columns of people who work here."""


class Coded(str):
    """A cell of which machines get the text, a code, and people read ``words``."""

    words: str

    def __new__(cls, code: str | None, words: str) -> Coded:
        """A code that is a text, with its words beside."""
        made = super().__new__(cls, code or "")
        made.words = words
        return made


class Folded(Table):
    """A table in which nothing is cut, a text is shown as it stands, and that there is no row is said."""

    def __init__(self, title: str | None = None, *, heads: bool = True) -> None:
        super().__init__(title=title, title_justify="left", padding=(0, 1, 0, 0), pad_edge=False, show_header=heads)
        self.ids: set[str] = set()
        """Headings of the columns that hold ids."""

    def add_row(self, *cells: Any, **more: Any) -> None:
        """A row; texts are shown as they stand, without markup."""
        super().add_row(*[Text(as_printed(_read(cell))) if isinstance(cell, str) else cell for cell in cells], **more)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.rows:
            every, self.columns = self.columns, [filled for filled in self.columns if any(map(str, filled.cells))]
            for index, column in enumerate(self.columns):
                column._index = index
            self._keep_ids_whole(options.max_width)
            yield from super().__rich_console__(console, options)
            self.columns = every
        else:
            yield Text(f"{self.title}：{NOTHING}" if self.title else NOTHING)

    def _keep_ids_whole(self, width: int) -> None:
        """The columns of ids are folded last: not while the others, folded, leave them room."""
        ids = [column for column in self.columns if column.header in self.ids]
        others = [column for column in self.columns if column not in ids]
        needed = (
            sum(_widest(other) if other.no_wrap else other.min_width or _LETTERS for other in others)
            + 2 * len(self.columns)
            + 1
        )
        for column in ids:
            needed += _widest(column)
            column.no_wrap = needed <= width
        is_wide = sum(map(_widest, self.columns)) + 2 * len(self.columns) + 1 > width
        for column in others:  # a least width alone is put on top of what fits, and the last column falls off the edge
            column.width = column.min_width if is_wide else None


def _read(cell: str) -> str:
    return cell.words if isinstance(cell, Coded) else cell


def _widest(column: Column) -> int:
    return max(cell_len(str(cell)) for cell in (column.header, *column.cells))


def folded(columns: Mapping[str, str], title: str | None = None, *, whole: str | None = None) -> Folded:
    """A table of these columns (name → heading). ``whole``: one more that is not folded, of short ids."""
    table = Folded(title)
    for name, heading in columns.items():
        no_wrap = name in _DAYS or name == whole
        table.add_column(heading, overflow="fold", no_wrap=no_wrap, min_width=_LEAST.get(name))
    table.ids = {heading for name, heading in columns.items() if name in _IDS}
    return table


def unheaded(title: str | None = None, columns: int = 2) -> Folded:
    """A table of so many columns without headings: what is told, and what of it."""
    table = Folded(title, heads=False)
    for _ in range(columns):
        table.add_column(overflow="fold")
    return table


def show(
    columns: Mapping[str, str],
    lines: Sequence[Sequence[str]],
    nothing: str,
    *,
    as_json: bool,
    as_csv: bool,
    who: Callable[[str], str] = str,
) -> None:
    """Prints the lines as a table, or as is asked; ``nothing``: what is said where there are none; ``who``: id of a
    person → what a reader of the table reads.
    """
    if as_json:
        records = [dict(zip(columns, line, strict=True)) for line in lines]
        plain(json.dumps(records, ensure_ascii=False, indent=1))
    elif as_csv:
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows([list(columns), *lines])
        plain(written.getvalue().rstrip("\n"))
    elif lines:
        table = folded(columns)
        for line in lines:
            table.add_row(*[who(cell) if name in _PEOPLE else cell for name, cell in zip(columns, line, strict=True)])
        out.print(table)
    else:
        out.print(nothing)


def plain(text: str) -> None:
    """Text as it is, neither wrapped nor read as markup."""
    out.print(text, markup=False, soft_wrap=True)
