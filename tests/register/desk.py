"""An office with an archive and a register, for tests of what is kept and destroyed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.app import App
from exchange.base.files import sha256
from exchange.calendar.working_days import Due
from exchange.register import FileRecord, Register, Role
from exchange.settings import Settings
from exchange.settings_sections import Keys, RegisterSettings, RetentionDays
from exchange.wire.manifest import RequestManifest

if TYPE_CHECKING:
    from .conftest import Database

DAYS = RetentionDays.model_construct(  # shorter than the law lets settings be, so that the tests read easily
    originals_days=30, results_days=60, records_days=90, work_days=20
)
NOWHERE = Path("/nowhere")


@dataclass
class Desk:
    """An office with an archive and a register, and no servers."""

    app: App
    due: Due

    @property
    def register(self) -> Register:
        return self.app.register

    def later(self, days: int) -> App:
        moment = datetime.now(UTC) + timedelta(days=days)
        return App(self.app.settings, self.app.register, lambda: moment)

    def there(self, content: bytes) -> bool:
        return self.app.archive.path(sha256(content)).exists()

    def batch(self, manifest: RequestManifest, name: str, data: bytes, *, objects_to: str | None = None) -> str:
        """A claimed batch with these data; ``close`` ends it."""
        batch = f"{manifest.partner}.{name}"
        record, register = self._record, self.register
        register.claim(batch, manifest.partner, sha256(batch.encode()), [record("manifest", batch.encode())], self._now)
        changed = {"batch": batch, "objects_to": objects_to, "cycle": "objection" if objects_to else "monthly"}
        register.accept(batch, manifest.model_copy(update=changed), self.due)
        file = record(Role.DATA, data)
        register.record_file(batch, file.role, file.name, file.sha256, file.size)
        return batch

    def close(self, batch: str) -> None:
        result = self._record(Role.RESULT_DATA, f"result of {batch}".encode())
        self.register.prepared(batch, {"identity": {"consistent": 1}}, [result])
        self.register.delivered(batch)
        self.register.closed(batch)

    def closed(self, manifest: RequestManifest, name: str, data: bytes) -> str:
        batch = self.batch(manifest, name, data)
        self.close(batch)
        return batch

    def _record(self, role: str, content: bytes) -> FileRecord:
        return FileRecord(role, f"{role}.file", self.app.archive.keep(content), len(content))

    @property
    def _now(self) -> datetime:
        return datetime.now(UTC)


def settings(folder: Path, database: Database) -> Settings:
    return Settings.model_construct(
        office="某厅",
        home=folder / "home",
        agreements=folder / "agreements",
        exports=NOWHERE,
        keys=Keys(**dict.fromkeys(Keys.model_fields, NOWHERE)),
        register_=RegisterSettings(url=database.server.work_url(), password_file=database.server.password_file),
        retention=DAYS,
    )


def roles(desk: Desk, batch: str) -> set[str]:
    return set(desk.register.retention.destroyed(batch))
