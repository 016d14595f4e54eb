"""A notice (提示): signed, to a partner, about something of which no batch came."""

from __future__ import annotations

from exchange.envelope import sign
from exchange.manifest import SIGNATURE_SUFFIX, Notice, write
from exchange.office import Office
from exchange.transport import Folder


def send_notice(office: Office, folder: Folder, notice: Notice, name: str) -> None:
    """Puts the notice into the partner's folder under this name, its signature first."""
    archive, content = office.archive, write(notice)
    folder.deliver(name + SIGNATURE_SUFFIX, archive.path(archive.keep(sign(content, office.signing))))
    folder.deliver(name, archive.path(archive.keep(content)))
