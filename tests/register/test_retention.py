"""Retention: what is past its time goes, once and on record; what is held, objected to or shared stays."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from exchange import retention
from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.files import DUMPS, Archive, make_folder, sha256, write_atomically
from exchange.calendar.working_days import Due
from exchange.demo.agreement import agreement_toml
from exchange.demo.world import PARTNERS, World
from exchange.guard.thresholds import THRESHOLDS
from exchange.register import Register, Role, State
from exchange.register.asked_lately import AskedLatelyRow
from exchange.register.database import probe, transaction
from exchange.register.models import DestructionRow
from exchange.register.tests_of import TestBatch
from exchange.status.certificate import _key_changed
from exchange.wire.keys import make_certificate
from exchange.wire.manifest import RequestManifest

from .conftest import Database
from .desk import DAYS, Desk, roles, settings


def test_a_file_that_many_batches_share_is_not_asked_of_each_for_each(
    desk: Desk, manifest: RequestManifest, register: Register
) -> None:
    """The version of an agreement is named by all of its batches: what a night costs grows as their number does."""
    asked: list[str] = []
    event.listen(register.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    costs = []
    for batches, later in ((3, 31), (12, 32)):
        for number in range(batches):
            desk.closed(manifest, f"share-{batches}-{number}", b"shared by %d" % batches)
        begun = len(asked)
        assert retention.run(desk.later(later))["originals"] == batches
        costs.append((len(asked) - begun) / batches)
    assert costs[1] <= costs[0] + 2


@pytest.mark.parametrize("apart", [timedelta(days=365), timedelta(days=-8)])
def test_by_a_clock_that_is_not_the_databases_nothing_is_destroyed(
    desk: Desk, manifest: RequestManifest, monkeypatch: pytest.MonkeyPatch, apart: timedelta
) -> None:
    """A year was typed wrong, and the night would have taken everything that had ended."""
    batch = desk.closed(manifest, "clock", b"by a clock")
    probed = probe(desk.register.engine)
    monkeypatch.setattr(retention, "probe", lambda _: replace(probed, now=datetime.now(UTC) - apart))
    for destroys in (retention.run, retention.prune_snapshots):
        with pytest.raises(Halt, match="days apart") as caught:
            destroys(desk.later(400))
        assert "时钟" in caught.value.zh
    assert roles(desk, batch) == set()
    monkeypatch.undo()
    assert retention.run(desk.later(400))["originals"] == 1


def test_the_folder_of_what_was_derived_is_not_looked_through_for_each_file(
    desk: Desk, manifest: RequestManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, look, cache = list[Path](), os.listdir, desk.app.settings.home / "cache"

    def listed(folder: Path) -> list[str]:
        looks.append(folder)
        return look(folder)

    monkeypatch.setattr(os, "listdir", listed)
    costs = []
    for batches, later in ((2, 31), (9, 32)):
        for number in range(batches):
            content = b"original %d of %d" % (number, batches)
            desk.closed(manifest, f"derived-{batches}-{number}", content)
            write_atomically(cache / f"{sha256(content)}.{sha256(b'manifest')}.rows", b"derived")
        write_atomically(cache / f"{sha256(b'another')}.open", b"derived")
        for path in cache.iterdir():  # else they go as too old
            os.utime(path, (desk.later(400).now().timestamp(),) * 2)
        looks.clear()
        assert retention.run(desk.later(later))["originals"] == batches
        costs.append(looks.count(cache))
        assert [path.name for path in cache.iterdir()] == [f"{sha256(b'another')}.open"]
    assert costs == [2, 2]


def test_what_an_older_folder_brings_back_under_a_newer_register_goes_again(
    desk: Desk, manifest: RequestManifest, register: Register
) -> None:
    """Within two nights, and not when everything goes that no batch names; but what a new batch has sent anew stays,
    and is held against its hash like any other.
    """
    desk.closed(manifest, "gone", b"rows")
    desk.closed(manifest, "gone-too", b"other rows")
    assert retention.run(desk.later(31))["originals"] == 2
    for content in (b"rows", b"other rows", b"nobody's"):
        desk.app.archive.keep(content)
    desk.batch(manifest, "anew", b"other rows")
    assert retention.run(desk.later(0)).total() == 0, "whoever laid it down may be about to name it"
    assert retention.run(desk.later(2)) == {"work": 1, "exports": 0}
    assert [desk.there(content) for content in (b"rows", b"other rows", b"nobody's")] == [False, True, True]
    assert sha256(b"other rows") in register.retention.not_destroyed()
    assert sha256(b"rows") not in register.retention.not_destroyed()
    register.verify()


def test_a_certificate_of_conformance_stays(desk: Desk, register: Register) -> None:
    """No batch names it, and each set of a live partner is held against what it says was shown."""
    certificates = [desk.app.archive.keep(content) for content in (b"certificate", b"certificate made anew")]
    for digest in certificates:
        register.conformance.certify("court", digest, datetime.now(UTC))
    for days in (2, 21, 400):
        assert retention.run(desk.later(days)).total() == 0
    assert desk.there(b"certificate")
    assert desk.there(b"certificate made anew")
    assert set(certificates) <= set(register.retention.not_destroyed()), "and is held against its hash"


def test_one_that_is_intended_when_it_becomes_a_certificate_stays(desk: Desk, register: Register) -> None:
    digest = desk.app.archive.keep(b"certificate")
    register.retention.intend_nameless({digest: True}, "20 days", datetime.now(UTC))
    register.conformance.certify("court", digest, datetime.now(UTC))
    assert retention.run(desk.later(21)).total() == 0
    assert desk.there(b"certificate")


def test_each_kind_has_its_time(desk: Desk, manifest: RequestManifest) -> None:
    batch = desk.closed(manifest, "kinds", b"rows")
    result = f"result of {batch}".encode()
    for days, gone in [
        (30, set()),
        (31, {"data"}),
        (60, {"data"}),
        (61, {"data", "result_data"}),
        (91, {"data", "result_data", "manifest"}),
    ]:
        retention.run(desk.later(days))
        assert roles(desk, batch) == gone, days
    assert not any(desk.there(content) for content in (b"rows", result, batch.encode()))
    line = desk.register.batch(batch)
    assert (line.state, line.rows_in, line.handler) == (State.CLOSED, 3, "经办某"), "the register's line stays"
    assert [file.role for file in desk.register.files(batch)] == ["manifest", "data", "result_data"]
    told = [step.facts for step in desk.register.steps(batch) if "destroyed" in step.facts]
    assert [each for each in told if "destroyed.data" in each] == ['{"destroyed.data": "originals 30 days"}']
    lines = desk.register.verify()[0]
    assert retention.run(desk.later(400)).total() == 0
    assert desk.register.verify()[0] == lines, "done once"


@pytest.mark.parametrize("longer", ["originals_days", "results_days"])
def test_no_record_goes_before_the_files_that_it_explains(desk: Desk, manifest: RequestManifest, longer: str) -> None:
    """An original whose manifest and agreement are gone could be objected to, and read by nobody."""
    batch = desk.closed(manifest, "longer", b"rows")
    settings = desk.app.settings.model_copy(update={"retention": DAYS.model_copy(update={longer: 120})})
    for days in (91, 120, 121):
        office = desk.later(days)
        retention.run(App(settings, office.register, office.now))
        assert ("manifest" in roles(desk, batch)) is (days > 120), days


def test_certificates_of_tests_that_are_past_their_time_show_nothing(desk: Desk, manifest: RequestManifest) -> None:
    """A partner that was in its tests years ago is put to them again; what was lost is for a person all the same."""
    register, archive = desk.register, desk.app.archive
    tests = []
    for name in ("old", "lost"):
        batch = desk.closed(manifest, name, name.encode())
        digest = archive.keep(name.encode() * 2)
        register.record_file(batch, Role.AGREED_SIGNING, "sign.pem", digest, 1)
        tests.append(TestBatch(register.batch(batch), (), None, digest))
        if name == "old":
            retention.run(desk.later(91))
    assert list(_key_changed(desk.app, tests[:1], "")) == []
    archive.path(tests[1].signing or "").unlink()
    with pytest.raises(Halt, match="is not in the store"):
        list(_key_changed(desk.app, tests, ""))


def test_whom_small_sets_asked_about_goes_after_the_guards_span(desk: Desk) -> None:
    """Its clock is the register's, by which the guard's span is reckoned."""
    with transaction(desk.register.engine) as session:
        for batch, days in (("old", THRESHOLDS.span_days + 2), ("young", THRESHOLDS.span_days - 1)):
            at = datetime.now(UTC) - timedelta(days=days)
            session.add(AskedLatelyRow(number=1, batch_id=batch, at=at))
    retention.run(desk.app)
    with transaction(desk.register.engine) as session:
        assert list(session.scalars(select(AskedLatelyRow.batch_id))) == ["young"]


def test_an_open_batch_is_not_touched(desk: Desk, manifest: RequestManifest) -> None:
    desk.batch(manifest, "open", b"rows")
    assert retention.run(desk.later(9999)).total() == 0
    assert desk.there(b"rows")


def test_a_refused_batch_has_ended_too(desk: Desk, new_batch: Callable[[Register], str]) -> None:
    batch = new_batch(desk.register)
    write_atomically(desk.app.archive.path("a" * 64), b"a manifest")
    desk.register.refuse(batch, "signature_invalid", row=None, column=None)
    retention.run(desk.later(91))
    assert roles(desk, batch) == {"manifest"}


def test_a_file_that_another_batch_lives_by(desk: Desk, manifest: RequestManifest) -> None:
    first, second = desk.closed(manifest, "one", b"same"), desk.batch(manifest, "two", b"same")
    retention.run(desk.later(31))
    assert desk.there(b"same")
    assert roles(desk, first) == set(), "it is not said to be destroyed before it is"
    desk.close(second)
    retention.run(desk.later(31))
    assert not desk.there(b"same")
    assert roles(desk, first) == roles(desk, second) == {"data"}


def test_what_no_batch_names(desk: Desk) -> None:
    digest = desk.app.archive.keep(b"of a step that was killed")
    left = desk.app.settings.home / "incoming" / "half"
    left.parent.mkdir()
    left.write_bytes(b"half a file")
    assert retention.run(desk.later(19)).total() == 0
    assert retention.run(desk.later(21))["work"] == 2
    assert not desk.app.archive.path(digest).exists()
    assert not left.exists()


def test_what_another_night_destroyed_since_it_was_listed_is_not_recorded_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, later = desk.app.archive.keep(b"of a step that was killed"), desk.later(21)
    listed = type(later.archive).digests

    def meanwhile(archive: Archive, since: datetime) -> Iterator[tuple[str, datetime]]:
        found = list(listed(archive, since))
        with monkeypatch.context() as patched:
            patched.setattr(Archive, "digests", listed)
            assert retention.run(desk.later(21))["work"] == 1
        yield from found

    monkeypatch.setattr(Archive, "digests", meanwhile)
    assert retention.run(later)["work"] == 0
    monkeypatch.setattr(Archive, "digests", listed)
    with transaction(desk.register.engine) as session:
        assert len(session.scalars(select(DestructionRow).filter_by(sha256=digest)).all()) == 1
    desk.app.archive.keep(b"of a step that was killed")
    assert retention.run(desk.later(42))["work"] == 1, "laid down anew, it goes again, on record"


@pytest.mark.parametrize(
    "place", ["archive/0f", "archive/checkpoints", "archive/checkpoints/cosigned", "duties", "snapshots/x", "."]
)
def test_what_writing_left_half_goes_wherever_it_lies(desk: Desk, place: str) -> None:
    left = desk.app.settings.home / place / ".writing-8s7df_"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b"half a file")
    assert retention.run(desk.later(19)).total() == 0
    assert retention.run(desk.later(21))["work"] == 1
    assert not left.exists()


@pytest.mark.parametrize("moment", ["seen", "told"])
def test_what_is_gone_when_its_turn_comes_is_nobodys_trouble(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """As where its writer renames it, or another run removes it, between a look and the next."""
    left = [desk.app.settings.home / name for name in (".writing-aaaa1_", ".writing-bbbb2_")]
    desk.app.settings.home.mkdir(exist_ok=True)
    for path in left:
        path.write_bytes(b"half a file")
    later = desk.later(21)
    told_of = type(later.register.retention)
    sound = told_of.left_in_work

    def removed_by_another(register: Any, name: str, *told: Any) -> None:
        sound(register, name, *told)
        left[0].unlink(missing_ok=True)

    if moment == "told":
        monkeypatch.setattr(told_of, "left_in_work", removed_by_another)
    else:
        monkeypatch.setattr(retention, "_half_written", lambda _: [*left, left[0].with_name(".writing-cccc3_")])
    assert retention.run(later)["work"] == (1 if moment == "told" else 2)
    assert not any(path.exists() for path in left)


def test_a_databases_dump_that_a_killed_backup_left_goes_in_its_time(desk: Desk) -> None:
    left = make_folder(desk.app.settings.home / f"{DUMPS}for-backup-aaaa1_") / "register.dump"
    left.write_bytes(b"PGDMP")
    retention.run(desk.app)
    assert left.exists(), "one may be at work"
    assert retention.run(desk.later(21))["work"] == 1
    assert not left.exists()


def test_what_was_touched_a_moment_ago_stays(desk: Desk) -> None:
    """A collector that found the bytes there is about to name them."""
    archive = desk.app.archive
    digest = archive.keep(b"once")
    os.utime(archive.path(digest), (0, 0))
    assert archive.touch(digest)
    assert not archive.destroy(digest, datetime.now(UTC) - timedelta(days=1))
    assert archive.read(digest) == b"once"
    os.utime(archive.path(digest), (0, 0))
    assert archive.destroy(digest, datetime.now(UTC) - timedelta(days=1))
    assert archive.destroy(digest, datetime.now(UTC) - timedelta(days=1)), "gone already"
    assert not archive.has(digest)
    assert not archive.touch(digest)


@pytest.mark.parametrize(("retained", "gone"), [("[retention]\noriginals_days = 5\n", True), ("", False), ("[", False)])
def test_an_agreement_may_say_otherwise(desk: Desk, manifest: RequestManifest, retained: str, gone: bool) -> None:
    profile, folder = PARTNERS[0], desk.app.settings.agreements
    folder.mkdir()
    for name in ("sign", "encrypt"):
        make_certificate(folder, f"{profile.id}.{name}", name)
    sound = agreement_toml(profile, World(folder / "world").sftp(profile.id), datetime.now(UTC).date())
    (folder / f"{profile.id}.toml").write_text(sound + retained, encoding="utf-8")
    batch = desk.closed(manifest.model_copy(update={"partner": profile.id}), "agreed", b"rows")
    retention.run(desk.later(6))
    assert roles(desk, batch) == ({"data"} if gone else set())
    if retained == "[":
        retention.run(desk.later(999))
        assert desk.there(b"rows"), "an agreement that cannot be read may say more"


def test_killed_at_any_moment_and_run_again(
    tmp_path: Path, database: Database, register: Register, due: Due, manifest: RequestManifest
) -> None:
    fatal = itertools.count(1)
    finished = False
    while not finished:
        database.empty()
        place = tmp_path / str(next(fatal))
        desk = Desk(App(settings(place, database), register), due)
        batches = [desk.closed(manifest, name, name.encode()) for name in ("a",)]
        finished = _killed(desk, int(place.name))
        assert retention.run(desk.later(91)).total() >= 0
        for batch in batches:
            assert roles(desk, batch) == {"manifest", "data", "result_data"}, place.name
        assert [*desk.app.archive.files()] == []
        assert [*(desk.app.archive.folder / ".destroying").glob("*")] == []
        told = [step.facts for batch in batches for step in register.steps(batch) if "destroyed" in step.facts]
        assert len(told) == 3, "each destruction is told once"
        register.verify()
    assert int(place.name) > 10


def _killed(desk: Desk, fatal: int) -> bool:
    """Runs the retention in a process of its own that is killed at its n-th side effect; whether it came to its end."""
    child = os.fork()
    if child == 0:
        count = itertools.count(1)

        def tick(*_: Any) -> None:
            if next(count) == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

        engine = desk.register.engine
        engine.dispose(close=False)  # the connections are the parent's; what SQLAlchemy has compiled is kept
        event.listen(engine, "commit", tick)
        sys.addaudithook(lambda name, _: tick() if name in ("os.rename", "os.remove", "os.mkdir") else None)
        retention.run(desk.later(91))
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0
