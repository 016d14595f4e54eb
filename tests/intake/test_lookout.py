"""The lookout: what is complete is claimed at once and once; a dead server holds up nobody."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from exchange import pipeline
from exchange.agreements.agreement import load_agreement
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.intake.lanes import MAX_IMMEDIATE_BYTES, MAX_IMMEDIATE_ROWS, Lane, lane_of
from exchange.intake.lookout import monitor
from exchange.intake.scan import FolderScan
from exchange.register import State
from exchange.wire.manifest import RequestManifest, parse

Ask = Callable[..., Request]
SECONDS = 60.0
"""The longest that a test waits for what comes within a second."""


def to_office(partner: DemoPartner) -> Path:
    return partner.server.home / "to-office"


def put(partner: DemoPartner, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (to_office(partner) / name).write_bytes(content)


def newborns(health: DemoPartner, batch: str) -> Request:
    basis, data = "母婴保健法第二十三条", b"row_ref\nR1\n"
    return Request(
        f"{health.id}.{batch}", "ad_hoc", "2026-11-23", "birth_certificate", basis, ["unregistered"], 1, data
    )


def test_a_set_is_found_when_it_is_complete_and_told_once(app: App, court: DemoPartner, ask: Ask) -> None:
    first, second = ask(), ask(cycle="monthly", period="2026-11")
    files = court.make_set(first)
    seen = monitor(app, SECONDS)
    put(court, {name: content for name, content in files.items() if name.endswith((".p7m", ".p7s"))})
    put(court, court.make_set(second))
    assert next(seen) == (second.batch, Lane.BATCH)
    put(court, files)
    assert next(seen) == (first.batch, Lane.IMMEDIATE)
    seen.close()
    assert [step.to_state for step in app.register.steps(first.batch)] == ["claimed"]
    assert court.answers() == []


def test_a_dead_server_beside_a_living_one(
    app: App, world: World, court: DemoPartner, health: DemoPartner, ask: Ask
) -> None:
    impatient = app.settings.policy.model_copy(update={"connect_seconds": 1.0})
    hurried = App(app.settings.model_copy(update={"policy": impatient}), app.register)
    request, later = ask(), newborns(health, "lookout-1")
    health.server.stop()
    try:
        seen = monitor(hurried, SECONDS)
        put(court, court.make_set(request))
        assert next(seen) == (request.batch, Lane.IMMEDIATE)
    finally:
        world.start_servers()
    put(health, health.make_set(later))
    assert next(seen) == (later.batch, Lane.IMMEDIATE)
    health.server.stop()  # in the middle of the watch
    world.start_servers()
    again = newborns(health, "lookout-2")
    put(health, health.make_set(again))
    assert next(seen) == (again.batch, Lane.IMMEDIATE)
    seen.close()


def test_only_partners_that_may_ask_ad_hoc_are_watched(
    app: App, court: DemoPartner, education: DemoPartner, ask: Ask
) -> None:
    left, found = replace(ask(), batch=f"{education.id}.lookout"), ask()
    put(education, education.make_set(left))
    seen = monitor(app, SECONDS)
    put(court, court.make_set(found))
    assert next(seen)[0] == found.batch
    seen.close()
    assert app.register.find_batch(left.batch) is None
    poll(app)
    assert app.register.find_batch(left.batch) is not None


def test_lookouts_and_sweeps_at_once_claim_each_set_once(app: App, court: DemoPartner, ask: Ask) -> None:
    requests = [ask() for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        lookouts = [pool.submit(lambda: list(monitor(app, 6))) for _ in range(2)]
        for request in requests:
            put(court, court.make_set(request))
        sweeps = [pool.submit(poll, app) for _ in range(2)]
        told = [batch for lookout in lookouts for batch, _ in lookout.result()]
        for done in sweeps:
            assert done.result().troubles == []
    batches = {request.batch for request in requests}
    poll(app)
    assert batches <= set(app.register.waiting())
    assert len(told) == len(set(told))
    assert all(len(app.register.steps(batch)) == 1 for batch in batches)


def test_a_set_that_goes_between_listing_and_reading_holds_up_no_other(app: App, court: DemoPartner, ask: Ask) -> None:
    gone, stays = ask(), ask()
    files = court.make_set(gone)
    put(court, files | court.make_set(stays))
    agreement = load_agreement(app.settings.agreements / f"{court.id}.toml")
    with app.folder(agreement) as folder:
        look = FolderScan(app, agreement, folder)
        for name in files:
            (to_office(court) / name).unlink()
        look.all_sets()
    assert look.claimed == [stays.batch]
    assert app.register.find_batch(gone.batch) is None
    assert [each.stem for each in app.register.unfinished.all() if each.stem == gone.batch] == []


def test_a_sweep_leaves_a_batch_alone_that_its_own_run_is_clearing_away(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    files = court.make_set(request)
    put(court, files)
    poll(app)
    assert pipeline.run(app, request.batch)
    put(court, files)  # as if the run had not come to clearing away yet
    assert poll(app).troubles == []
    assert len(list(to_office(court).iterdir())) == len(files)
    assert app.register.batch(request.batch).state is State.CLOSED


@pytest.mark.parametrize(
    ("given", "lane"),
    [
        ({}, Lane.IMMEDIATE),
        ({"rows": MAX_IMMEDIATE_ROWS}, Lane.IMMEDIATE),
        ({"rows": MAX_IMMEDIATE_ROWS + 1}, Lane.BATCH),
        ({"cycle": "monthly", "period": "2026-11"}, Lane.BATCH),
        ({"cycle": "objection"}, Lane.BATCH),
        ({"data": bytes(MAX_IMMEDIATE_BYTES), "encrypted": False}, Lane.IMMEDIATE),
        ({"data": bytes(MAX_IMMEDIATE_BYTES + 1), "encrypted": False}, Lane.BATCH),
    ],
    ids=["one row", "most rows", "more rows", "monthly", "objection", "most bytes", "more bytes"],
)
def test_small_ad_hoc_sets_take_the_immediate_lane(
    app: App, court: DemoPartner, ask: Ask, given: dict[str, object], lane: Lane
) -> None:
    request = ask(**given)
    files = court.make_set(request)
    put(court, files)
    assert poll(app).waiting[request.batch] is lane
    assert parse(RequestManifest, files[f"{request.batch}.request.json"]).batch == request.batch


def test_a_manifest_that_cannot_be_read_takes_the_common_lane(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    put(court, court.make_set(request) | court.signed(request.batch, b'{"format": "none of ours"}'))
    found = [batch for batch in poll(app).waiting if batch.startswith(f"{court.id}.set-")]
    assert {lane_of(app, batch) for batch in found} == {Lane.BATCH}


def test_a_batch_whose_manifest_is_lost_is_named_and_the_others_go_on(app: App, court: DemoPartner, ask: Ask) -> None:
    lost, sound = ask(), ask()
    put(court, court.make_set(lost) | court.make_set(sound))
    poll(app)
    original = app.archive.path(app.register.batch(lost.batch).manifest_sha256)
    content = original.read_bytes()
    for path in to_office(court).iterdir():
        path.unlink()
    original.unlink()
    try:
        swept = poll(app)
    finally:
        original.write_bytes(content)
    assert sound.batch in swept.waiting
    assert lost.batch not in swept.waiting
    assert [lost.batch in trouble for trouble in swept.troubles] == [True]
