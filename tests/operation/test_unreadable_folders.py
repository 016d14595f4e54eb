"""A folder that may not be looked into is never taken for an empty one: nobody's agreement ends by that, no export is
*nothing new*, no checkpoint *none*, and no backup goes without it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.files import entries, files_below
from exchange.base.paths import ROOT
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.intake.shifts import arrangements
from exchange.operation import office
from exchange.operation.backup import BackupPaths, _beside
from exchange.operation.finding import Condition
from exchange.operation.health import Health
from exchange.operation.vault import Vault
from exchange.retention import due_exports, unpublished_exports
from exchange.snapshots.build import newest_export
from exchange.status.publish import publish_all
from exchange.watch.configuration import watch_configuration

READERS: Final[dict[str, tuple[Callable[[App], Path], Callable[[App], object]]]] = {
    "agreements": (lambda app: app.settings.agreements, lambda app: app.agreement_files()),
    "a poll": (lambda app: app.settings.agreements, poll),
    "status files": (lambda app: app.settings.agreements, publish_all),
    "what the ledger is told": (lambda app: app.settings.agreements, watch_configuration),
    "a backup's agreements": (lambda app: app.settings.agreements, lambda app: backed_up(app)),
    "a backup's keys": (lambda app: app.settings.keys.signing_key.parent, lambda app: backed_up(app)),
    "the newest export": (
        lambda app: app.settings.exports / "population",
        lambda app: newest_export(app.settings.exports, "population"),
    ),
    "exports past their time": (lambda app: app.settings.exports / "population", due_exports),
    "exports nobody built": (lambda app: app.settings.exports / "population", unpublished_exports),
    "checkpoints": (lambda app: app.checkpoints.folder, lambda app: app.checkpoints.files()),
    "cosigned checkpoints": (lambda app: app.checkpoints.folder / "cosigned", lambda app: app.checkpoints.cosigned()),
    "the archive": (lambda app: app.archive.folder, lambda app: list(app.archive.digests(app.now()))),
    "a part of the archive": (
        lambda app: next(folder for folder in entries(app.archive.folder) if len(folder.name) == 2),
        lambda app: list(app.archive.files()),
    ),
    "snapshots": (
        lambda app: app.settings.snapshots / "population",
        lambda app: app.snapshots.versions("population"),
    ),
}

PASSED_OVER: Final = {
    "base/cache.py": "a cache: what is not found is made anew",
    "intake/owed.py": "hints: the register says what stands still",
    "operation/log_days.py": "what the machine has installed, as this account may see it",
    "operation/machine.py": "what the kernel shows",
    "operation/vault.py": "what is written there fails by itself, and is read back",
    "retention.py": "what was left in work: it stays",
    "snapshots/integrity.py": "notes beside versions, whose folder was read",
    "snapshots/versions.py": "what builds left: it stays",
    "watch/configuration.py": "the software's own tables",
    "operation/restoring.py": "a folder that is being filled",
    "cli/restore.py": "names what was just restored",
}
"""Modules that still look by ``glob``, and why a folder that is passed over does no harm there."""


def backed_up(app: App) -> object:
    vault, paths = Vault(app.settings.home / "nowhere"), BackupPaths(app.settings.agreements.parent / "exchange.toml")
    vault.objects = _Everything()
    return list(_beside(app, vault, paths))


class _Everything(dict[str, Path]):
    """A vault that has all there is."""

    def __contains__(self, _: object) -> bool:
        return True


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """This folder may not be looked into from now on, as for an account without rights."""

    def close(folder: Path, number: int) -> None:
        for name in ("listdir", "scandir"):
            look = getattr(os, name)

            def refused(path: Any = ".", look: Callable[[Any], Any] = look) -> Any:
                if isinstance(path, str | os.PathLike) and Path(path) == folder:
                    raise OSError(number, os.strerror(number), str(path))
                return look(path)

            monkeypatch.setattr(os, name, refused)

    return close


@pytest.mark.parametrize("number", [errno.EACCES, errno.ESTALE, errno.EIO], ids=errno.errorcode.get)
@pytest.mark.parametrize("name", READERS)
def test_whoever_reads_it_calls_a_person(
    app: App,
    court: DemoPartner,
    ask: Callable[..., Request],
    closed: Callable[[Path, int], None],
    name: str,
    number: int,
) -> None:
    court.drop(court.make_set(ask()))
    poll(app)
    place, read = READERS[name]
    folder = place(app)
    folder.mkdir(exist_ok=True)
    closed(folder, number)
    with pytest.raises(Halt, match=os.strerror(number)):
        read(app)


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert entries(tmp_path / "none") == []
    assert files_below(tmp_path / "none") == []


def test_agreements_that_are_gone_are_told_once_there_were_partners(
    app: App, court: DemoPartner, ask: Callable[..., Request], tmp_path: Path
) -> None:
    """As where their disk is not mounted: nobody's folder is looked into, and each minute would end well."""
    court.drop(court.make_set(ask()))
    poll(app)
    empty = App(app.settings.model_copy(update={"agreements": tmp_path}), app.register, app.now)
    (trouble,) = poll(empty).troubles
    assert f"no agreement lies in {tmp_path}" in trouble


def test_health_says_what_it_found_and_the_lookout_leaves_it_to_the_next(
    app: App, closed: Callable[[Path, int], None]
) -> None:
    before = arrangements(app)
    closed(app.settings.agreements, errno.EACCES)
    (checked,) = Health(app, {"certificates": office.certificates}).look()
    assert checked.condition is Condition.FAILING
    assert "Permission denied" in checked.findings[0].en
    assert arrangements(app) != before


def test_nothing_else_looks_into_folders_as_if_one_without_rights_were_empty() -> None:
    package = ROOT / "exchange"
    looking = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if ".glob(" in (text := path.read_text("utf-8")) or ".rglob(" in text
    }
    offline = ("demo/", "docs/", "desk/")
    assert {name for name in looking if not name.startswith(offline)} <= PASSED_OVER.keys()
