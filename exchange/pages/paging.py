"""Long tables, a hundred rows at a time.

Rule: an invalid page number, or one beyond the last, shows a page that exists: rows may have gone since the link was
made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

PAGE_ROWS: Final = 100
_DIGITS: Final = 5
Row = TypeVar("Row")


@dataclass(frozen=True)
class TablePage(Generic[Row]):
    """One page of a table: ``total`` rows in all on ``last`` pages, of which this is ``number``, from 1 on."""

    rows: Sequence[Row]
    number: int
    last: int
    total: int


def page_of(rows: Sequence[Row], asked: str | None) -> TablePage[Row]:
    """The page that a query asks for; the first without one."""
    last = max(1, -(-len(rows) // PAGE_ROWS))
    wanted = int(asked) if asked and asked.isdecimal() and len(asked) <= _DIGITS else 1
    number = min(last, max(1, wanted))
    return TablePage(rows[(number - 1) * PAGE_ROWS : number * PAGE_ROWS], number, last, len(rows))
