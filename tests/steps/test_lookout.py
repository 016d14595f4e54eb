"""The lookout: what is complete is claimed at once and once; a dead server holds up nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from exchange import pipeline
from exchange.agreements import load_agreement
from exchange.collect import Look, sweep
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.lanes import GREATEST_BYTES, GREATEST_ROWS, Lane, lane_of
from exchange.lookout import look_out
from exchange.manifest import RequestManifest, parse
from exchange.office import Office
from exchange.register import State

Ask = Callable[..., Request]
SECONDS = 60.0
"""The longest that a test waits for what comes within a second."""


@pytest.fixture(autouse=True)
def _nothing_left_waiting(office: Office) -> Iterator[None]:
    """What is claimed here and goes no further is not the next test's."""
    yield
    for batch in office.register.waiting():
        office.register.refuse(batch, "data_hash", row=None, column="data.sha256")


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


def test_a_set_is_found_when_it_is_complete_and_told_once(office: Office, court: DemoPartner, ask: Ask) -> None:
    first, second = ask(), ask(cycle="monthly", period="2026-11")
    files = court.make_set(first)
    seen = look_out(office, SECONDS)
    put(court, {name: content for name, content in files.items() if name.endswith((".p7m", ".p7s"))})
    put(court, court.make_set(second))
    assert next(seen) == (second.batch, Lane.BATCH)
    put(court, files)
    assert next(seen) == (first.batch, Lane.IMMEDIATE)
    seen.close()
    assert [step.to_state for step in office.register.steps(first.batch)] == ["claimed"]
    assert court.answers() == []


def test_a_dead_server_beside_a_living_one(
    office: Office, world: World, court: DemoPartner, health: DemoPartner, ask: Ask
) -> None:
    impatient = office.settings.policy.model_copy(update={"connect_seconds": 1.0})
    hurried = Office(office.settings.model_copy(update={"policy": impatient}), office.register)
    request, later = ask(), newborns(health, "lookout-1")
    health.server.stop()
    try:
        seen = look_out(hurried, SECONDS)
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
    office: Office, court: DemoPartner, education: DemoPartner, ask: Ask
) -> None:
    left, found = replace(ask(), batch=f"{education.id}.lookout"), ask()
    put(education, education.make_set(left))
    seen = look_out(office, SECONDS)
    put(court, court.make_set(found))
    assert next(seen)[0] == found.batch
    seen.close()
    assert office.register.find_batch(left.batch) is None
    assert left.batch in sweep(office).waiting


def test_lookouts_and_sweeps_at_once_claim_each_set_once(office: Office, court: DemoPartner, ask: Ask) -> None:
    requests = [ask() for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        lookouts = [pool.submit(lambda: list(look_out(office, 6))) for _ in range(2)]
        for request in requests:
            put(court, court.make_set(request))
        sweeps = [pool.submit(sweep, office) for _ in range(2)]
        told = [batch for lookout in lookouts for batch, _ in lookout.result()]
        for done in sweeps:
            assert done.result().troubles == []
    batches = {request.batch for request in requests}
    assert batches <= set(sweep(office).waiting)
    assert len(told) == len(set(told))
    assert all(len(office.register.steps(batch)) == 1 for batch in batches)


def test_a_set_that_goes_between_listing_and_reading_holds_up_no_other(
    office: Office, court: DemoPartner, ask: Ask
) -> None:
    gone, stays = ask(), ask()
    files = court.make_set(gone)
    put(court, files | court.make_set(stays))
    agreement = load_agreement(office.settings.agreements / f"{court.id}.toml")
    with office.folder(agreement) as folder:
        look = Look(office, agreement, folder)
        for name in files:
            (to_office(court) / name).unlink()
        look.all_sets()
    assert look.claimed == [stays.batch]
    assert office.register.find_batch(gone.batch) is None
    assert [each.stem for each in office.register.unfinished() if each.stem == gone.batch] == []


def test_a_sweep_leaves_a_batch_alone_that_its_own_run_is_clearing_away(
    office: Office, court: DemoPartner, ask: Ask
) -> None:
    request = ask()
    files = court.make_set(request)
    put(court, files)
    sweep(office)
    assert pipeline.run(office, request.batch)
    put(court, files)  # as if the run had not come to clearing away yet
    assert sweep(office).troubles == []
    assert len(list(to_office(court).iterdir())) == len(files)
    assert office.register.batch(request.batch).state is State.CLOSED


@pytest.mark.parametrize(
    ("given", "lane"),
    [
        ({}, Lane.IMMEDIATE),
        ({"rows": GREATEST_ROWS}, Lane.IMMEDIATE),
        ({"rows": GREATEST_ROWS + 1}, Lane.BATCH),
        ({"cycle": "monthly", "period": "2026-11"}, Lane.BATCH),
        ({"cycle": "objection"}, Lane.BATCH),
        ({"data": bytes(GREATEST_BYTES), "encrypted": False}, Lane.IMMEDIATE),
        ({"data": bytes(GREATEST_BYTES + 1), "encrypted": False}, Lane.BATCH),
    ],
    ids=["one row", "most rows", "more rows", "monthly", "objection", "most bytes", "more bytes"],
)
def test_small_ad_hoc_sets_take_the_immediate_lane(
    office: Office, court: DemoPartner, ask: Ask, given: dict[str, object], lane: Lane
) -> None:
    request = ask(**given)
    files = court.make_set(request)
    put(court, files)
    assert sweep(office).waiting[request.batch] is lane
    assert parse(RequestManifest, files[f"{request.batch}.request.json"]).batch == request.batch


def test_a_manifest_that_cannot_be_read_takes_the_common_lane(office: Office, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    put(court, court.make_set(request) | court.signed(request.batch, b'{"format": "none of ours"}'))
    found = [batch for batch in sweep(office).waiting if batch.startswith(f"{court.id}.set-")]
    assert {lane_of(office, batch) for batch in found} == {Lane.BATCH}


def test_a_batch_whose_manifest_is_lost_is_named_and_the_others_go_on(
    office: Office, court: DemoPartner, ask: Ask
) -> None:
    lost, sound = ask(), ask()
    put(court, court.make_set(lost) | court.make_set(sound))
    sweep(office)
    original = office.archive.path(office.register.batch(lost.batch).manifest_sha256)
    content = original.read_bytes()
    for path in to_office(court).iterdir():
        path.unlink()
    original.unlink()
    try:
        swept = sweep(office)
    finally:
        original.write_bytes(content)
    assert sound.batch in swept.waiting
    assert lost.batch not in swept.waiting
    assert [lost.batch in trouble for trouble in swept.troubles] == [True]
