"""What is kept of one batch is lost, altered, or lies where the disk does not give it back: that batch is named, and of
all others the days are counted, watched and shown as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.operation.health import Health
from exchange.operation.metrics import exposition
from exchange.pages.board import open_picture
from exchange.register import Role
from exchange.register.board import open_lines
from exchange.status.publish import publish_all
from exchange.watch.certificates import watch_certificates
from exchange.watch.cycles import watch_cycles
from exchange.watch.deadlines import watch_deadlines
from exchange.watch.due import recompute
from tests.register.stopping import stop

Accepted = Callable[..., str]

DAMAGE: dict[str, Callable[[Path, bytes], object]] = {
    "lost": lambda path, _: path.unlink(),
    "emptied": lambda path, _: path.write_bytes(b""),
    "altered": lambda path, sound: path.write_bytes(bytes([sound[0] ^ 1]) + sound[1:]),
    "not given back": lambda path, _: _not_given_back(path),
}


def _not_given_back(path: Path) -> None:
    path.unlink()
    path.symlink_to("/proc/self/mem")  # reading its first byte is EIO


@contextmanager
def damaged(path: Path, how: str) -> Iterator[None]:
    sound = path.read_bytes()
    DAMAGE[how](path, sound)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        path.write_bytes(sound)


@pytest.mark.parametrize("how", DAMAGE)
def test_a_receipt_that_is_lost_keeps_no_other_batchs_day_from_its_partner(
    app: App, court: DemoPartner, accepted: Accepted, how: str
) -> None:
    broken, sound = accepted(app), accepted(app)
    for batch in (broken, sound):
        stop(app.register, batch, app.now(), "record_unclear")
    with damaged(app.archive.path(app.register.file(broken, Role.RECEIPT).sha256), how):
        found = recompute(app)
    assert sound in found.informed
    assert court.verified(f"{sound}.receipt-2.json")["due"]["clock_stands"] is True
    assert [(broken in trouble, "unexpected" in trouble) for trouble in found.troubles] == [(True, False)]
    assert broken in recompute(app).informed


@pytest.mark.parametrize("how", DAMAGE)
def test_a_manifest_that_is_lost_hides_no_batch_from_those_who_watch(
    app: App, court: DemoPartner, ask: Callable[..., Request], later: Callable[[timedelta], App], how: str
) -> None:
    """Board, metrics and alarms ended with it; it is due at once, as where no manifest can be read."""
    broken, sound = ask(cycle="monthly", period=f"{office_day(app.now()):%Y-%m}"), ask()
    for request in (broken, sound):
        court.drop(court.make_set(request))
    poll(app)
    tomorrow = later(timedelta(days=1))
    with damaged(app.archive.path(app.register.batch(broken.batch).manifest_sha256), how):
        shown = open_picture(app, open_lines(app.register.engine), office_day(app.now()))
        assert {broken.batch, sound.batch} <= {line.batch.id for line in shown}
        assert b'exchange_metrics_incomplete{part="due"} 0.0' in exposition(Health(app))
        alerts = {alert.subject for alert in watch_deadlines(tomorrow)}
    assert {broken.batch, sound.batch} <= alerts


def test_an_agreement_that_the_disk_does_not_give_back_is_one_partners_trouble(
    app: App, court: DemoPartner, education: DemoPartner, ask: Callable[..., Request]
) -> None:
    """No partner's cycles and certificates were watched any more."""
    request = ask()
    court.drop(court.make_set(request))
    (court.server.home / "to-office" / "2026-11").mkdir()
    path = app.agreement_file(education.id)
    with damaged(path, "not given back"):
        polled = poll(app)
        looks = polled.troubles, watch_cycles(app).troubles, watch_certificates(app).troubles, publish_all(app)
    assert request.batch in polled.waiting
    for troubles in looks:
        (told,) = troubles
        assert told.startswith(f"{education.id}: ")
        assert str(path) in told
