"""Due days counted again: registered once, and told to the partner by another signed receipt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from exchange.collect import sweep
from exchange.demo.partner import DemoPartner
from exchange.demo.world import World
from exchange.office import Office
from exchange.watch.due import recompute
from exchange.working_days import nth_working_day, office_day

At = Callable[[datetime], Office]
Accepted = Callable[..., str]


def test_a_day_that_was_added_moves_the_due_day(
    office: Office, with_days: Callable[..., Office], court: DemoPartner, accepted: Accepted
) -> None:
    batch = accepted(office)
    first = office.register.batch(batch).due_on
    assert first is not None
    changed = with_days(first)
    found = recompute(changed)
    assert batch in found.changed
    assert batch in found.told
    now = office.register.batch(batch)
    assert (now.due_original, now.due_on) == (first, nth_working_day(first + timedelta(days=1), 1))
    receipt = court.verified(f"{batch}.receipt-2.json")
    assert receipt["number"] == 2
    assert receipt["due"]["day"] == str(now.due_on)
    assert receipt["due"]["original"] == str(first)
    before = court.verified(f"{batch}.receipt.json")
    assert "number" not in before
    assert before["files"] == receipt["files"]

    again = recompute(changed)
    assert (batch in again.changed, batch in again.told) == (False, False)
    assert f"{batch}.receipt-3.json" not in court.answers()
    office.register.verify()


def test_a_year_that_became_known(
    office: Office, at: At, with_days: Callable[..., Office], year_end: datetime, court: DemoPartner, accepted: Accepted
) -> None:
    batch = accepted(at(year_end))
    before = office.register.batch(batch)
    assert before.due_provisional
    assert court.verified(f"{batch}.receipt.json")["due"]["provisional"]
    years = tuple({office_day(year_end).year + number for number in (0, 1)})
    assert batch in recompute(with_days(years=years)).changed
    found = office.register.batch(batch)
    assert (found.due_on, found.due_provisional) == (before.due_on, False)
    due = court.verified(f"{batch}.receipt-2.json")["due"]
    assert due == {"day": str(found.due_on), "provisional": False}


def test_the_clock_is_told_by_a_receipt(office: Office, court: DemoPartner, accepted: Accepted) -> None:
    batch = accepted(office)
    office.register.clock.stop(batch, office.now(), "record_unclear")
    recompute(office)
    assert court.verified(f"{batch}.receipt-2.json")["due"]["clock_stands"] is True
    office.register.clock.start(batch, office.now() + timedelta(days=14), office.office_days)
    recompute(office)
    found = office.register.batch(batch)
    due = court.verified(f"{batch}.receipt-3.json")["due"]
    assert due == {
        "day": str(found.due_on),
        "provisional": found.due_provisional,
        "original": str(found.due_original),
    }


def test_a_partner_in_trouble_gets_it_later(
    world: World, office: Office, court: DemoPartner, accepted: Accepted
) -> None:
    batch = accepted(office)
    office.register.clock.stop(batch, office.now(), "record_unclear")
    court.server.stop()
    try:
        found = recompute(office)
    finally:
        world.start_servers()
    assert court.id in found.troubles[0]
    assert batch not in found.told
    assert batch in recompute(office).told
    assert court.verified(f"{batch}.receipt-2.json")["due"]["clock_stands"] is True


def test_the_same_set_again_gets_all_its_receipts_again(
    office: Office, later: Callable[[timedelta], Office], court: DemoPartner, accepted: Accepted
) -> None:
    batch = accepted(office)
    office.register.clock.stop(batch, office.now(), "record_unclear")
    recompute(office)
    names = [f"{batch}.receipt.json", f"{batch}.receipt-2.json"]
    sent = {name: court.fetch(name).read_bytes() for name in names}
    for name in names:
        (court.server.home / "from-office" / name).unlink()
    files = office.register.files(batch)
    for file in files:
        if file.role in ("manifest", "signature", "data"):
            (court.server.home / "to-office" / file.name).write_bytes(office.archive.read(file.sha256))
    sweep(later(timedelta(minutes=2)))  # when the batch's own run has surely ended
    assert {name: court.fetch(name).read_bytes() for name in names} == sent
