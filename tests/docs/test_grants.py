"""``docker/grants.sql``: with what it grants, the daily role takes a batch all the way and cannot alter the ledger."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from exchange import pipeline
from exchange.app import App
from exchange.base.files import write_atomically
from exchange.base.paths import ROOT
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import LedgerKey, State, open_register
from exchange.settings import Settings
from exchange.watch.all_watches import watch_all
from tests.register.stopping import stop

ROLE = "exchange_work"


def connected(world: World, user: str, passfile: Path) -> psycopg.Connection[tuple[object, ...]]:
    port = world.postgres.port
    return psycopg.connect(
        host="127.0.0.1", port=port, user=user, dbname="exchange", passfile=str(passfile), autocommit=True
    )


def ledger_key(world: World) -> LedgerKey:
    return LedgerKey(world.office_keys / "register.key", world.office_keys / "register.pem")


@pytest.fixture(scope="module")
def passfile(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The daily role, made and granted what the file says; where its password is."""
    password = secrets.token_urlsafe(24)
    place = tmp_path_factory.mktemp("role") / "pgpass"
    write_atomically(place, f"127.0.0.1:{world.postgres.port}:*:{ROLE}:{password}\n".encode())
    role = sql.Identifier(ROLE)
    with connected(world, "postgres", world.postgres.password_file) as server:
        server.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
    with connected(world, "exchange", world.postgres.password_file) as owner:
        owner.execute((ROOT / "docker" / "grants.sql").read_bytes())
    yield place
    with connected(world, "postgres", world.postgres.password_file) as server:
        server.execute(sql.SQL("DROP OWNED BY {}").format(role))
        server.execute(sql.SQL("DROP ROLE {}").format(role))


def test_the_daily_role_takes_a_batch_all_the_way(
    world: World, passfile: Path, court: DemoPartner, ask: Callable[..., Request]
) -> None:
    url = world.postgres.url("exchange").replace("//exchange@", f"//{ROLE}@")
    court.drop({f"{court.id}.alone.csv": b"row_ref\n"})  # an incomplete set, to be remembered and forgotten
    request = ask()
    court.drop(court.make_set(request))
    with App(Settings.load(world.config), open_register(url, "test", passfile, ledger_key(world))) as app:
        assert poll(app).troubles == []
        assert pipeline.run(app, request.batch)
        poll(app)
        assert app.register.batch(request.batch).state is State.CLOSED
        assert app.register.verify()[0] > 0


def test_the_daily_role_keeps_the_clock(
    world: World, passfile: Path, court: DemoPartner, ask: Callable[..., Request]
) -> None:
    url = world.postgres.url("exchange").replace("//exchange@", f"//{ROLE}@")
    request = ask(cycle="monthly", period=f"{office_day(datetime.now(UTC)):%Y-%m}")
    court.drop(court.make_set(request))
    with App(Settings.load(world.config), open_register(url, "test", passfile, ledger_key(world))) as app:
        poll(app)
        pipeline.receive(app, request.batch)
        stop(app.register, request.batch, app.now(), "record_unclear")
        app.register.clock.start(request.batch, app.now() + timedelta(days=9), app.office_days)
        found = watch_all(App(app.settings, app.register, lambda: datetime.now(UTC) + timedelta(days=60)))
        assert found.troubles == []
        assert request.batch in found.recount.told
        assert request.batch in {alert.subject for alert in found.alerts}
        app.register.alerts.told(found.alerts, app.now())
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
def test_the_daily_role_cannot_alter_what_was_written(world: World, passfile: Path, statement: str) -> None:
    with connected(world, ROLE, passfile) as role, pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute(statement)
