"""Looking people up by their number: 1 or 100 at once, in a new process and in one that is already there.

    ours       a way: while ``opened``, a function that finds; the others are in ``peers/lookup``
    one        one process of one way
    answer     the whole answer to rows that are in memory, by this software and by DuckDB
    part       measures them in turn and compares what they find

What is looked up is the same for all: key → name, sex, birth date, doubt. A *whole answer* is more: the number evened
out and checked, who is meant, four items and the offence sources.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

Row = tuple[int, str, int | None, str | None, bool]
"""key, name, sex, birth date, doubt."""

Find = Callable[[list[int]], list[Row]]


def row(key: Any, name: Any, sex: Any, birth_date: date | str | None, doubt: Any) -> Row:
    """A row as it comes from any of the ways, in one form."""
    return (
        int(key),
        str(name),
        None if sex is None else int(sex),
        None if birth_date is None else str(birth_date),
        bool(doubt),
    )
