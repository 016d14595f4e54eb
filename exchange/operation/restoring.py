"""Brings an office back from a backup: first its files, then its databases.

Rules
- Nothing that is there is replaced: files go into an empty folder, databases only where no batch is in the register. A
  folder in which nothing else lies than what this backup put there was cut off, and goes on.
- Everything is held against its hashes before and after it is opened.
- The newest backup is taken where nobody names one, unless one is of a day to come: by its name nobody knows which is.
- What was ``elsewhere`` comes below a folder of that name, for a person to put in its place.
- The register comes last of the databases: where it has batches, all are there; where a run was killed before, the next
  one does all again.
- A database's dump is opened on the office's own disk, never in ``/tmp``, which others share and which may be memory.
  One run at a time; the plain dumps that a killed one left go first, or in their time (``retention.py``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import inspect, text

from exchange.base.errors import Halt, Retryable
from exchange.base.files import DUMPS, locked, make_folder, sha256_of
from exchange.operation.backup import DATABASES
from exchange.operation.dump import restore
from exchange.operation.vault import RESTORING, Backup, Entry, Vault
from exchange.register.database import open_engine, reaching
from exchange.settings_sections import BackupSettings
from exchange.wire.envelope import KeyPair

REGISTER: Final = "register"
TO_RESTORE: Final = f"{DUMPS}to-restore"
"""Where in the office's home the dumps are opened; the night removes what lies there too long."""


def chosen(vault: Vault, name: str | None) -> Backup:
    """The backup of this name, or the newest, whatever became of older ones; Halt where there is none, its list is not
    whole, or one is of a day to come: that an older one is taken instead, and which is the newest where this clock or
    one of before is wrong, a person says.
    """
    if name is None and (ahead := vault.ahead(datetime.now(UTC))):
        msg = (
            f"backup {ahead[-1]} is of a day to come: by a clock that ran ahead, or this one is behind; look which is "
            "the newest (`exchange backup list`) and name it: --name"
        )
        raise Halt(msg, zh=f"备份 {ahead[-1]} 的时间在将来（当时或本机的时钟有误）：查明哪份最新，用 --name 指定")
    names = vault.names() if name is None else [name]
    if not names:
        msg = f"no whole backup lies in {vault.folder}"
        raise Halt(msg, zh=f"{vault.folder} 中没有完整的备份：请核对目录、挂载")
    return vault.backup(names[-1])


def restore_files(vault: Vault, backup: Backup, folder: Path, key: KeyPair) -> int:
    """Everything but the databases, below this folder, which must be empty or hold a part of this backup; how many."""
    make_folder(folder)
    wanted = [entry for path, entry in backup.entries.items() if not path.startswith(f"{DATABASES}/")]
    paths = [(folder / entry.path).resolve() for entry in wanted]
    for entry, target in zip(wanted, paths, strict=True):
        if not target.is_relative_to(folder.resolve()):
            msg = f"{entry.path}: a backup's files lie below its folder"
            raise Halt(msg, zh=f"{entry.path}：备份清单中的文件不在其目录之下，不予恢复")
    there = _there_already(folder, dict(zip(paths, wanted, strict=True)))
    left = [(entry, target) for entry, target in zip(wanted, paths, strict=True) if target not in there]
    pool = ThreadPoolExecutor(os.cpu_count())  # a file costs a start of openssl: as many at once as there are cores
    try:
        for _ in pool.map(lambda each: vault.open(each[0], each[1], key), left):
            pass
    finally:
        pool.shutdown(cancel_futures=True)
    return len(wanted)


def _there_already(folder: Path, wanted: Mapping[Path, Entry]) -> set[Path]:
    """What a run that was cut off has put there, without what it was writing; Halt where anything else lies there."""
    there = set()
    for path in sorted(path for path in folder.resolve().rglob("*") if not path.is_dir() or path.is_symlink()):
        if path.name.startswith(RESTORING) and path.with_name(path.name.removeprefix(RESTORING)) in wanted:
            path.unlink()
            continue
        if path.is_symlink() or path not in wanted or sha256_of(path) != wanted[path].sha256:
            msg = f"{folder} is not empty: {path} is not of this backup; name an empty folder"
            raise Halt(msg, zh=f"{folder} 不是空目录，{path} 不属于这份备份：请另指定空目录")
        there.add(path)
    return there


def restore_databases(vault: Vault, backup: Backup, plan: BackupSettings, key: KeyPair, home: Path) -> list[str]:
    """The databases that the backup and these settings have; their names, the register's last. Halt where the register
    has batches, Retryable while another run is at it.
    """
    names = [name for name in plan.databases if f"{DATABASES}/{name}.dump" in backup.entries]
    names.sort(key=lambda name: name == REGISTER)
    with _opened_in(home) as folder:
        if REGISTER in names:
            _check_empty(plan)
        for name in names:
            path = folder / f"{name}.dump"
            vault.open(backup.entries[f"{DATABASES}/{name}.dump"], path, key)
            restore(path, plan.databases[name], plan.password_file, plan.programs)
    return names


@contextmanager
def _opened_in(home: Path) -> Iterator[Path]:
    """A folder for dumps, which is empty at first and in the end, and nobody else's meanwhile."""
    folder = make_folder(home / TO_RESTORE)
    try:
        with locked(folder, wait=False):
            _empty(folder)
            try:
                yield folder
            finally:
                _empty(folder)
    except BlockingIOError:
        msg = f"another restore of databases is under way in {home}"
        raise Retryable(msg, zh="另一个恢复数据库的命令正在进行") from None


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        left.unlink()


def _check_empty(plan: BackupSettings) -> None:
    engine = open_engine(plan.databases[REGISTER], plan.password_file)
    try:
        with reaching(engine), engine.connect() as connection:
            if not inspect(connection).has_table("batch"):
                return
            batches = connection.execute(text("SELECT count(*) FROM batch")).scalar_one()
    finally:
        engine.dispose()
    if batches:
        msg = (
            f"the register there has {batches} batches; nothing is restored over them. It is restored last: "
            "where a restore was cut off and these are its batches, the other databases are there, too"
        )
        zh = f"登记库中已有 {batches} 批，不予覆盖。登记库最后恢复：如是中断的恢复所留，各库均已恢复。"
        raise Halt(msg, zh=zh)
