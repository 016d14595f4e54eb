"""What is done with many rows of a batch at once costs as many questions as with few, and of each question a time that
grows with the rows, not with their square.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import Connection, event

from exchange.calendar.working_days import Due
from exchange.register import Decision, FileRecord, NewReview, Register, ReleaseSummary, ReviewFilter
from exchange.register.board import own_lines, queue_counts, queue_lines, releases_under_way
from exchange.register.counts import counts
from exchange.register.lines import now
from exchange.register.looks import looks
from exchange.register.returned import returned_releases
from exchange.register.statistics import lines
from exchange.register.waiting import open_rows
from exchange.wire.manifest import RequestManifest

from .conftest import AT, Database
from .plans import EXPLAIN, looked_at

BATCH: Final = "bank.b1"
FEW, MANY = 3, 1500
IN_HAND: Final = 60
"""Rows for each row of the batch, over all nodes of one question's plan."""


class Asked:
    """How many questions, and the one that had most rows in hand."""

    def __init__(self) -> None:
        self.number = 0
        self.most: tuple[int, str] = (0, "")

    def note(self, connection: Connection, _cursor: object, question: str, values: Any, *_more: object) -> None:
        self.number += 1
        if question.lstrip().startswith(("SELECT", "WITH")) and "INSERT" not in question:
            cursor = connection.connection.cursor()
            cursor.execute(EXPLAIN + question, values)
            self.most = max(self.most, (looked_at(cursor.fetchall()[0][0]), question))


def things(register: Register, files: list[FileRecord], rows: list[int]) -> Iterator[tuple[str, Callable[[], object]]]:
    """All that is done with the rows, in an order in which each has something to do."""
    reviews, releases, engine = register.reviews, register.releases, register.engine
    outcome = ReleaseSummary({}, answers_sha256="a" * 64)

    def decide() -> object:
        seen = reviews.find(ReviewFilter(batch=BATCH))
        return reviews.decide(
            BATCH, [Decision(row.row, row.version, {"name": "consistent"}, "archive") for row in seen]
        )

    def propose(*, needs_approval: bool) -> object:
        return releases.propose(BATCH, rows, outcome, needs_approval=needs_approval)

    def look() -> None:
        counts(engine)
        open_rows(engine)
        queue_counts(engine, ["220000"])
        queue_lines(engine, ["220000"], "tests", 100)
        own_lines(engine, "tests", 100)
        releases_under_way(engine)
        returned_releases(engine, ["220000"])
        lines(register, AT, now() + timedelta(days=1))
        looks(engine, AT, now() + timedelta(days=1))

    new = [NewReview(row, "220100", ("name",), case=f"{row:064x}") for row in rows]
    yield "prepared", lambda: register.prepared(BATCH, {}, files, len(rows), new)
    yield "delivered", lambda: register.delivered(BATCH)
    yield "opened", lambda: reviews.opened(BATCH, rows)
    yield "opened and held", lambda: reviews.opened(BATCH, rows, hold=True)
    yield "decided", decide
    yield "looked at", look
    yield "proposed", lambda: propose(needs_approval=True)
    yield "looked at with a release", look
    yield "rejected", lambda: releases.reject(BATCH, 1, "again")
    yield "looked at once returned", look
    yield "reopened", lambda: releases.reopen(BATCH, 1, "decided anew")
    yield "decided anew", decide
    yield "proposed anew", lambda: propose(needs_approval=True)
    yield "withdrawn", lambda: releases.withdraw(BATCH, 2, "other answers")
    yield "proposed last", lambda: propose(needs_approval=False)
    yield "release prepared", lambda: releases.prepared(BATCH, 3, [])
    yield "release delivered", lambda: releases.delivered(BATCH, 3)
    yield "read again", lambda: (reviews.decided(BATCH), reviews.among(BATCH, rows), reviews.deciders(BATCH, rows))
    yield "same cases sought", lambda: reviews.decided_before([review.case for review in new if review.case], AT)


@pytest.fixture
def asked(register: Register) -> Iterator[Asked]:
    asked = Asked()
    event.listen(register.engine, "before_cursor_execute", asked.note)
    yield asked
    event.remove(register.engine, "before_cursor_execute", asked.note)


def test_many_rows_ask_as_few_questions_as_few_rows(
    register: Register,
    database: Database,
    asked: Asked,
    manifest: RequestManifest,
    due: Due,
    result_files: list[FileRecord],
) -> None:
    numbers: dict[str, list[int]] = {}
    most: dict[str, tuple[int, str]] = {}
    for number in (FEW, MANY):
        database.empty()
        register.claim(BATCH, "bank", "a" * 64, [], AT)
        register.accept(BATCH, manifest, due)
        for name, thing in things(register, result_files, [row * 1000 + 1 for row in range(number)]):
            asked.number, asked.most = 0, (0, "")
            thing()
            numbers.setdefault(name, []).append(asked.number)
            most[name] = asked.most
    assert {name: found for name, found in numbers.items() if found[0] != found[1]} == {}
    assert {name: found for name, found in most.items() if found[0] > IN_HAND * MANY} == {}
