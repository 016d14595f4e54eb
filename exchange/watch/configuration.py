"""Tell the ledger what the answers are decided by: settings, agreements, certificates, tables of rules.

Rules
- Files are compared by content, not by time: a file that was only touched has not changed.
- A file that cannot be read is left to the step that needs it; it is not reported as gone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from exchange.app import App
from exchange.base.files import files_below
from exchange.base.paths import EXPECTATIONS, SCHEMAS

log = logging.getLogger(__name__)
_AGREED: Final = (".toml", ".pem")


def watch_configuration(app: App) -> list[str]:
    """The names of what is new, changed or gone since the ledger was last told."""

    def look(known: Mapping[str, str]) -> dict[str, str]:
        hashes = {"settings": sha256(app.settings.model_dump_json().encode()).hexdigest()}
        for name, path in _files(app):
            if (digest := _digest(path, known.get(name))) is not None:
                hashes[name] = digest
        return hashes

    changed = app.register.configuration.record(look, app.now)
    if changed:
        log.info("told to the ledger as new, changed or gone: %s", ", ".join(changed))
    return changed


def _files(app: App) -> Iterator[tuple[str, Path]]:
    keys, days = app.settings.keys, app.settings.office_days
    for path in files_below(app.settings.agreements):
        if path.suffix in _AGREED:
            yield f"agreements/{path.relative_to(app.settings.agreements)}", path
    for path in (keys.signing_certificate, keys.decryption_certificate, keys.register_public):
        yield f"keys/{path.name}", path
    if days is not None:
        yield "office_days", days
    for folder in (SCHEMAS, EXPECTATIONS):
        for path in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
            yield f"{folder.name}/{path.relative_to(folder)}", path


def _digest(path: Path, known: str | None) -> str | None:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None
    except OSError:
        return known
