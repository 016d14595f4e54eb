"""A backup of everything that an office cannot make again, taken while it works.

Rules
- Order: the ledger's kept checkpoints and the snapshots in use, then the databases, then the archive. Files come into
  the archive before the lines that name them and are never changed, so a later copy of it holds all that the dump
  names, but for what was destroyed in between. Checkpoints are older than the dump: what is restored is one whole.
- Snapshots that came into use meanwhile are copied after the dump: what an open batch of the dump has pinned is in.
- Files come and go meanwhile: what was destroyed, pruned, taken away or replaced while it was read is no fault. What
  the settings name by its own name must be there.
- An altered file of the archive is backed up as it is and reported: the rest must be backed up all the same. So it is
  where the archive's disk is not there: a person is called behind it, and it does not count as done.
- Everything is encrypted to the recovery certificate, also files that are encrypted to somebody already. Where backups
  lie nothing is ever plain: a dump lies on the office's own disk meanwhile. What a run that was killed left of one goes
  with the next (``retention.py``: or in its time).
- Backups must follow retention: those older than ``keep_days`` go, with what only they held; also where no new one can
  be made, the newest excepted, and before one is made: else a disk that is full would stay so.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from exchange.app import App
from exchange.base.duty import BACKUP, Duties
from exchange.base.errors import Halt
from exchange.base.files import DUMPS, WRITING, entries, files_below, make_folder
from exchange.base.tables import SOURCES
from exchange.operation.dump import dump
from exchange.operation.vault import Altered, Backup, Entry, Unreadable, Vault
from exchange.settings import named_place
from exchange.settings_sections import BackupSettings
from exchange.snapshots.integrity import Past

_DUMPING: Final = f"{DUMPS}for-backup-"
DATABASES: Final = "databases"
ELSEWHERE: Final = "elsewhere"


@dataclass(frozen=True)
class BackupMade:
    """``altered``: files of the archive that are not what their names say; ``damaged``: the names of backups whose list
    is not whole; ``unread``: files of archive and snapshots that cannot be read, and are not in it; ``ahead``: the
    names of backups of a day to come.
    """

    backup: Backup
    pruned: int
    altered: list[str]
    damaged: list[str]
    unread: list[str] = field(default_factory=list)
    ahead: list[str] = field(default_factory=list)


def plan_of(app: App) -> BackupSettings:
    """The ``[backup]`` of the settings; Halt where there is none."""
    if app.settings.backup is None:
        msg = "the settings have no [backup]: where to, and for whose recovery key (docs/operations.md)"
        raise Halt(msg, zh="设置中没有 [backup]（备份到何处、给谁的恢复证书），见运行手册“备份与恢复”")
    return app.settings.backup


def make_backup(app: App, config: Path | None = None) -> BackupMade:
    """Makes and verifies one backup; Retryable or Halt where that fails, and earlier backups stay as they are, as long
    as their time is not over. Halt, too, once it is made, where it lacks the archive, whose disk is not there.
    """
    plan, settings_file = plan_of(app), (config or named_place()).resolve()
    vault = Vault(plan.to, plan.recovery_certificate)
    with vault.written():
        made = _make(app, plan, vault, settings_file)
    app.check_archive()
    Duties.of_home(app.settings.home).done(BACKUP, f"{len(made.backup.entries)}")
    return made


def _make(app: App, plan: BackupSettings, vault: Vault, settings_file: Path) -> BackupMade:
    begun, paths = app.now(), BackupPaths(settings_file)
    oldest = begun - timedelta(days=plan.keep_days)
    pruned = vault.prune(oldest) if vault.past(oldest) else 0
    entries = [*_there(vault, paths, app.checkpoints.all())]
    entries += _snapshots(app, vault, paths, before := _in_use(app), unread := list[str]())
    entries += _databases(vault, plan, app.settings.home)
    entries += _snapshots(app, vault, paths, _in_use(app) - before, unread)
    archived, altered = _archive(app, vault, paths, unread)
    entries += archived
    entries += _beside(app, vault, paths)
    entries += _named(app, plan, vault, paths)
    backup = vault.finish(begun, entries)
    pruned += vault.prune(oldest)
    return BackupMade(backup, pruned, altered, vault.damaged(), unread, vault.ahead(app.now()))


@dataclass(frozen=True)
class BackupPaths:
    """The path by which a backup names a file: from the settings' folder, or from the root as ``elsewhere/…``."""

    settings_file: Path

    def stored_name(self, path: Path) -> str:
        """What the backup calls this file."""
        if path.is_relative_to(base := self.settings_file.parent):
            return str(path.relative_to(base))
        return f"{ELSEWHERE}/{str(path.absolute()).lstrip('/')}"


def _databases(vault: Vault, plan: BackupSettings, home: Path) -> Iterator[Entry]:
    for left in (path for path in entries(home) if path.name.startswith(_DUMPING)):  # nobody else writes to this vault
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=make_folder(home), prefix=_DUMPING) as folder:
        for name, url in plan.databases.items():
            path = Path(folder, f"{name}.dump")
            dump(url, plan.password_file, path, plan.programs)
            yield vault.keep(f"{DATABASES}/{path.name}", path)


def _in_use(app: App) -> set[tuple[str, str]]:
    """(source, version): pinned by open batches, and those that new batches take."""
    in_use = set(app.register.snapshots.in_use())
    for source in SOURCES:
        if (current := app.snapshots.current(source)) is not None:
            in_use.add((source, current.name))
    return in_use


def _snapshots(
    app: App, vault: Vault, paths: BackupPaths, wanted: Iterable[tuple[str, str]], unread: list[str]
) -> Iterator[Entry]:
    """The snapshots' files; a version that was pruned meanwhile is left out whole, as no open batch needs it: a part of
    one would look altered where it is restored. So is one with a file that cannot be read, which is ``unread``.
    """
    for source, version in sorted(wanted):
        with suppress(FileNotFoundError, Past):
            snapshot = app.snapshots.version(source, version)
            files, before = [], len(unread)
            for path in sorted(snapshot.folder.iterdir()):
                with _left_out(path, unread):
                    files.append(vault.keep(paths.stored_name(path), path))
            if len(unread) > before:
                continue
            yield from files
            published = app.snapshots.folder / source / "current"
            if (current := app.snapshots.published(source)) is not None and current.name == version:
                yield vault.keep(paths.stored_name(published), published)


@contextmanager
def _left_out(path: Path, unread: list[str]) -> Iterator[None]:
    """What cannot be read is named; a disk that begins to fail is no reason to keep nothing of all else."""
    try:
        yield
    except Unreadable:
        unread.append(str(path))


def _archive(app: App, vault: Vault, paths: BackupPaths, unread: list[str]) -> tuple[list[Entry], list[str]]:
    """The archive's files, but for those destroyed meanwhile, and those that are ``unread``; and the names of files
    that were altered.
    """
    entries, altered = [], []
    for path in app.archive.files():
        if path.name.startswith("."):
            continue
        with suppress(FileNotFoundError), _left_out(path, unread):
            try:
                entries.append(vault.keep(paths.stored_name(path), path, path.name))
            except Altered:
                altered.append(path.name)
                entries.append(vault.keep(paths.stored_name(path), path))
    return entries, altered


def _beside(app: App, vault: Vault, paths: BackupPaths) -> Iterator[Entry]:
    """Agreements with their certificates, and keys, as they lie there: what was taken away meanwhile is left out, and
    what somebody has half written.
    """
    agreements = app.settings.agreements
    folders = {path.parent for path in app.settings.keys.model_dump().values()}
    found = {path for folder in folders for path in entries(folder) if path.is_file()} | {*files_below(agreements)}
    yield from _there(vault, paths, sorted(path for path in found if not path.name.startswith(WRITING)))


def _there(vault: Vault, paths: BackupPaths, found: Iterable[Path]) -> Iterator[Entry]:
    """Those of these files that are still there when it is their turn."""
    for path in found:
        with suppress(FileNotFoundError):
            yield vault.keep(paths.stored_name(path), path)


def _named(app: App, plan: BackupSettings, vault: Vault, paths: BackupPaths) -> Iterator[Entry]:
    """The settings and what they name beside; Halt where one of these is not there."""
    for path in (paths.settings_file, app.settings.office_days, *plan.more):
        if path is None:
            continue
        try:
            yield vault.keep(paths.stored_name(path), path)
        except (FileNotFoundError, IsADirectoryError):
            msg = f"{path} is to be in the backup and is no file; put it back, or take it out of the settings"
            raise Halt(msg, zh=f"备份应含的 {path} 不是文件：请放回，或从设置中去掉") from None
