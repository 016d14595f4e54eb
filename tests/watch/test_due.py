"""Due days counted again: registered once, and told to the partner by another signed receipt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from exchange.app import App
from exchange.calendar.working_days import nth_working_day, office_day
from exchange.demo.partner import DemoPartner
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.watch.due import recompute
from tests.register.stopping import stop

At = Callable[[datetime], App]
Accepted = Callable[..., str]


def test_a_day_that_was_added_moves_the_due_day(
    app: App, with_days: Callable[..., App], court: DemoPartner, accepted: Accepted
) -> None:
    batch = accepted(app)
    first = app.register.batch(batch).due_on
    assert first is not None
    changed = with_days(first)
    found = recompute(changed)
    assert batch in found.changed
    assert batch in found.informed
    now = app.register.batch(batch)
    assert (now.due_original, now.due_on) == (first, nth_working_day(first + timedelta(days=1), 1))
    receipt = court.verified(f"{batch}.receipt-2.json")
    assert receipt["number"] == 2
    assert receipt["due"]["day"] == str(now.due_on)
    assert receipt["due"]["original"] == str(first)
    before = court.verified(f"{batch}.receipt.json")
    assert "number" not in before
    assert before["files"] == receipt["files"]

    again = recompute(changed)
    assert (batch in again.changed, batch in again.informed) == (False, False)
    assert f"{batch}.receipt-3.json" not in court.answers()
    app.register.verify()


def test_a_year_that_became_known(
    app: App, at: At, with_days: Callable[..., App], year_end: datetime, court: DemoPartner, accepted: Accepted
) -> None:
    batch = accepted(at(year_end))
    before = app.register.batch(batch)
    assert before.due_provisional
    assert court.verified(f"{batch}.receipt.json")["due"]["provisional"]
    years = tuple({office_day(year_end).year + number for number in (0, 1)})
    assert batch in recompute(with_days(years=years)).changed
    found = app.register.batch(batch)
    assert (found.due_on, found.due_provisional) == (before.due_on, False)
    due = court.verified(f"{batch}.receipt-2.json")["due"]
    assert due == {"day": str(found.due_on), "provisional": False}


def test_the_clock_is_told_by_a_receipt(app: App, court: DemoPartner, accepted: Accepted) -> None:
    batch = accepted(app)
    stop(app.register, batch, app.now(), "record_unclear")
    recompute(app)
    assert court.verified(f"{batch}.receipt-2.json")["due"]["clock_stands"] is True
    app.register.clock.start(batch, app.now() + timedelta(days=14), app.office_days)
    recompute(app)
    found = app.register.batch(batch)
    due = court.verified(f"{batch}.receipt-3.json")["due"]
    assert due == {
        "day": str(found.due_on),
        "provisional": found.due_provisional,
        "original": str(found.due_original),
    }


def test_a_partner_in_trouble_gets_it_later(world: World, app: App, court: DemoPartner, accepted: Accepted) -> None:
    batch = accepted(app)
    stop(app.register, batch, app.now(), "record_unclear")
    court.server.stop()
    try:
        found = recompute(app)
    finally:
        world.start_servers()
    assert court.id in found.troubles[0]
    assert batch not in found.informed
    assert batch in recompute(app).informed
    assert court.verified(f"{batch}.receipt-2.json")["due"]["clock_stands"] is True


def test_the_same_set_again_gets_all_its_receipts_again(
    app: App, later: Callable[[timedelta], App], court: DemoPartner, accepted: Accepted
) -> None:
    batch = accepted(app)
    stop(app.register, batch, app.now(), "record_unclear")
    recompute(app)
    names = [f"{batch}.receipt.json", f"{batch}.receipt-2.json"]
    sent = {name: court.fetch(name).read_bytes() for name in names}
    for name in names:
        (court.server.home / "from-office" / name).unlink()
    files = app.register.files(batch)
    for file in files:
        if file.role in ("manifest", "signature", "data"):
            (court.server.home / "to-office" / file.name).write_bytes(app.archive.read(file.sha256))
    poll(later(timedelta(minutes=2)))  # when the batch's own run has surely ended
    assert {name: court.fetch(name).read_bytes() for name in names} == sent
