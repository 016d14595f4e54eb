"""Two who act at once, the act of the other one between any two questions that the first asks of the database: what
comes of it must be what comes of one after another.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Final

from sqlalchemy import DateTime, event

from exchange.base.errors import ExchangeError, Refused
from exchange.demo.servers.processes import wait_for
from exchange.register import Register
from exchange.register.models import Base

from .conftest import Database

_MOMENT: Final = re.compile(r"(\d{4}-)?\d\d-\d\d[T ]\d\d:\d\d[:.\d]*(\+[:\d]+)?|(?<=told\.)\d+|(?<=question )\d+")
"""Moments, and numbers that no database gives twice."""
_OF_ORDER: Final = {"seq", "hash", "previous_hash", "root", "signature", "digests", "digest"}
"""Columns that say behind which other lines one was written, or sum moments up."""
_KEPT: Final = {"ledger_head": "false", "destruction": "done_at IS NOT NULL", "ledger": "facts !~ 'files_intended'"}
"""Table → which of its rows are looked at. What is only intended binds nobody."""

Act = Callable[[Register], object]


@dataclass(frozen=True)
class Outcome:
    """What the two were told, and what stands in the register then, moments and the order of lines aside."""

    first: str
    other: str
    register: frozenset[tuple[str, int]]


@dataclass(frozen=True)
class Two:
    """Two acts on a register that ``begin`` has filled."""

    database: Database
    in_name_of: Callable[[str], Register]
    begin: Callable[[], object]
    first: Act
    other: Act

    def one_after_another(self) -> set[Outcome]:
        """What comes of the two, in either order."""
        outcomes = set()
        for turned in (False, True):
            self._anew()
            acts = [("first", self.first), ("other", self.other)]
            told = {who: said(act, self.in_name_of(who)) for who, act in (acts[::-1] if turned else acts)}
            outcomes.add(Outcome(told["first"], told["other"], standing(self.database)))
        return outcomes

    def between(self) -> Iterator[tuple[int, Outcome]]:
        """What comes of the two where the other one acts once the first has asked 1, 2, 3… questions, as far as no lock
        holds it up.
        """
        for after in count(1):
            if (outcome := self._interleaved(after)) is None:
                return
            yield after, outcome

    def _interleaved(self, after: int) -> Outcome | None:
        """None where the first asks fewer questions."""
        self._anew()
        first, questions = self.in_name_of("first"), count(1)
        begun: list[Future[str]] = []
        with ThreadPoolExecutor(1) as thread:

            def meanwhile(*_: object) -> None:
                if next(questions) == after:
                    begun.append(thread.submit(said, self.other, self.in_name_of("other")))
                    assert wait_for(lambda: begun[0].done() or waits(self.database), 60)

            event.listen(first.engine, "after_cursor_execute", meanwhile)
            told = said(self.first, first)
            other = begun[0].result() if begun else None
        return None if other is None else Outcome(told, other, standing(self.database))

    def _anew(self) -> None:
        self.database.empty()
        self.begin()


def said(act: Act, register: Register) -> str:
    """What the act returned, or which error of the house it raised; any other error is a fault."""
    try:
        return _MOMENT.sub("·", f"{act(register)}")
    except ExchangeError as error:
        return error.code if isinstance(error, Refused) else type(error).__name__


def waits(database: Database) -> bool:
    """Whether anybody waits for a lock."""
    return database.asked("SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1") != []


def standing(database: Database) -> frozenset[tuple[str, int]]:
    """All rows of the register, each with how often it stands there."""
    rows: Counter[str] = Counter()
    for name, table in Base.metadata.tables.items():
        columns = [
            column.name
            for column in table.columns
            if column.identity is None and not isinstance(column.type, DateTime) and column.name not in _OF_ORDER
        ]
        texts = ", ".join(f"{column}::text" for column in columns)
        for row in database.asked(f"SELECT {texts} FROM {name} WHERE {_KEPT.get(name, 'true')}"):  # noqa: S608
            values = [_MOMENT.sub("·", value or "") for value in row]
            rows[f"{name} {dict(zip(columns, values, strict=True))}"] += 1
    return frozenset(rows.items())


def difference(found: Outcome, allowed: set[Outcome]) -> Mapping[str, object]:
    """Where an outcome is none of those that are allowed."""
    near = min(allowed, key=lambda each: len(each.register ^ found.register))
    return {
        "told": (found.first, found.other),
        "allowed": [(each.first, each.other) for each in allowed],
        "too much": sorted(found.register - near.register),
        "lacking": sorted(near.register - found.register),
    }
