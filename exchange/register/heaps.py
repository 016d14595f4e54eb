"""Heaps of an officer's open rows: those of one batch for the same causes; and which row comes next.

Rules
- What is due first comes before the rest; after a row comes the one behind it, and after the last the first again, so
  that nobody stands before a row that they cannot decide.
- A row that somebody else has open is passed over; so are those of a batch that is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Select, func, literal, or_, select, true, tuple_

from exchange.register.board import DUE, gave, of_offices
from exchange.register.database import reading
from exchange.register.models import LIVE, BatchRow, ReviewRow
from exchange.register.states import OPEN, ReviewState

_WAITING: Final = (LIVE, BatchRow.state.in_(OPEN))
"""The conditions that a batch's rows wait for officers."""

_NEVER: Final = date.max
"""Stands for a due day that is not known yet."""


@dataclass(frozen=True)
class Heap:
    """An officer's open rows of one batch that are there for the same causes: how many."""

    batch: str
    partner: str
    causes: tuple[str, ...]
    due_on: date | None
    rows: int


@dataclass(frozen=True)
class Chosen:
    """What an officer goes through, row by row: all open rows, those of one batch, or one heap."""

    batch: str | None = None
    causes: tuple[str, ...] = ()

    def holds(self) -> list[ColumnElement[bool]]:
        """The conditions on a row of the queue to be in it."""
        batch = [ReviewRow.batch_id == self.batch] if self.batch else []
        return batch + ([ReviewRow.causes == list(self.causes)] if self.causes else [])


def heaps(engine: Engine, divisions: Iterable[str], person: str, limit: int) -> list[Heap]:
    """The heaps of these offices and of those below them on which this person has given no word."""
    columns = (ReviewRow.batch_id, BatchRow.partner, ReviewRow.causes, DUE)
    query = _open(select(*columns, func.count()), divisions, person).group_by(*columns)
    query = query.order_by(DUE.nulls_last(), ReviewRow.batch_id, ReviewRow.causes).limit(limit)
    with reading(engine) as session:
        return [Heap(batch, by, tuple(causes), due, rows) for batch, by, causes, due, rows in session.execute(query)]


def next_row(
    engine: Engine,
    divisions: Iterable[str],
    person: str,
    at: datetime,
    chosen: Chosen,
    after: tuple[str, int] | None = None,
) -> tuple[str, int] | None:
    """Batch and number of the row that comes after this one, or first; None where none is left but this one."""
    sort_key = tuple_(func.coalesce(DUE, _NEVER), ReviewRow.batch_id, ReviewRow.row)
    free = or_(ReviewRow.held_by.is_(None), ReviewRow.held_by == person, ReviewRow.held_until <= at)
    query = _open(select(ReviewRow.batch_id, ReviewRow.row), divisions, person).where(free, *chosen.holds())
    query = query.order_by(sort_key).limit(1)
    with reading(engine) as session:
        if after is not None:
            batch_id, row = after
            behind = _of_batch(select(ReviewRow.batch_id, ReviewRow.row), batch_id, divisions, person)
            behind = behind.where(free, *chosen.holds(), ReviewRow.row > row).order_by(ReviewRow.row).limit(1)
            if (next_key := session.execute(behind).first()) is not None:  # mostly, and without a look at the rest
                return next_key[0], next_key[1]
            due = session.scalar(select(DUE).where(BatchRow.id == batch_id)) or _NEVER
            rest = query.where(sort_key > tuple_(literal(due), literal(batch_id), literal(row)))
            if (next_key := session.execute(rest).first()) is not None:
                return next_key[0], next_key[1]
        next_key = session.execute(query).first()
        return None if next_key is None or tuple(next_key) == after else (next_key[0], next_key[1])


def count(engine: Engine, divisions: Iterable[str], person: str, chosen: Chosen) -> int:
    """How many open rows are left of what this officer goes through."""
    rows = select(func.count())
    mine = _of_batch(rows, chosen.batch, divisions, person) if chosen.batch else _open(rows, divisions, person)
    with reading(engine) as session:
        return session.scalar(mine.where(*chosen.holds())) or 0


def _open(query: Select[*tuple[Any, ...]], divisions: Iterable[str], person: str) -> Select[*tuple[Any, ...]]:
    """The query, restricted to open rows of live batches on which this officer may still give a word."""
    return query.select_from(ReviewRow).join(BatchRow).where(*_WAITING, *_undecided(divisions, person))


def _of_batch(
    query: Select[*tuple[Any, ...]], batch: str, divisions: Iterable[str], person: str
) -> Select[*tuple[Any, ...]]:
    """The same for one batch, which is looked up once and not joined to each of its rows."""
    is_live = select(BatchRow.id).where(BatchRow.id == batch, *_WAITING).exists()
    of_batch = ReviewRow.batch_id == batch
    return query.select_from(ReviewRow).where(is_live, of_batch, *_undecided(divisions, person))


def _undecided(divisions: Iterable[str], person: str) -> tuple[ColumnElement[bool], ...]:
    unsaid = func.coalesce(~gave(person), true())
    return of_offices(divisions), ReviewRow.state == ReviewState.OPEN, unsaid
