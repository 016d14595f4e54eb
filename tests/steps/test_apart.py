"""One partner's trouble is never another's, and one set's never another set's."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from paramiko.buffered_pipe import BufferedPipe

from exchange import pipeline
from exchange.agreements.agreement import load_agreement
from exchange.app import App
from exchange.base.errors import Retryable
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.astray import ACKNOWLEDGEMENTS, CROWDED, FOLDERS, UNREAD, WITHHELD
from exchange.intake.collect import poll
from exchange.intake.lanes import Lane
from exchange.intake.lookout import monitor
from exchange.register import PickupEvidence, Role
from exchange.wire.transport import MAX_LISTED_FILES, Folder
from tests.steps.odd_servers import Flooding, Keeping, Locked, Lying, Shut, Slow, Unremoving, dripping, served_by

Ask = Callable[..., Request]
Later = Callable[[timedelta], App]
PATIENCE = timedelta(minutes=31)
SECONDS = 60.0


def put(partner: DemoPartner, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (partner.server.home / "to-office" / name).write_bytes(content)


@pytest.fixture
def at_noon(app: App) -> datetime:
    """Noon of tomorrow, so that a few hours later it is the same day."""
    return (app.now() + timedelta(days=1)).astimezone(OFFICE_ZONE).replace(hour=12)


def hurried(app: App, seconds: float) -> App:
    policy = app.settings.policy.model_copy(update={"whole_look_seconds": seconds})
    return App(app.settings.model_copy(update={"policy": policy}), app.register, app.now)


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
    swept = poll(app)
    assert swept.troubles == []
    assert asked.batch in swept.waiting
    assert [each.how for each in app.register.pickups.of(answered.batch)] == [PickupEvidence.REMOVED]


def test_a_look_that_is_cut_while_a_notice_is_put_is_told_as_that(app: App, later: Later, court: DemoPartner) -> None:
    put(court, {"slowly.csv": b"1"})
    poll(app)
    with served_by(app, court, Slow):
        swept = poll(hurried(later(PATIENCE), 8))
    assert [trouble.startswith(f"{court.id}: ") for trouble in swept.troubles] == [True]
    assert "was not done within" in swept.troubles[0]
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
        swept = poll(app)
        assert swept.troubles == []
        assert sound.batch in swept.waiting
        assert shut.batch not in swept.waiting
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
        swept = poll(later(PATIENCE))
    finally:
        taken.rename(tmp_path / "taken")
    assert court.verified(f"{other}.notice.json")["code"] == "manifest_missing"
    assert [trouble.startswith(f"{court.id}: set {told}: ") for trouble in swept.troubles] == [True]
    assert "the connection failed" not in swept.troubles[0]


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
        swept = poll(later(PATIENCE))
    finally:
        receipt.rename(tmp_path / "taken")
    assert court.verified("lacking.notice.json")["code"] == "manifest_missing"
    assert [trouble.startswith(f"{court.id}: set {request.batch}: ") for trouble in swept.troubles] == [True]


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


def test_more_files_than_are_looked_at(app: App, later: Later, court: DemoPartner, ask: Ask) -> None:
    requests = [ask() for _ in range(4)]
    for request in requests:
        put(court, court.make_set(request))
    for number in range(MAX_LISTED_FILES):
        (court.server.home / "to-office" / f"left-{number}.txt").touch()
    swept = poll(app)
    assert swept.troubles == []
    assert {request.batch for request in requests} & set(swept.waiting), "those that can be seen"
    poll(later(PATIENCE))
    notices = {name for name in court.answers() if name.endswith(".json")}
    assert notices == {f"{CROWDED}.notice.json", "names-not-read.notice.json"}
    assert court.verified(f"{CROWDED}.notice.json")["code"] == "too_many_files"


@pytest.mark.parametrize("after", [5, 800, 8000], ids=["banner", "keys", "listing"])
def test_a_server_that_drips_is_cut_off_and_the_others_are_started_meanwhile(
    app: App, court: DemoPartner, education: DemoPartner, ask: Ask, after: int
) -> None:
    request, started = ask(), {}
    put(court, court.make_set(request))
    put(education, {f"left-{number}.txt": b"" for number in range(300)})
    begun = time.monotonic()
    with dripping(app, education, after):
        swept = poll(hurried(app, 8), lambda batch, lane: started.update({batch: (lane, time.monotonic() - begun)}))
    assert time.monotonic() - begun < 30
    lane, seconds = started[request.batch]
    assert lane is Lane.IMMEDIATE
    assert seconds < 7, "not when the last partner's look has ended"
    assert [education.id in trouble for trouble in swept.troubles] == [True]


def test_a_look_has_one_limit_with_connecting_and_whatever_is_done_beside_the_conversation(
    app: App, court: DemoPartner
) -> None:
    with hurried(app, 1.5).folder(load_agreement(app.agreement_file(court.id))) as folder:
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
        swept = poll(app)
    assert asked.batch in swept.waiting
    assert [trouble.partition(":")[0] for trouble in swept.troubles] == [education.id]


def test_what_a_server_sends_beyond_its_leave_ends_its_connection_and_fills_no_memory(
    app: App, court: DemoPartner, education: DemoPartner, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, feed = [0], BufferedPipe.feed

    def fed(pipe: BufferedPipe[bytes], content: bytes) -> None:
        feed(pipe, content)
        held.append(len(pipe))

    monkeypatch.setattr(BufferedPipe, "feed", fed)
    asked = ask()
    put(court, court.make_set(asked))
    with served_by(app, education, Flooding):
        swept = poll(app)
    assert asked.batch in swept.waiting
    assert [trouble.partition(":")[0] for trouble in swept.troubles] == [education.id]
    assert max(held) < 4 * 1024 * 1024


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
        swept = poll(later(timedelta(minutes=2)))
    finally:
        kept.write_bytes(content)
    assert not receipt.exists()
    poll(later(timedelta(minutes=4)))
    assert asked.batch in swept.waiting
    assert [answered.batch in trouble for trouble in swept.troubles] == [True]
    assert court.verified(f"{answered.batch}.receipt.json")["outcome"] == "accepted"


def test_an_agreement_with_an_error_nobody_foresaw_is_its_partners(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    put(court, court.make_set(request))
    odd = app.settings.agreements / "zz-folder.toml"
    odd.mkdir()
    try:
        swept = poll(app)
    finally:
        odd.rmdir()
    assert request.batch in swept.waiting
    assert [trouble.split(":")[0] for trouble in swept.troubles] == ["zz-folder"]


@pytest.mark.parametrize("name", ["A.CSV", "set.zip", "名单.csv", "x y.request.json", "x.Request.json", "noending"])
def test_a_name_that_is_never_read_gets_one_notice_a_day(
    app: App, at_noon: datetime, court: DemoPartner, ask: Ask, name: str
) -> None:
    def look(hours: float) -> list[str]:
        moment = at_noon + timedelta(hours=hours)
        return poll(App(app.settings, app.register, lambda: moment)).troubles

    sound = ask()
    put(court, court.make_set(sound) | {name: b"x"})
    notice = court.server.home / "from-office" / f"{UNREAD}.notice.json"
    assert look(0) == []
    assert not notice.exists(), "it may still be on its way"
    assert sound.batch in app.register.waiting(), "and holds up nothing"
    told = [f"{court.id}: files whose names are not read: 1"]
    assert look(0.6) == told
    assert court.verified(notice.name)["code"] == "names_not_read"
    assert name not in notice.read_text(encoding="utf-8")
    notice.unlink()
    assert look(1) == told
    assert not notice.exists(), "once a day"
    look(24)
    assert look(24.6) == told
    assert notice.exists()
    (court.server.home / "to-office" / name).unlink()
    assert look(24.7) == []
    assert UNREAD not in {each.stem for each in app.register.unfinished.all()}


def told_of(app: App, later: Later, court: DemoPartner, about: str) -> str | None:
    """The code of the notice about this, after it has stood still for long enough; None where there is none."""
    assert poll(app).troubles == []
    troubles = poll(later(PATIENCE)).troubles
    if not (court.server.home / "from-office" / f"{about}.notice.json").exists():
        assert troubles == []
        return None
    assert [each.partition(":")[0] for each in troubles] == [court.id]
    return str(court.verified(f"{about}.notice.json")["code"])


@pytest.mark.parametrize("folder", ["2026-11", "a/b/c", "名单", ".hidden", "lost+found"])
def test_a_set_in_a_folder_gets_a_notice(app: App, later: Later, court: DemoPartner, ask: Ask, folder: str) -> None:
    sound, inside = ask(), court.server.home / "to-office" / folder
    put(court, court.make_set(sound))
    inside.mkdir(parents=True)
    for name, content in court.make_set(ask()).items():
        (inside / name).write_bytes(content)
    told = told_of(app, later, court, FOLDERS)
    assert sound.batch in app.register.waiting()
    assert told == (None if folder in (".hidden", "lost+found") else "folders_not_read")


@pytest.mark.parametrize("name", ["gbk", "utf-16-le"])
def test_a_folder_in_other_bytes_than_utf8_gets_a_notice(app: App, later: Later, court: DemoPartner, name: str) -> None:
    inside = os.fsencode(court.server.home / "to-office") + b"/" + "偉名單".encode(name)
    os.mkdir(inside)  # noqa: PTH102  (a path is no bytes)
    os.mknod(inside + b"/x.csv")
    assert told_of(app, later, court, FOLDERS) == "folders_not_read"


def test_a_link_gets_a_notice(app: App, later: Later, court: DemoPartner, ask: Ask, tmp_path: Path) -> None:
    for name, content in court.make_set(ask()).items():
        (tmp_path / name).write_bytes(content)
        (court.server.home / "to-office" / name).symlink_to(tmp_path / name)
    assert told_of(app, later, court, FOLDERS) == "folders_not_read"


def test_a_folder_that_is_empty_or_uploaded_through_gets_none(app: App, later: Later, court: DemoPartner) -> None:
    through = court.server.home / "to-office" / "tmp"
    (through / "empty").mkdir(parents=True)
    (through / ".part-data").write_bytes(b"1")
    assert told_of(app, later, court, FOLDERS) is None
    for number in range(3):
        (through / "x.csv").write_bytes(b"1" * number)
        assert poll(later(number * PATIENCE)).troubles == [], "it grows"
    assert poll(later(3 * PATIENCE)).troubles == [f"{court.id}: folders and links that are not read: 1"]


def test_acknowledgements_of_nothing_get_a_notice(app: App, later: Later, court: DemoPartner, ask: Ask) -> None:
    asked, refused = ask(), ask(items=("no_such_item",))
    put(court, court.make_set(asked) | court.make_set(refused))
    poll(app)
    assert pipeline.run(app, asked.batch)
    assert not pipeline.run(app, refused.batch)
    endings = [".ack", ".results.ack", ".result-1.ack", ".result-2.ack", ".result.csv.ack"]
    others = ["x.ack", "t.result-2.ack", "education.none.result.ack", f"{court.id}.none.result.ack"]
    names = [*others, f"{refused.batch}.result.ack", *[asked.batch + ending for ending in endings]]
    put(court, dict.fromkeys(names, b""))
    assert told_of(app, later, court, ACKNOWLEDGEMENTS) == "acknowledgement_of_nothing"
    assert poll(later(PATIENCE)).troubles == [f"{court.id}: acknowledgements of no result: {len(names)}"]
    assert app.register.pickups.of(asked.batch) == []
    for name in names:
        (court.server.home / "to-office" / name).unlink()
    assert poll(later(2 * PATIENCE)).troubles == []


def test_what_is_under_way_gets_no_such_notice(app: App, later: Later, court: DemoPartner, ask: Ask) -> None:
    """An upload by its name, and an acknowledgement of a batch that is on its way."""
    request = ask()
    early = {".part-data": b"", f"{request.batch}.result.ack": b""}
    put(court, court.make_set(request) | early)
    poll(app)
    for about in (UNREAD, ACKNOWLEDGEMENTS, FOLDERS):
        assert told_of(app, later, court, about) is None


@pytest.mark.parametrize("kind", ["numbers", "acknowledgements", "folders"])
def test_whoever_drops_more_of_it_all_day_is_told_as_soon_as_another(
    app: App, later: Later, court: DemoPartner, kind: str
) -> None:
    """And nothing of one kind puts off what is said of others: a set that lacks its data waits beside it."""
    about, name = {
        "numbers": (WITHHELD, "11010519491231002X-{}.csv"),
        "acknowledgements": (ACKNOWLEDGEMENTS, "no-{}.ack"),
        "folders": (FOLDERS, "2026-11/{}.csv"),
    }[kind]
    home = court.server.home / "to-office"
    (home / "2026-11").mkdir()
    put(court, {"lacking.csv": b"1"})
    for look in range(5):
        made = home / name.format(look)
        made.write_bytes(b"1")
        os.utime(made, (1_700_000_000 + look,) * 2)
        poll(later(look * PATIENCE / 3))
    assert {f"{about}.notice.json", "lacking.notice.json"} <= set(court.answers())
