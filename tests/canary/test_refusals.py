"""Whatever a set is refused for, nobody in it is named: a person planted in a set for each code is searched everywhere.

Rules
- The codes are those of ``schemas/refusals.toml``: a new one without a set of its own fails here.
- Searched are all loggers' lines (from DEBUG on, with their stacks), what was raised, what the collector and the steps
  give to Airflow, the receipts and status files that the partner gets, the register's database, and all file names.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import ExchangeError
from exchange.base.tables import REFUSALS
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import BatchFilter
from tests.canary.sets import NO_SET, PLANTED, SETS, Desk, manifest_name

PATIENCE = timedelta(hours=2)


def test_each_code_has_its_set() -> None:
    assert not set(REFUSALS) - SETS.keys() - NO_SET.keys(), "no set in tests/canary/sets.py meets these"
    assert not (SETS.keys() | NO_SET.keys()) - set(REFUSALS)
    assert not SETS.keys() & NO_SET.keys()


@pytest.fixture
def desk(
    app: App, court: DemoPartner, education: DemoPartner, ask: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    return Desk(app, court, education, ask, monkeypatch)


def refused(desk: Desk, later: App, code: str) -> Iterator[str]:
    """Drops the code's set and lets it be refused; what was given back or raised meanwhile."""
    with desk.patch.context() as patch:
        files = SETS[code](Desk(desk.app, desk.court, desk.education, desk.ask, patch))
        known = {each.id for each in desk.app.register.batches(BatchFilter(limit=10_000))}
        desk.court.drop(dict(files))
        yield repr(poll(desk.app))
        (batch,) = {each.id for each in desk.app.register.batches(BatchFilter(limit=10_000))} - known
        for office in (desk.app, later):
            try:
                yield repr(pipeline.run(office, batch))
                break
            except ExchangeError as error:
                yield chained(error)
    yield f"refused for {desk.app.register.batch(batch).refusal_code}"
    stem = manifest_name(files).removesuffix(".request.json")
    for place in (desk.court.server.home / "from-office").iterdir():
        if place.suffix in (".json", ".html") and (place.name.startswith(stem) or "status" in place.name):
            yield place.read_text("utf-8", "replace")


def chained(error: BaseException | None) -> str:
    """An error's text and those of all that it was raised from or behind, shown or not."""
    said = []
    while error is not None:
        said += [repr(error), *traceback.format_exception(error)]
        error = error.__cause__ or error.__context__
    return "\n".join(said)


def test_nobody_is_named_by_a_refusal(
    world: World, desk: Desk, later: Callable[[timedelta], App], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    found, others, patient = {}, [], later(PATIENCE)
    for code in SETS:
        caplog.clear()
        said = [*refused(desk, patient, code), caplog.text, json.dumps([str(each.args) for each in caplog.records])]
        if f"refused for {code}" not in said:
            others.append((code, [each for each in said if each.startswith("refused for")]))
        found[code] = [word for word in PLANTED if any(word in each for each in said)]
    assert others == []
    assert {code: words for code, words in found.items() if words} == {}
    rows = "\n".join(database_text(world))
    assert all(code in rows for code in SETS), "it does search where the refusals are"
    assert [word for word in PLANTED if word in rows] == []
    assert [word for word in PLANTED if any(word in path.name for path in file_names(world))] == []


def file_names(world: World) -> list[Path]:
    return [path for path in world.root.rglob("*") if "desk" not in path.parts and "postgres" not in path.parts]


def database_text(world: World) -> Iterator[str]:
    """Every row of every table of the register, as text."""
    server = world.postgres
    with psycopg.connect(
        host="127.0.0.1", port=server.port, user="exchange", dbname="exchange", passfile=str(server.password_file)
    ) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            query = psycopg.sql.SQL("SELECT t::text FROM {} t").format(psycopg.sql.Identifier(table))
            for (row,) in connection.execute(query):
                yield row
