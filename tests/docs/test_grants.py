"""``docker/grants.sql``: with what it grants, the daily role takes a batch all the way and cannot alter the ledger.

The world, and so each test that uses it, works with that role.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.servers.postgres import WORK
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import State
from exchange.watch.all_watches import watch_all
from tests.register.stopping import stop


def test_the_daily_role_takes_a_batch_all_the_way(app: App, court: DemoPartner, ask: Callable[..., Request]) -> None:
    court.drop({f"{court.id}.alone.csv": b"row_ref\n"})  # an incomplete set, to be remembered and forgotten
    request = ask()
    court.drop(court.make_set(request))
    assert poll(app).troubles == []
    assert pipeline.run(app, request.batch)
    poll(app)
    assert app.register.batch(request.batch).state is State.CLOSED
    assert app.register.verify()[0] > 0


def test_the_daily_role_keeps_the_clock(app: App, court: DemoPartner, ask: Callable[..., Request]) -> None:
    request = ask(cycle="monthly", period=f"{office_day(datetime.now(UTC)):%Y-%m}")
    court.drop(court.make_set(request))
    poll(app)
    pipeline.receive(app, request.batch)
    stop(app.register, request.batch, app.now(), "record_unclear")
    app.register.clock.start(request.batch, app.now() + timedelta(days=9), app.office_days)
    found = watch_all(App(app.settings, app.register, lambda: datetime.now(UTC) + timedelta(days=60)))
    assert found.troubles == []
    assert request.batch in found.counted.recount.informed
    assert request.batch in {alert.subject for alert in found.alerts}
    app.register.alerts.mark_sent(found.alerts, app.now())
    app.register.missing.notice(court.id, ("annual", "2000", ""), date(2000, 1, 1), app.now())
    assert request.batch not in {release.batch for release in app.register.releases.under_way()}
    assert app.register.reviews.count(request.batch)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET actor = 'nobody'",
        "DELETE FROM ledger",
        "TRUNCATE ledger",
        "ALTER TABLE ledger DISABLE TRIGGER ALL",
        "DELETE FROM batch",
        "UPDATE file SET sha256 = ''",
        "UPDATE batch SET partner = 'other'",
        "UPDATE batch SET received_at = now()",
        "UPDATE release SET rows = '{1}'",
        "UPDATE release SET needs_approval = false",
        "UPDATE release SET answers_sha256 = ''",
        "UPDATE review SET causes = '{}'",
        "UPDATE clock_stop SET stopped_by = 'nobody'",
        "UPDATE legal_hold SET reason = ''",
        "UPDATE destruction SET sha256 = ''",
        "UPDATE ledger_head SET single = true",
        "DELETE FROM clock_stop",
        "DELETE FROM alert",
    ],
)
def test_the_daily_role_cannot_alter_what_was_written(world: World, statement: str) -> None:
    with world.postgres.connected(WORK, "exchange") as role, pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute(statement)
