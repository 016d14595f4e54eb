"""A backup of everything that an office cannot make again, taken while it works.

Rules
- Order: the ledger's kept checkpoints and the snapshots in use, then the databases, then the archive. Files come into
  the archive before the lines that name them and are never changed, so a later copy of it holds all that the dump
  names, but for what was destroyed in between. Checkpoints are older than the dump: what is restored is one whole.
- Snapshots that came into use meanwhile are copied after the dump: what an open batch of the dump has pinned is in.
- An altered file of the archive is backed up as it is and reported: the rest must be backed up all the same.
- Everything is encrypted to the recovery certificate, also files that are encrypted to somebody already.
- Backups must follow retention: those older than ``keep_days`` go, with what only they held.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from exchange.app import App
from exchange.base.duty import BACKUP, Duties
from exchange.base.errors import Halt
from exchange.base.tables import SOURCES
from exchange.operation.dump import dump
from exchange.operation.vault import Altered, Backup, Entry, Vault
from exchange.settings import named_place
from exchange.settings_sections import BackupSettings

DATABASES: Final = "databases"
ELSEWHERE: Final = "elsewhere"


@dataclass(frozen=True)
class BackupMade:
    """``altered``: files of the archive that are not what their names say."""

    backup: Backup
    pruned: int
    altered: list[str]


def plan_of(app: App) -> BackupSettings:
    """The ``[backup]`` of the settings; Halt where there is none."""
    if app.settings.backup is None:
        msg = "the settings have no [backup]: where to, and for whose recovery key (docs/operations.md)"
        raise Halt(msg)
    return app.settings.backup


def make_backup(app: App, config: Path | None = None) -> BackupMade:
    """Makes and verifies one backup; Retryable or Halt where that fails, and earlier backups stay as they are."""
    plan, settings_file = plan_of(app), (config or named_place()).resolve()
    vault = Vault(plan.to, plan.recovery_certificate)
    with vault.written():
        made = _make(app, plan, vault, settings_file)
    Duties.of_home(app.settings.home).done(BACKUP, f"{len(made.backup.entries)}")
    return made


def _make(app: App, plan: BackupSettings, vault: Vault, settings_file: Path) -> BackupMade:
    begun, paths = app.now(), BackupPaths(settings_file.parent)
    entries = [vault.keep(paths.stored_name(path), path) for path in app.checkpoints.all()]
    entries += _snapshots(app, vault, paths, before := _in_use(app))
    entries += _databases(vault, plan)
    entries += _snapshots(app, vault, paths, _in_use(app) - before)
    archived, altered = _archive(app, vault, paths)
    entries += archived
    entries += [vault.keep(paths.stored_name(path), path) for path in _files(app, plan, settings_file)]
    backup = vault.finish(begun, entries)
    pruned = vault.prune(begun - timedelta(days=plan.keep_days))
    return BackupMade(backup, pruned, altered)


@dataclass(frozen=True)
class BackupPaths:
    """The path by which a backup names a file: from the settings' folder, or from the root as ``elsewhere/…``."""

    base: Path

    def stored_name(self, path: Path) -> str:
        """What the backup calls this file."""
        if path.is_relative_to(self.base):
            return str(path.relative_to(self.base))
        return f"{ELSEWHERE}/{str(path.absolute()).lstrip('/')}"


def _databases(vault: Vault, plan: BackupSettings) -> Iterator[Entry]:
    with tempfile.TemporaryDirectory(dir=plan.to, prefix=".dumping-") as folder:
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


def _snapshots(app: App, vault: Vault, paths: BackupPaths, wanted: Iterable[tuple[str, str]]) -> Iterator[Entry]:
    """The snapshots' files; a version that was pruned meanwhile is left out, as no open batch needs it."""
    for source, version in sorted(wanted):
        with suppress(FileNotFoundError, Halt):
            snapshot = app.snapshots.version(source, version)
            for path in sorted(snapshot.folder.iterdir()):
                yield vault.keep(paths.stored_name(path), path)
            published = app.snapshots.folder / source / "current"
            if (current := app.snapshots.published(source)) is not None and current.name == version:
                yield vault.keep(paths.stored_name(published), published)


def _archive(app: App, vault: Vault, paths: BackupPaths) -> tuple[list[Entry], list[str]]:
    """The archive's files, but for those destroyed meanwhile; and the names of files that were altered."""
    entries, altered = [], []
    for path in sorted(app.archive.folder.glob("??/*")):
        if path.name.startswith("."):
            continue
        with suppress(FileNotFoundError):
            try:
                entries.append(vault.keep(paths.stored_name(path), path, path.name))
            except Altered:
                altered.append(path.name)
                entries.append(vault.keep(paths.stored_name(path), path))
    return entries, altered


def _files(app: App, plan: BackupSettings, settings_file: Path) -> Iterator[Path]:
    """Settings, agreements with their certificates, keys, and what the settings name beside them."""
    settings = app.settings
    yield settings_file
    yield from sorted(path for path in settings.agreements.rglob("*") if path.is_file())
    folders = {path.parent for path in settings.keys.model_dump().values()}
    yield from sorted({path for folder in folders for path in folder.glob("*") if path.is_file()})
    for path in (settings.office_days, *plan.more):
        if path is not None:
            yield path
