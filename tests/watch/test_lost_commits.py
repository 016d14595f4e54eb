"""The last commits are lost, as where a standby takes over a second behind: until a person has looked, no partner is
told anything by a register that does not know what it was told before, least of all that its set has not come.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256

import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import ExchangeError, Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import State
from exchange.status.certificate import Requirement, certify
from exchange.status.publish import publish, publish_all
from exchange.watch.all_watches import watch_all
from exchange.watch.certificates import watch_certificates
from exchange.watch.cycles import watch_cycles
from tests.campaign.tables import Connection, kept_rows, put_back

Ask = Callable[..., Request]
Tell = Callable[[App, DemoPartner], object]
_backups = itertools.count()
NEARLY_VALID_FOR = 728
"""Days; behind them the partner is told that its certificates end."""


def _certified(app: App, partner: DemoPartner) -> object:
    return certify(app, app.agreement(partner.id), [Requirement("set_answered", "", "", "case_handling", "court.b1")])


TELLING: dict[str, Tell] = {
    "certificates": lambda app, _: watch_certificates(app),  # first: an end is told once, also by the watch
    "the look into the folders": lambda app, _: poll(app),
    "the watch": lambda app, _: watch_all(app),
    "expected sets": lambda app, _: watch_cycles(app),
    "status files": lambda app, _: publish_all(app),
    "a status file": lambda app, partner: publish(app, partner.id, again=True),
    "a certificate of conformance": _certified,
}


@pytest.fixture
def superuser(world: World) -> Iterator[Connection]:
    with world.postgres.connected("postgres", "exchange") as connection:
        yield connection


@pytest.fixture
def expecting(app: App, court: DemoPartner) -> Iterator[None]:
    """A set of this month is expected of the court by the month's end."""
    path = app.settings.agreements / f"{court.id}.toml"
    before = path.read_text(encoding="utf-8")
    since = app.now().date().replace(day=1)
    path.write_text(
        f'{before}\n[[expected]]\ncycle = "monthly"\nday = 1\ncounted_from = "end"\npurpose = "case_handling"\n'
        f"since = {since}\n",
        encoding="utf-8",
    )
    yield
    path.write_text(before, encoding="utf-8")


def sent(court: DemoPartner) -> dict[str, str]:
    found = (court.server.home / "from-office").iterdir()
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.mark.parametrize("telling", TELLING)
@pytest.mark.usefixtures("expecting")
def test_nobody_is_told_by_a_register_that_lost_commits(
    app: App, court: DemoPartner, ask: Ask, superuser: Connection, later: Callable[[timedelta], App], telling: str
) -> None:
    name = f"before{next(_backups)}"
    publish_all(app)
    kept_rows(superuser, name)
    request = ask(cycle="monthly", period=f"{app.now():%Y-%m}")
    court.drop(court.make_set(request))
    poll(app)
    pipeline.run(app, request.batch)
    assert app.register.batch(request.batch).state is State.CLOSED
    much_later = later(timedelta(days=NEARLY_VALID_FOR))
    publish_all(later(timedelta(minutes=5)))
    put_back(superuser, name)
    court.drop({f"{request.batch}x.csv": b"a set without a manifest"})
    before = sent(court)
    poll(later(timedelta(days=NEARLY_VALID_FOR - 1)))  # since when it looks so
    with suppress(ExchangeError):  # or it is among the troubles
        TELLING[telling](much_later, court)
    assert sent(court) == before
    with pytest.raises(Halt):
        app.register.check_newest(app.checkpoints)
    app.register.resume(app.checkpoints, "备库接管〔虚构〕")
    TELLING[telling](much_later, court)
    assert sent(court) != before, "it is told afterwards"
