"""What is asked of the register for each set, and each minute, does not grow with the years: what is past is found by
an index, or not read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, DateTime, Table, event

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register.models import Base
from tests.register.plans import EXPLAIN, looked_at

PAST: Final = 20_000
"""Batches, each as the one that was answered first, an hour apart: two years and more."""
MORE: Final = 1_000
"""Rows that a question may have in hand more than without them, over all nodes of its plan."""
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


def in_hand(app: App, court: DemoPartner, request: Request) -> dict[str, int]:
    """Question → the most rows that it had in hand, while a set comes and is answered and a minute goes by."""
    most: dict[str, int] = {}

    def note(connection: Connection, _cursor: object, question: str, values: Any, *_more: object) -> None:
        if question.lstrip().startswith(("SELECT", "WITH")) and "INSERT" not in question:
            cursor = connection.connection.cursor()
            cursor.execute(EXPLAIN + question, values)
            most[question] = max(most.get(question, 0), looked_at(cursor.fetchall()[0][0]))

    court.drop(court.make_set(request))
    event.listen(app.register.engine, "before_cursor_execute", note)
    poll(app)
    assert pipeline.run(app, request.batch)
    court.drop({f"{request.batch}.result.ack": b""})
    poll(app)
    pipeline.propose_all(app)
    event.remove(app.register.engine, "before_cursor_execute", note)
    return most


def test_what_each_set_and_each_minute_asks_does_not_grow_with_the_years(
    world: World, app: App, court: DemoPartner, ask: Callable[..., Request]
) -> None:
    first, second = ask(), ask()
    before = in_hand(app, court, first)
    years_behind(world, first.batch)
    behind = in_hand(app, court, second)
    assert len(behind) > 25
    assert {question: rows for question, rows in behind.items() if rows > before.get(question, 0) + MORE} == {}
