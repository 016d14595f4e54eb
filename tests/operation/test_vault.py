"""The vault: what is kept comes back, encrypted to the recovery key alone; what is damaged is named."""

from __future__ import annotations

import gzip
import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exchange.base.errors import Halt, Retryable
from exchange.base.files import sha256, sha256_of
from exchange.operation import vault as vault_module
from exchange.operation.restoring import chosen, restore_files
from exchange.operation.vault import DUMPING, Altered, Entry, Vault
from exchange.wire.envelope import load_key_pair

from .conftest import Run

DAY = datetime(2026, 11, 27, tzinfo=UTC)


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


def test_wherever_a_backup_is_killed_the_next_one_leaves_nothing_of_it_and_each_that_counts_is_whole(
    tmp_path: Path, recovery: Path
) -> None:
    """By SIGKILL at each of its side effects: an object, the list, what is pruned."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "old").write_bytes(b"old")
    program, folder = Path(__file__).with_name("killed_vault.py"), tmp_path / "vault"
    command = [sys.executable, str(program), str(folder), str(recovery / "recovery.pem"), str(source)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["killed"] > 20
    assert told["wrong"] == []


def test_what_a_killed_backup_dumped_goes_with_the_next(vault: Vault) -> None:
    """As earlier versions left it: the register as it is, not encrypted yet."""
    left = vault.folder / f"{DUMPING}left" / "register.dump"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"plain")
    with vault.written():
        assert not left.parent.exists()


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


def test_a_backup_of_a_day_to_come_is_not_taken_for_the_newest(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that once ran ahead: for years it would have been what comes back, without a word."""
    now = datetime.now(UTC)
    kept(vault, tmp_path, {"a": b"ahead"}, now + timedelta(days=900))
    kept(vault, tmp_path, {"a": b"right"}, now)
    ahead = vault.names()[-1]
    with pytest.raises(Halt, match=f"{ahead} is of a day to come") as caught:
        chosen(vault, None)
    assert "--name" in caught.value.zh
    assert chosen(vault, ahead).entries["a"].sha256 == sha256(b"ahead")
    assert vault.ahead(now) == [ahead]
    (vault.folder / "backups" / f"{ahead}.json.gz").unlink()
    assert chosen(vault, None).entries["a"].sha256 == sha256(b"right")
