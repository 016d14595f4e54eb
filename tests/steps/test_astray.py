"""What lies astray in a partner's folder, and is never read, gets a notice, and holds up no set."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from exchange import pipeline
from exchange.app import App
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.astray import ACKNOWLEDGEMENTS, CROWDED, FOLDERS, UNREAD, WITHHELD
from exchange.intake.collect import poll
from exchange.wire.transport import MAX_LISTED_FILES
from tests.steps.test_apart import PATIENCE, put

Ask = Callable[..., Request]
Later = Callable[[timedelta], App]


pytestmark = pytest.mark.usefixtures("far_from_midnight")


def test_more_files_than_are_looked_at(app: App, later: Later, court: DemoPartner, ask: Ask) -> None:
    requests = [ask() for _ in range(4)]
    for request in requests:
        put(court, court.make_set(request))
    for number in range(MAX_LISTED_FILES):
        (court.server.home / "to-office" / f"left-{number}.txt").touch()
    polled = poll(app)
    assert polled.troubles == []
    assert {request.batch for request in requests} & set(polled.waiting), "those that can be seen"
    poll(later(PATIENCE))
    notices = {name for name in court.answers() if name.endswith(".json")}
    assert notices == {f"{CROWDED}.notice.json", "names-not-read.notice.json"}
    assert court.verified(f"{CROWDED}.notice.json")["code"] == "too_many_files"


@pytest.mark.parametrize("name", ["A.CSV", "set.zip", "名单.csv", "x y.request.json", "x.Request.json", "noending"])
def test_a_name_that_is_never_read_gets_one_notice_a_day(
    app: App, later: Later, court: DemoPartner, ask: Ask, name: str
) -> None:
    def look(hours: float) -> list[str]:
        return poll(later(timedelta(hours=hours))).troubles

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
    assert look(24) == told
    assert notice.exists()
    (court.server.home / "to-office" / name).unlink()
    assert look(24.7) == []
    assert UNREAD not in {each.stem for each in app.register.unfinished.all()}


@pytest.mark.parametrize("minutes", [-45, -29, -1, 0, 1])
def test_midnight_does_not_put_a_notice_off(app: App, court: DemoPartner, later: Later, minutes: int) -> None:
    """A file that came so long before or after midnight; seen since then, and told anew by each day that begins."""
    now = app.now()
    begun = now.astimezone(OFFICE_ZONE).replace(hour=0, minute=0, second=0) + timedelta(days=1, minutes=minutes)
    app.now = lambda: begun
    put(court, {"名单.csv": b"1"})
    assert poll(app).troubles == []
    assert poll(later(PATIENCE)).troubles
    notice = court.server.home / "from-office" / f"{UNREAD}.notice.json"
    assert court.verified(notice.name)["seen_since"] == begun.isoformat()
    notice.unlink()
    poll(later(timedelta(hours=1)))
    assert notice.exists() == (minutes == -45), "of a new day"
    for days in (2, 3):
        notice.unlink(missing_ok=True)
        poll(later(timedelta(days=days)))
        assert court.verified(notice.name)["seen_since"] == begun.isoformat()


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


def test_folders_of_many_partners_are_told_from_answers_by_one_reading(
    app: App, court: DemoPartner, education: DemoPartner, health: DemoPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each partner with a folder had all agreements read, each minute: of 600 that was a third of a processor."""
    readings, own = list[int](), App.agreement_files

    def counted(office: App) -> list[Path]:
        readings.append(1)
        return own(office)

    monkeypatch.setattr(App, "agreement_files", counted)
    asked = []
    for partner in (court, education, health):
        (partner.server.home / "to-office" / "2026-11").mkdir()
        readings.clear()
        assert poll(app).troubles == []
        asked.append(len(readings))
    assert asked == asked[:1] * 3


@pytest.mark.parametrize(
    ("requests", "results"),
    [
        (".", "from-office"),
        ("./", "./from-office/"),
        ("to-office", "to-office/answers"),
        ("to-office", "to-office/a/b"),
    ],
)
def test_answers_that_lie_in_a_folder_inside_are_none(
    app: App, later: Later, court: DemoPartner, ask: Ask, requests: str, results: str
) -> None:
    """The partner was told each day to put them elsewhere, and to remove the folder."""
    path = app.agreement_file(court.id)
    before = path.read_text(encoding="utf-8")
    named = f'requests = "{requests}"\nresults = "{results}"\n\n[certificates]'
    path.write_text(before.replace("[certificates]", named), encoding="utf-8")
    upload, answers = (court.server.home / folder for folder in (requests, results))
    try:
        answers.mkdir(parents=True, exist_ok=True)
        request = ask()
        for name, content in court.make_set(request).items():
            (upload / name).write_bytes(content)
        poll(app)
        assert pipeline.run(app, request.batch)
        assert (answers / f"{request.batch}.result.json").exists()
        for looks in range(1, 4):
            assert poll(later(looks * PATIENCE)).troubles == []
        (upload / "other").mkdir()
        (upload / "other" / "x.csv").write_bytes(b"1")
        assert [poll(later(looks * PATIENCE)).troubles != [] for looks in (4, 5)] == [False, True]
    finally:
        path.write_text(before, encoding="utf-8")
        shutil.rmtree(upload / "other", ignore_errors=True)


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
