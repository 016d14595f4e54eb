"""A notice (提示): a signed message to a partner that answers no batch: what a set lacks, or a reminder."""

from __future__ import annotations

from exchange.app import App
from exchange.wire.envelope import sign
from exchange.wire.manifest import SIGNATURE_SUFFIX, Notice, write
from exchange.wire.transport import Folder


def send_notice(app: App, folder: Folder, notice: Notice, name: str) -> None:
    """Puts the notice into the partner's folder under this name, its signature first."""
    archive, content = app.archive, write(notice)
    folder.deliver(name + SIGNATURE_SUFFIX, archive.verified_path(archive.keep(sign(content, app.signing))))
    folder.deliver(name, archive.verified_path(archive.keep(content)))
