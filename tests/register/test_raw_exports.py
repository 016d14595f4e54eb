"""Raw exports: destroyed some days after their version was published, on record; never what was not published."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import select

from exchange import retention
from exchange.app import App
from exchange.base.files import sha256
from exchange.register import Register
from exchange.register.database import transaction
from exchange.register.models import DestructionRow
from exchange.settings import Settings
from exchange.settings_sections import Keys, RegisterSettings, RetentionDays
from exchange.snapshots import integrity, raw_exports
from exchange.snapshots.versions import SnapshotRecord, Snapshots, Version

from .conftest import Database

SOURCE = "drug_control"
FIRST, SECOND = date(2026, 10, 1), date(2026, 10, 2)
DAYS = RetentionDays().exports_days
CONTENT = b"id_number,charge\n"


@pytest.fixture
def app(tmp_path: Path, database: Database, register: Register) -> App:
    nowhere = Path("/nowhere")
    settings = Settings.model_construct(
        office="某厅",
        home=tmp_path / "home",
        agreements=tmp_path / "agreements",
        exports=tmp_path / "exports",
        keys=Keys(**dict.fromkeys(Keys.model_fields, nowhere)),
        register_=RegisterSettings(url=database.server.work_url(), password_file=database.server.password_file),
        retention=RetentionDays(),
    )
    return App(settings, register)


def later(app: App, days: int) -> App:
    moment = datetime.now(UTC) + timedelta(days=days)
    return App(app.settings, app.register, lambda: moment)


def exported(app: App, day: date) -> Path:
    folder = app.settings.exports / SOURCE / str(day)
    folder.mkdir(parents=True)
    (folder / "part-1.csv").write_bytes(CONTENT)
    (folder / "_SUCCESS").touch()
    return folder


def published(app: App, day: date, note: str = "") -> Version:
    snapshots = Snapshots(app.settings.snapshots)
    record = SnapshotRecord(source=SOURCE, as_of=day, rows=1, files={}, counts={"rows": 1})
    version = snapshots.write(record, {"records": pa.table({"note": [f"{day}{note}"]})})
    snapshots.publish(version)
    return version


def destructions(app: App) -> list[DestructionRow]:
    with transaction(app.register.engine) as session:
        rows = list(session.scalars(select(DestructionRow).order_by(DestructionRow.id)))
        session.expunge_all()
    return rows


@pytest.mark.parametrize(("days", "gone"), [(DAYS - 1, False), (DAYS + 1, True)])
def test_it_goes_some_days_after_it_was_published(app: App, days: int, gone: bool) -> None:
    folder = exported(app, FIRST)
    published(app, FIRST)
    assert bool(retention.due_exports(later(app, days))) is gone
    assert retention.run(later(app, days))["exports"] == (2 if gone else 0)
    assert folder.exists() is not gone


def test_a_file_that_another_night_takes_away_while_its_export_is_looked_at_stops_nobody(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported(app, FIRST)
    published(app, FIRST)
    seen = raw_exports._files
    monkeypatch.setattr(raw_exports, "_files", lambda folder: [*seen(folder), folder / "gone meanwhile"])
    due = [each.name for each in retention.due_exports(later(app, DAYS + 1))]
    assert len(due) == 3
    assert retention.unpublished_exports(later(app, DAYS + 1)) == []


def test_name_hash_and_day_stand_in_the_ledger(app: App) -> None:
    exported(app, FIRST)
    published(app, FIRST)
    retention.run(later(app, DAYS + 1))
    done = {row.role: (row.sha256, row.kind, row.policy, row.done_at is not None) for row in destructions(app)}
    place = f"{SOURCE}/{FIRST}"
    assert done == {
        f"{place}/_SUCCESS": (sha256(b""), "exports", f"{DAYS} days", True),
        f"{place}/part-1.csv": (sha256(CONTENT), "exports", f"{DAYS} days", True),
    }
    lines = app.register.verify()[0]
    assert retention.run(later(app, DAYS + 2)).total() == 0
    assert app.register.verify()[0] == lines, "done once"


def test_what_was_not_published_stays_and_is_named(app: App) -> None:
    older, newer = exported(app, FIRST), exported(app, SECOND)
    published(app, SECOND)
    after = later(app, DAYS + 1)
    assert retention.unpublished_exports(after) == [f"{SOURCE}/{FIRST}"]
    retention.run(after)
    assert older.exists()
    assert not newer.exists()


def test_a_version_that_was_made_and_not_published_is_none(app: App) -> None:
    folder = exported(app, FIRST)
    record = SnapshotRecord(source=SOURCE, as_of=FIRST, rows=1, files={}, counts={"rows": 1})
    Snapshots(app.settings.snapshots).write(record, {"records": pa.table({"note": ["a"]})})
    assert retention.run(later(app, 9999)).total() == 0
    assert folder.exists()


@pytest.mark.parametrize("change", ["another file", "rewritten", "not complete"])
def test_what_was_changed_since_stays(app: App, change: str) -> None:
    folder = exported(app, FIRST)
    published(app, FIRST)
    soon = datetime.now(UTC).timestamp() + 60
    match change:
        case "another file":
            (folder / "part-2.csv").write_bytes(CONTENT)
            os.utime(folder / "part-2.csv", (soon, soon))
        case "rewritten":
            os.utime(folder / "part-1.csv", (soon, soon))
        case _:
            (folder / "_SUCCESS").unlink()
    after = later(app, DAYS + 1)
    assert retention.run(after)["exports"] == 0
    assert retention.unpublished_exports(after) == [f"{SOURCE}/{FIRST}"]
    assert (folder / "part-1.csv").exists()


def test_while_its_version_has_to_be_built_again_it_stays(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = exported(app, FIRST)
    version = published(app, FIRST)
    with monkeypatch.context() as broken:
        broken.setattr("exchange.snapshots.versions.integrity.is_out_of_use", lambda place: place == version.folder)
        retention.run(later(app, DAYS + 1))
    with monkeypatch.context() as updated:
        updated.setattr("exchange.snapshots.raw_exports.LAYOUT", 9999)
        retention.run(later(app, DAYS + 1))
    assert folder.exists()
    assert not integrity.is_out_of_use(version.folder)
    retention.run(later(app, DAYS + 1))
    assert not folder.exists()


def test_of_before_the_note_the_published_version_alone_is_known(app: App) -> None:
    for day in (FIRST, SECOND):
        exported(app, day)
        published(app, day)
    (app.settings.snapshots / SOURCE / "published").unlink()
    after = later(app, DAYS + 1)
    assert {file.name.split("/")[1] for file in retention.due_exports(after)} == {str(SECOND)}


class Killed(BaseException):
    """No handler of the code under test catches it."""


def test_killed_anywhere_and_run_again(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off before each write in turn, of a file or of the register, until a run comes through."""
    folder, after = exported(app, FIRST), later(app, DAYS + 1)
    published(app, FIRST)
    left = 0

    def cut(owner: type, name: str) -> None:
        real = getattr(owner, name)

        def counted(*given: object, **named: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return real(*given, **named)

        monkeypatch.setattr(owner, name, counted)

    for owner, name in ((Path, "unlink"), (Path, "rmdir")):
        cut(owner, name)
    for name in ("intend_exports", "export_destroyed"):
        cut(type(app.register.retention), name)
    cut_off = 0
    for fatal in range(12):
        left = fatal
        try:
            retention.run(after)
        except Killed:
            cut_off += 1
    monkeypatch.undo()
    assert cut_off >= 4, "before it is written down, before each file goes, and after"
    assert not (folder / "part-1.csv").exists()
    assert not (folder / "_SUCCESS").exists()
    assert len(destructions(app)) == 2, "each is written down once"
    assert all(row.done_at is not None for row in destructions(app))
    app.register.verify()


def test_another_file_in_its_place_is_left_alone(app: App) -> None:
    folder, after = exported(app, FIRST), later(app, DAYS + 1)
    published(app, FIRST)
    files = [(file.name, sha256(file.path.read_bytes())) for file in retention.due_exports(after)]
    app.register.retention.intend_exports(files, "14 days", after.now())
    (folder / "part-1.csv").write_bytes(b"corrected\n")
    soon = datetime.now(UTC).timestamp() + 60
    os.utime(folder / "part-1.csv", (soon, soon))
    retention.run(after)
    assert (folder / "part-1.csv").read_bytes() == b"corrected\n"
