"""The collector: what is complete is claimed once, what is not is left alone and reported, what is hostile is not
touched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Retryable
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.astray import WITHHELD
from exchange.intake.collect import poll
from exchange.register import Role
from exchange.register.retention import KeptFile
from exchange.register.signing import Checkpoint, note, parse_note
from exchange.status.facts import status_of

Ask = Callable[..., Request]
Later = Callable[[timedelta], App]
PATIENCE = timedelta(minutes=31)


def to_office(partner: DemoPartner) -> Path:
    return partner.server.home / "to-office"


def put(partner: DemoPartner, files: dict[str, bytes]) -> None:
    """Straight into the folder, as a client does that knows no temporary names."""
    for name, content in files.items():
        (to_office(partner) / name).write_bytes(content)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_of_upload_does_not_matter(app: App, court: DemoPartner, ask: Ask, order: tuple[int, ...]) -> None:
    request = ask()
    files = list(court.make_set(request).items())
    for count, place in enumerate(order, start=1):
        put(court, dict([files[place]]))
        assert (request.batch in poll(app).waiting) == (count == 3)
    assert pipeline.run(app, request.batch)


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        (".request.json", "manifest_missing"),
        (".request.json.p7s", "signature_missing"),
        (".csv.p7m", "data_missing"),
    ],
)
def test_an_incomplete_set_is_left_alone_then_reported_then_taken_when_complete(
    app: App, later: Later, court: DemoPartner, ask: Ask, missing: str, code: str
) -> None:
    request = ask()
    files = court.make_set(request)
    put(court, {name: content for name, content in files.items() if name != request.batch + missing})
    assert request.batch not in poll(app).waiting
    assert court.answers() == []

    poll(later(PATIENCE))
    notice = court.verified(f"{request.batch}.notice.json")
    assert (notice["code"], notice["about"]) == (code, request.batch)
    assert len(list(to_office(court).iterdir())) == 2

    (court.server.home / "from-office" / f"{request.batch}.notice.json").unlink()
    poll(later(2 * PATIENCE))
    assert f"{request.batch}.notice.json" not in court.answers()  # once is enough

    put(court, files)
    assert request.batch in poll(app).waiting


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (".request.json", "manifest_unfinished"),
        (".request.json.p7s", "signature_unfinished"),
        (".csv.p7m", "data_unfinished"),
    ],
)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_half_written_file_is_never_taken(
    app: App, later: Later, court: DemoPartner, ask: Ask, ending: str, code: str, share: float
) -> None:
    request = ask()
    files = court.make_set(request)
    name = request.batch + ending
    put(court, files | {name: files[name][: int(len(files[name]) * share)]})
    assert request.batch not in poll(app).waiting
    poll(later(PATIENCE))
    assert court.verified(f"{request.batch}.notice.json")["code"] == code


def test_the_clock_of_an_incomplete_set_starts_anew_when_it_grows(
    app: App, later: Later, court: DemoPartner, ask: Ask
) -> None:
    request = ask()
    files = court.make_set(request)
    name = f"{request.batch}.csv.p7m"
    put(court, files | {name: files[name][:100]})
    poll(app)
    put(court, {name: files[name][:200]})
    poll(later(PATIENCE))
    assert court.answers() == []


def test_a_data_file_of_the_right_size_that_is_not_there_yet(
    app: App, later: Later, court: DemoPartner, ask: Ask
) -> None:
    """Some clients write out of order: the size is right, the bytes are not. Tried again, and refused only in the
    end.
    """
    request = ask()
    files = court.make_set(request)
    name = f"{request.batch}.csv.p7m"
    put(court, files | {name: bytes(len(files[name]))})
    assert request.batch in poll(app).waiting
    with pytest.raises(Retryable):
        pipeline.run(app, request.batch)
    put(court, files)
    assert pipeline.run(app, request.batch)


def test_a_data_file_with_another_hash_is_refused_when_patience_ends(
    app: App, later: Later, court: DemoPartner, ask: Ask
) -> None:
    request = ask()
    files = court.make_set(request)
    name = f"{request.batch}.csv.p7m"
    put(court, files | {name: bytes(len(files[name]))})
    poll(app)
    assert not pipeline.run(later(PATIENCE), request.batch)
    receipt = court.verified(f"{request.batch}.receipt.json")
    assert receipt["refusal"]["code"] == "data_hash"


def test_a_data_file_taken_away_after_the_claim(app: App, later: Later, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    put(court, court.make_set(request))
    poll(app)
    (to_office(court) / f"{request.batch}.csv.p7m").unlink()
    with pytest.raises(Retryable):
        pipeline.run(app, request.batch)
    assert not pipeline.run(later(PATIENCE), request.batch)
    assert court.verified(f"{request.batch}.receipt.json")["refusal"]["code"] == "data_hash"


def test_hostile_names_are_not_touched(app: App, court: DemoPartner, ask: Ask, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("{}")
    request = ask()
    files = court.make_set(request)
    name = f"{request.batch}.request.json"
    folder = to_office(court)
    (folder / name).symlink_to(secret)
    put(court, {other: content for other, content in files.items() if other != name})
    (folder / f"{court.id}.folder.request.json").mkdir()
    os.mkfifo(folder / f"{court.id}.pipe.request.json")
    put(court, {"..request.json": b"{}", "a" * 230 + ".request.json": b"{}", "x\ny.request.json": b"{}", "é.csv": b"1"})
    before = set(app.register.waiting())
    swept = poll(app)
    assert set(swept.waiting) == before
    assert swept.troubles == []
    assert secret.read_text() == "{}"


@pytest.mark.usefixtures("far_from_midnight")
def test_a_file_that_bears_a_notices_own_name_is_told_like_any_other(
    app: App, later: Later, court: DemoPartner
) -> None:
    put(court, {"names-not-read.csv": b"1", "名单.csv": b"1"})
    for ahead in (timedelta(), PATIENCE, 2 * PATIENCE):
        poll(later(ahead))
    assert court.verified("names-not-read.notice.json")["code"] == "names_not_read"


def test_a_notice_that_cannot_be_put_holds_up_no_claim(app: App, later: Later, court: DemoPartner, ask: Ask) -> None:
    put(court, {"0-first.csv": b"1"})
    taken = court.server.home / "from-office" / "0-first.notice.json"
    (taken / "inside").mkdir(parents=True)
    poll(app)
    request = ask()
    put(court, court.make_set(request))
    try:
        swept = poll(later(PATIENCE))
    finally:
        (taken / "inside").rmdir()
    assert request.batch in swept.waiting
    assert [court.id in trouble for trouble in swept.troubles] == [True]


def test_one_partner_in_trouble_does_not_hold_up_the_others(
    app: App, world: World, court: DemoPartner, education: DemoPartner, ask: Ask
) -> None:
    request = ask()
    put(court, court.make_set(request))
    education.server.stop()
    try:
        swept = poll(app)
    finally:
        world.start_servers()
    assert request.batch in swept.waiting
    assert len(swept.troubles) == 1
    assert education.id in swept.troubles[0]


def test_a_broken_agreement_is_named_and_does_not_hold_up_the_others(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    put(court, court.make_set(request))
    broken = app.settings.agreements / "zz-broken.toml"
    broken.write_text('partner = "zz-broken"\n', encoding="utf-8")
    try:
        swept = poll(app)
    finally:
        broken.unlink()
    assert request.batch in swept.waiting
    assert "zz-broken.toml: zh: Field required" in swept.troubles[0]


def test_many_collectors_at_once_claim_a_set_once(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    put(court, court.make_set(request))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: poll(app), range(4)))
    assert len(app.register.steps(request.batch)) == 1


@pytest.mark.usefixtures("far_from_midnight")
def test_a_file_name_that_holds_an_identity_number_is_written_down_nowhere(
    app: App, later: Later, court: DemoPartner, ask: Ask
) -> None:
    number = "11010519491231002X"
    files = court.make_set(ask(batch=f"{court.id}.{number}"))
    shutil.rmtree(court.keys / "desk" / f"{court.id}.{number}")
    put(court, files)
    before = app.register.waiting()
    assert list(poll(app).waiting) == before
    poll(later(PATIENCE))
    (notice, _) = sorted(court.answers())
    assert notice == f"{WITHHELD}.notice.json"
    assert court.verified(notice)["code"] == "name_holds_id_number"
    assert len(list(to_office(court).iterdir())) == 3


def test_a_set_that_was_answered_so_long_ago_that_its_receipt_is_gone(
    app: App, later: Later, court: DemoPartner, ask: Ask
) -> None:
    request = ask()
    files = court.make_set(request)
    court.drop(files)
    poll(app)
    assert pipeline.run(app, request.batch)
    kept, moment = app.register.file(request.batch, Role.RECEIPT), app.now()
    file = KeptFile(request.batch, court.id, Role.RECEIPT, kept.sha256, moment, "3650 days")
    app.register.retention.intend([(file, "records")], moment)
    for number, digest, _ in app.register.retention.intended():
        with app.register.retention.destroying(number, moment) as destruction:
            destruction.done = app.archive.destroy(digest, moment + timedelta(days=1))
    court.drop(files)
    assert poll(app).troubles == []
    poll(later(PATIENCE))
    assert court.verified(f"{request.batch}.notice.json")["code"] == "batch_past"
    assert request.batch not in [each.batch for each in status_of(app, app.agreement(court.id)).batches]


def test_a_register_that_was_put_back_is_named_at_the_next_look(app: App, court: DemoPartner, ask: Ask) -> None:
    """Also where nothing was sent since: the collector keeps the checkpoint of what it claimed."""
    court.drop(court.make_set(ask()))
    assert poll(app).troubles == []
    text = (app.checkpoints.folder / str(office_day(app.now()))).read_text("utf-8")
    assert text == app.register.checkpoint()
    known = parse_note(text)[0]
    longer = Checkpoint(known.size + 1, known.root, known.last_hash)  # what is left behind by a line that is gone
    app.checkpoints.keep(note(longer, app.ledger_key.sign(longer)), date(9999, 1, 1))
    try:
        (trouble,) = poll(app).troubles
        assert trouble.startswith("register: the ledger was rolled back")
        assert app.checkpoints.files()[-1].name == "9999-01-01", "it is still what the next look finds"
    finally:
        app.checkpoints.files()[-1].unlink()
    assert poll(app).troubles == []
