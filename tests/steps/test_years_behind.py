"""What is asked of the register for each set, each minute and for a month's report does not grow with the years: what
is past is found by an index, or not read. What is asked each hour and each night may read what ended, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, DateTime, Table, event

from exchange import pipeline
from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.operation.verification import tonights
from exchange.register import BatchFilter
from exchange.register.models import Base
from exchange.register.statistics import lines
from exchange.retention import due
from exchange.status.facts import status_of
from exchange.supervision.month import read_month
from exchange.supervision.months import last_months, statistics_of_months
from exchange.watch.all_watches import watch_all
from tests.register.plans import EXPLAIN, looked_at

PAST: Final = 20_000
"""Batches, each as the one that was answered first, an hour apart: two years and more."""
MORE: Final = 1_000
"""Rows that a question may have in hand more than without them, over all nodes of its plan."""
ONCE: Final = 60
"""Rows that a question of an hour or a night may have in hand for each batch that is past, over all nodes: a batch has
eleven files, and as many lines.
"""
_COPY: Final = """
INSERT INTO {table} OVERRIDING SYSTEM VALUE
SELECT made.* FROM {table} AS first, generate_series(1, {past}) AS nth,
    jsonb_populate_record(NULL::{table}, to_jsonb(first) || jsonb_build_object({changed})) AS made
WHERE first.{key} = '{batch}'"""


def years_behind(world: World, batch: str) -> None:
    """This ended batch so many times more, with all that the register has of it, before it in time."""
    with world.postgres.connected("postgres", "exchange") as connection:
        connection.execute("SET session_replication_role = replica")
        for table in Base.metadata.tables.values():
            if table.name == "batch" or "batch_id" in table.columns:
                connection.execute(_copied(table, batch).encode())
        connection.execute("ANALYZE")


def _copied(table: Table, batch: str) -> str:
    key = "id" if table.name == "batch" else "batch_id"
    changed = [f"'{key}', first.{key} || '.past' || nth"]
    changed += [
        f"'{column.name}', first.{column.name} - nth * interval '1 hour' - interval '40 days'"
        for column in table.columns
        if isinstance(column.type, DateTime)
    ]
    changed += [f"'{name}', -nth * 100 - first.{name}" for name in ("seq", "number") if _is_counted(table, name)]
    return _COPY.format(table=table.name, past=PAST, changed=", ".join(changed), key=key, batch=batch)


def _is_counted(table: Table, name: str) -> bool:
    """Whether the column tells the table's rows apart by itself."""
    return [column.name for column in table.primary_key.columns] in ([name], [name, "batch_id"])


@contextmanager
def noted(app: App) -> Iterator[dict[str, int]]:
    """Question → the most rows that it had in hand, while the block lasts."""
    most: dict[str, int] = {}

    def note(connection: Connection, _cursor: object, question: str, values: Any, *_more: object) -> None:
        if question.lstrip().startswith(("SELECT", "WITH")) and "INSERT" not in question:
            cursor = connection.connection.cursor()
            cursor.execute(EXPLAIN + question, values)
            most[question] = max(most.get(question, 0), looked_at(cursor.fetchall()[0][0]))

    event.listen(app.register.engine, "before_cursor_execute", note)
    try:
        yield most
    finally:
        event.remove(app.register.engine, "before_cursor_execute", note)


def in_hand(app: App, court: DemoPartner, request: Request) -> dict[str, int]:
    """What is asked while a set comes and is answered and a minute goes by, and for the report of the month."""
    court.drop(court.make_set(request))
    with noted(app) as most:
        poll(app)
        assert pipeline.run(app, request.batch)
        court.drop({f"{request.batch}.result.ack": b""})
        poll(app)
        pipeline.propose_all(app)
        assert request.batch in [batch.batch for batch in status_of(app, app.agreement(court.id)).batches]
        assert request.batch in [batch.id for batch in app.register.batches(BatchFilter(court.id))]
        assert app.register.batches()
        assert app.register.objections_to(app.register.batch(request.batch)) == []
        month = read_month(f"{office_day(app.now()):%Y-%m}", app.now())
        assert request.batch in lines(app.register, month.start, month.end).batches["batch"]
        assert statistics_of_months(app, last_months(app.now(), 1))[0].total["came"]
    return most


def test_what_each_set_and_each_minute_asks_does_not_grow_with_the_years(
    world: World, app: App, court: DemoPartner, ask: Callable[..., Request]
) -> None:
    first, second = ask(), ask()
    before = in_hand(app, court, first)
    years_behind(world, first.batch)
    behind = in_hand(app, court, second)
    assert len(behind) > 35
    assert {question: rows for question, rows in behind.items() if rows > before.get(question, 0) + MORE} == {}
    with noted(app) as asked:
        watch_all(app)
        assert len(due(app)) > PAST
        app.register.retention.not_destroyed(tonights(office_day(app.now())))
    assert {question: rows for question, rows in asked.items() if rows > ONCE * PAST} == {}
