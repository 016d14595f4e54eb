"""What was shown is kept: with it and without it the same is said, and nothing that was forged is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.status.facts import status_of
from exchange.status.shown import Shown
from exchange.wire.status import Status

Ask = Callable[..., Request]
DAY = timedelta(days=1)


@pytest.fixture
def still(app: App) -> App:
    """The office, its clock standing still: so that two status files of the same facts are the same."""
    now = app.now()
    return App(app.settings, app.register, lambda: now)


def kept(app: App, partner: DemoPartner) -> Path:
    return app.settings.home / "cache" / f"{partner.id}.status"


def both(app: App, partner: DemoPartner) -> Status:
    """The status with what was kept, held against the one that is worked out of everything."""
    shown = status_of(app, app.agreement(partner.id))
    kept(app, partner).unlink()
    assert shown == status_of(app, app.agreement(partner.id))
    return shown


@contextmanager
def altered(world: World, batch: str) -> Iterator[None]:
    """Past the ledger the batch has more rows than it was accepted with."""
    with world.postgres.connected("postgres", "exchange") as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE batch SET rows_in = rows_in + 1 WHERE id = %s", [batch])
        try:
            yield
        finally:
            connection.execute("UPDATE batch SET rows_in = rows_in - 1 WHERE id = %s", [batch])


def test_with_what_was_kept_the_same_is_said_at_each_step(still: App, court: DemoPartner, ask: Ask) -> None:
    """Of sets that are answered, refused and taken, each step of one between those of another."""
    requests = [ask(), ask(purpose="something_else"), ask()]
    stages = []
    for request in requests:
        court.drop(court.make_set(request))
        poll(still)
        both(still, court)
    for step in (pipeline.receive, pipeline.process, pipeline.deliver):
        for request in (requests[0], *requests[1:2] * (step is pipeline.receive), requests[2]):
            step(still, request.batch)
            both(still, court)
    court.drop({f"{requests[0].batch}.result.ack": b""})
    poll(still)
    last = both(still, court)
    for request in requests:
        stages += [each.stage for each in last.batches if each.batch == request.batch]
    assert stages == ["answered", "refused", "answered"]
    waiting = {each.batch for each in last.results}
    assert requests[0].batch not in waiting
    assert requests[2].batch in waiting


def test_who_alters_a_batch_past_the_ledger_changes_nothing_of_it(
    still: App, world: World, court: DemoPartner, ask: Ask
) -> None:
    """It stands as it was when it was held against its line; on the next day, and where nothing was kept, a person has
    to look.
    """
    request, agreement = ask(), still.agreement(court.id)
    court.drop(court.make_set(request))
    poll(still)
    pipeline.receive(still, request.batch)
    before = status_of(still, agreement)
    assert before.batches[0].rows == 1
    tomorrow = App(still.settings, still.register, lambda: still.now() + DAY)
    with altered(world, request.batch):
        assert status_of(still, agreement) == before
        with pytest.raises(Halt, match="is not what the ledger says"):
            status_of(tomorrow, agreement)
        kept(still, court).unlink()
        with pytest.raises(Halt, match="is not what the ledger says"):
            status_of(still, agreement)


def test_what_was_kept_of_another_partner_or_day_or_was_changed_is_nothing(
    still: App, court: DemoPartner, education: DemoPartner, ask: Ask
) -> None:
    court.drop(court.make_set(ask()))
    poll(still)
    status_of(still, still.agreement(court.id))
    file, day = kept(still, court), office_day(still.now())
    content = file.read_bytes()
    assert Shown.read(still, court.id, day).batches
    assert not Shown.read(still, court.id, day + DAY).batches
    kept(still, education).write_bytes(content)
    assert not Shown.read(still, education.id, day).batches, "another's"
    for place in range(0, len(content), 97):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert not Shown.read(still, court.id, day).batches, place
    for length in range(0, len(content), 97):
        file.write_bytes(content[:length])
        assert not Shown.read(still, court.id, day).batches, length
    file.write_bytes(content)
    still.cache.write(f"{court.id}.status", [b'{"day": "2026-11-30", "batches": {"x": {}}}'])
    assert not Shown.read(still, court.id, day).batches, "of another version"
    assert both(still, court)
    kept(still, education).unlink()


def test_a_key_or_a_folder_in_trouble_is_not_in_the_way(still: App, world: World, court: DemoPartner, ask: Ask) -> None:
    """The key is needed for what is kept and for nothing else of a status file."""
    court.drop(court.make_set(ask()))
    poll(still)
    said, key = both(still, court), world.office_keys / "encrypt.key"
    folder, aside = still.settings.home / "cache", still.settings.home / "cache-aside"
    key.chmod(0o644)
    try:
        assert status_of(still, still.agreement(court.id)) == said
    finally:
        key.chmod(0o600)
    folder.rename(aside)
    folder.touch()
    try:
        assert status_of(still, still.agreement(court.id)) == said
    finally:
        folder.unlink()
        aside.rename(folder)
