"""One partner's trouble is never another's, and one set's never another set's."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest
from paramiko.buffered_pipe import BufferedPipe
from paramiko.sftp import BaseSFTP

from exchange import pipeline
from exchange.agreements.agreement import Agreement, load_agreement
from exchange.app import App
from exchange.base.errors import Retryable
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.intake.lanes import Lane
from exchange.intake.lookout import monitor
from exchange.register import PickupEvidence, Role
from exchange.wire.transport import Folder
from tests.steps.odd_servers import (
    Empty,
    Flooding,
    Holding,
    Keeping,
    Locked,
    Lying,
    Shut,
    Slow,
    Unremoving,
    dripping,
    served_by,
)

Ask = Callable[..., Request]
Later = Callable[[timedelta], App]
PATIENCE = timedelta(minutes=31)
SECONDS = 60.0


def put(partner: DemoPartner, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (partner.server.home / "to-office" / name).write_bytes(content)


def hurried(app: App, partner: DemoPartner, seconds: float) -> App:
    """The same office, whose looks into this partner's folders have so much time and the others' as much as ever."""
    policy = app.settings.policy.model_copy(update={"whole_look_seconds": seconds})
    short = App(app.settings.model_copy(update={"policy": policy}), app.register, app.now)
    office = App(app.settings, app.register, app.now)

    def folder(agreement: Agreement, tries: int = 3) -> AbstractContextManager[Folder]:
        return (short if agreement.partner == partner.id else app).folder(agreement, tries)

    office.folder = folder  # type: ignore[method-assign]
    return office


@pytest.mark.parametrize("folder", ["to-office", "from-office"])
@pytest.mark.parametrize("encoding", ["gbk", "big5", "utf-16-le"])
def test_a_name_that_is_not_utf8_stops_nobody(
    app: App, court: DemoPartner, ask: Ask, folder: str, encoding: str
) -> None:
    answered, asked = ask(), ask()
    put(court, court.make_set(answered))
    poll(app)
    assert pipeline.run(app, answered.batch)
    (court.server.home / "from-office" / f"{answered.batch}.result.csv.p7m").unlink()
    os.mknod(os.fsencode(court.server.home / folder) + b"/" + "偉名單".encode(encoding))
    put(court, court.make_set(asked))
    polled = poll(app)
    assert polled.troubles == []
    assert asked.batch in polled.waiting
    assert [each.how for each in app.register.pickups.of(answered.batch)] == [PickupEvidence.REMOVED]


def test_a_look_that_is_cut_while_a_notice_is_put_is_told_as_that(app: App, later: Later, court: DemoPartner) -> None:
    put(court, {"slowly.csv": b"1"})
    poll(app)
    with served_by(app, court, Slow):
        polled = poll(hurried(later(PATIENCE), court, 3))
    assert [trouble.startswith(f"{court.id}: ") for trouble in polled.troubles] == [True]
    assert "was not done within" in polled.troubles[0]
    poll(later(PATIENCE))
    assert court.verified("slowly.notice.json")["code"] == "manifest_missing"


@pytest.mark.parametrize("how", [Shut, Locked])
@pytest.mark.parametrize("ending", [".request.json", ".request.json.p7s", ".csv.p7m"])
def test_a_file_that_may_not_be_read_holds_up_its_set_alone(
    app: App, later: Later, court: DemoPartner, ask: Ask, how: type[Shut | Locked], ending: str
) -> None:
    shut, sound = ask(batch=f"{court.id}.a-{how.__name__.lower()}{ending.replace('.', '-')}"), ask()
    put(court, court.make_set(shut) | court.make_set(sound))
    kind = type("ShutSet", (how,), {"ending": (shut.batch + ending).encode()})
    with served_by(app, court, kind):
        polled = poll(app)
        assert polled.troubles == []
        assert sound.batch in polled.waiting
        assert shut.batch not in polled.waiting
        poll(later(PATIENCE))
        assert court.verified(f"{shut.batch}.notice.json")["code"] == "set_unreadable"
    assert shut.batch in poll(app).waiting, "once it may be read"


@pytest.mark.parametrize("told", ["0-first", "1-second"])
def test_a_notice_that_cannot_be_put_holds_up_no_other(
    app: App, later: Later, court: DemoPartner, told: str, tmp_path: Path
) -> None:
    put(court, {"0-first.csv": b"1", "1-second.csv": b"1"})
    other = {"0-first": "1-second", "1-second": "0-first"}[told]
    taken = court.server.home / "from-office" / f"{told}.notice.json"
    (taken / "inside").mkdir(parents=True)
    try:
        poll(app)
        polled = poll(later(PATIENCE))
    finally:
        taken.rename(tmp_path / "taken")
    assert court.verified(f"{other}.notice.json")["code"] == "manifest_missing"
    assert [trouble.startswith(f"{court.id}: set {told}: ") for trouble in polled.troubles] == [True]
    assert "the connection failed" not in polled.troubles[0]


def test_a_receipt_that_cannot_be_put_again_holds_up_no_notice(
    app: App, later: Later, court: DemoPartner, ask: Ask, tmp_path: Path
) -> None:
    request = ask()
    files = court.make_set(request)
    put(court, files)
    poll(app)
    assert pipeline.run(app, request.batch)
    receipt = court.server.home / "from-office" / f"{request.batch}.receipt.json"
    receipt.unlink()
    (receipt / "inside").mkdir(parents=True)
    put(court, files | {"lacking.csv": b"1"})
    try:
        poll(app)
        polled = poll(later(PATIENCE))
    finally:
        receipt.rename(tmp_path / "taken")
    assert court.verified("lacking.notice.json")["code"] == "manifest_missing"
    assert [trouble.startswith(f"{court.id}: set {request.batch}: ") for trouble in polled.troubles] == [True]


@pytest.mark.parametrize("kind", [Unremoving, Keeping])
def test_a_server_that_lets_nothing_be_removed_holds_up_no_result(
    app: App, later: Later, court: DemoPartner, ask: Ask, kind: type[Unremoving | Keeping]
) -> None:
    request = ask()
    put(court, court.make_set(request))
    with served_by(app, court, kind):
        assert poll(app).troubles == []
        assert pipeline.run(app, request.batch)
        assert (court.server.home / "from-office" / f"{request.batch}.result.csv.p7m").exists()
        receipt = court.server.home / "from-office" / f"{request.batch}.receipt.json"
        put_first = receipt.stat().st_ino
        troubles = poll(later(PATIENCE)).troubles
        assert receipt.stat().st_ino == put_first, "it is not put again at every look"
        receipt.unlink()
        assert poll(later(2 * PATIENCE)).troubles == troubles
        assert court.verified(receipt.name)["outcome"] == "accepted"
    assert [trouble.startswith(f"{court.id}: set {request.batch}: ") for trouble in troubles] == [True]
    assert "to-office: remove fails" in troubles[0]


@pytest.mark.parametrize("ending", [".csv.p7m", ".request.json.p7s", ".request.json"])
@pytest.mark.parametrize("again", [False, True], ids=["once", "sent again"])
def test_what_a_server_held_back_for_a_while_goes_later_and_nobody_is_told_that_it_lacks_something(
    app: App, later: Later, court: DemoPartner, ask: Ask, ending: str, again: bool
) -> None:
    """The partner was told that there is a data file and no manifest, of a set that was answered; and it lay there for
    good.
    """
    request, upload = ask(), court.server.home / "to-office"
    files = court.make_set(request)
    put(court, files)
    poll(app)
    with served_by(app, court, type("HoldingOne", (Holding,), {"ending": ending.encode()})):
        if again:
            with served_by(app, court, type("Free", (Holding,), {"ending": b".no"})):
                assert pipeline.run(app, request.batch)
            put(court, files)
            poll(later(PATIENCE))
        else:
            assert pipeline.run(app, request.batch)
    assert request.batch + ending in {path.name for path in upload.iterdir()}
    for looks in (1, 2, 3):
        assert poll(later((looks + again) * PATIENCE)).troubles == []
    assert not [path.name for path in upload.iterdir() if path.name.startswith(request.batch)]
    assert not [name for name in court.answers() if "notice" in name]
    assert app.register.unfinished.all(court.id) == []


def test_an_acknowledgement_that_cannot_be_removed_holds_up_no_other_pickup(
    app: App, court: DemoPartner, ask: Ask
) -> None:
    said, taken = ask(), ask()
    put(court, court.make_set(said) | court.make_set(taken))
    poll(app)
    assert pipeline.run(app, said.batch)
    assert pipeline.run(app, taken.batch)
    poll(app)
    put(court, {f"{said.batch}.result.ack": b""})
    (court.server.home / "from-office" / f"{taken.batch}.result.csv.p7m").unlink()
    with served_by(app, court, Unremoving):
        troubles = poll(app).troubles
    assert [each.how for each in app.register.pickups.of(said.batch)] == [PickupEvidence.ACKNOWLEDGED]
    assert [each.how for each in app.register.pickups.of(taken.batch)] == [PickupEvidence.REMOVED]
    assert [f"{said.batch}.result.ack" in trouble and "remove fails" in trouble for trouble in troubles] == [True]


def test_a_file_that_may_not_be_read_holds_up_no_lookout(app: App, court: DemoPartner, ask: Ask) -> None:
    shut, sound = ask(batch=f"{court.id}.a-shut"), ask()
    put(court, court.make_set(shut) | court.make_set(sound))
    kind = type("ShutSet", (Shut,), {"ending": f"{shut.batch}.request.json".encode()})
    with served_by(app, court, kind), closing(monitor(app, SECONDS)) as seen:
        assert next(seen) == (sound.batch, Lane.IMMEDIATE)


@pytest.mark.parametrize("after", [5, 800, 8000], ids=["banner", "keys", "listing"])
def test_a_server_that_drips_is_cut_off_and_holds_up_nobody(
    app: App, court: DemoPartner, education: DemoPartner, ask: Ask, after: int
) -> None:
    request = ask()
    put(court, court.make_set(request))
    put(education, {f"left-{number}.txt": b"" for number in range(300)})
    with dripping(app, education, after):
        polled = poll(hurried(app, education, 2))
    assert request.batch in polled.waiting
    assert [education.id in trouble for trouble in polled.troubles] == [True]


def test_the_others_are_started_while_a_server_drips(
    app: App, court: DemoPartner, education: DemoPartner, ask: Ask
) -> None:
    """It drips until the run of the other's set was started: whoever waited for it would wait for the look's limit."""
    request, started = ask(), list[tuple[str, Lane]]()
    put(court, court.make_set(request))
    put(education, {f"left-{number}.txt": b"" for number in range(300)})
    with dripping(app, education, 8000) as hangs_up:

        def start(batch_id: str, lane: Lane) -> None:
            started.append((batch_id, lane))
            if batch_id == request.batch:
                hangs_up.set()

        polled = poll(app, start)
    assert started.count((request.batch, Lane.IMMEDIATE)) == 1
    assert ["was not done within" in trouble for trouble in polled.troubles] == [False]


def test_a_look_has_one_limit_with_connecting_and_whatever_is_done_beside_the_conversation(
    app: App, court: DemoPartner
) -> None:
    with hurried(app, court, 1.5).folder(load_agreement(app.agreement_file(court.id))) as folder:
        time.sleep(1)
        with pytest.raises(Retryable, match=r"was not done within 1\.5 seconds and was cut off"):
            _work_beside(folder, 1)


def _work_beside(folder: Folder, seconds: float) -> None:
    with folder.one_look():
        time.sleep(seconds)
        folder.check_time()


def test_a_server_that_says_more_than_it_sends_holds_up_nobody(
    app: App, court: DemoPartner, education: DemoPartner, ask: Ask
) -> None:
    """Counting what is not there took an hour of one processor, and no time limit ended it."""
    asked = ask()
    put(court, court.make_set(asked))
    with served_by(app, education, Lying):
        polled = poll(app)
    assert asked.batch in polled.waiting
    assert [trouble.partition(":")[0] for trouble in polled.troubles] == [education.id]


def test_what_a_server_sends_beyond_its_leave_ends_its_connection_and_fills_no_memory(
    app: App, court: DemoPartner, education: DemoPartner, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a look that does not read as fast as the server sends."""
    held, feed, read = [0], BufferedPipe.feed, BufferedPipe.read

    def fed(pipe: BufferedPipe[bytes], content: bytes) -> None:
        feed(pipe, content)
        held.append(len(pipe))

    def slowly(pipe: BufferedPipe[bytes], size: int, seconds: float | None = None) -> bytes:
        if len(pipe) > 1 << 13:  # with the first of the flood: what comes more is more than was asked, and ends it
            time.sleep(1.0)
        return read(pipe, size, seconds)

    monkeypatch.setattr(BufferedPipe, "feed", fed)
    monkeypatch.setattr(BufferedPipe, "read", slowly)
    asked = ask()
    put(court, court.make_set(asked))
    with served_by(app, education, Flooding):
        swept = poll(app)
    assert asked.batch in swept.waiting
    assert [trouble.partition(":")[0] for trouble in swept.troubles] == [education.id]
    assert 1 << 20 < max(held) < 4 << 20


def test_an_answer_without_content_ends_the_connection(
    app: App, education: DemoPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a look would go on through all that wait: four thousand come in one message."""
    read, was_read = cast("Any", BaseSFTP)._read_packet, list[int]()

    def counted(client: BaseSFTP) -> Any:
        was_read.append(1)
        return read(client)

    monkeypatch.setattr(BaseSFTP, "_read_packet", counted)
    with served_by(app, education, Empty):
        assert [trouble.partition(":")[0] for trouble in poll(app).troubles] == [education.id]
    assert len(was_read) < 1000


def test_a_fault_of_our_own_in_one_set_is_named_and_holds_up_no_other(
    app: App, later: Later, court: DemoPartner, ask: Ask
) -> None:
    """A receipt that was taken away and is not sent again, because what was kept of it was altered."""
    answered, asked = ask(batch=f"{court.id}.a-again"), ask()
    files = court.make_set(answered)
    put(court, files)
    poll(app)
    assert pipeline.run(app, answered.batch)
    kept = app.archive.path(app.register.file(answered.batch, Role.RECEIPT).sha256)
    content = kept.read_bytes()
    kept.write_bytes(b"{}")
    receipt = court.server.home / "from-office" / f"{answered.batch}.receipt.json"
    receipt.unlink()
    put(court, files | court.make_set(asked))
    try:
        polled = poll(later(timedelta(minutes=2)))
    finally:
        kept.write_bytes(content)
    assert not receipt.exists()
    poll(later(timedelta(minutes=4)))
    assert asked.batch in polled.waiting
    assert [answered.batch in trouble for trouble in polled.troubles] == [True]
    assert court.verified(f"{answered.batch}.receipt.json")["outcome"] == "accepted"


def test_an_agreement_with_an_error_nobody_foresaw_is_its_partners(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    put(court, court.make_set(request))
    odd = app.settings.agreements / "zz-folder.toml"
    odd.mkdir()
    try:
        polled = poll(app)
    finally:
        odd.rmdir()
    assert request.batch in polled.waiting
    assert [trouble.split(":")[0] for trouble in polled.troubles] == ["zz-folder"]


@pytest.mark.parametrize("recorded", [True, False], ids=["accepted", "just fetched"])
def test_who_names_anothers_file_by_its_hash_is_not_answered_about_it(
    app: App, later: Later, court: DemoPartner, health: DemoPartner, ask: Ask, recorded: bool
) -> None:
    """What is kept here under that hash was sent by the court, or nobody knows yet by whom; whoever has the hash alone
    has to send the file.
    """
    header, place = "业务编号,母亲公民身份号码,出生日期\n", "2026-11-01\n"
    theirs = f"{header}R1,220102199003071227,{place}".encode()
    if recorded:
        put(court, court.make_set(asked := ask(theirs, encrypted=False)))
        poll(app)
        pipeline.run(app, asked.batch)
    else:
        app.archive.keep(theirs)
    mine = ask(
        f"{header}R1,220102199003071300,{place}".encode(),
        batch=f"{health.id}.by-hash-{recorded}",
        purpose="birth_certificate",
        legal_basis="母婴保健法第二十三条",
        items=["unregistered"],
        encrypted=False,
    )
    files = health.make_set(mine)
    manifest = files[f"{mine.batch}.request.json"].replace(
        sha256(mine.data).hexdigest().encode(), sha256(theirs).hexdigest().encode()
    )
    put(health, files | health.signed(mine.batch, manifest))
    assert mine.batch in poll(app).waiting
    with pytest.raises(Retryable, match="not the one of the manifest"):
        pipeline.run(app, mine.batch)
    assert not pipeline.run(later(PATIENCE), mine.batch)
    assert health.verified(f"{mine.batch}.receipt.json")["refusal"]["code"] == "data_hash"
