"""A notice (提示): a signed message to a partner that answers no batch: what a set lacks, or a reminder.

Rule: what the register says behind lost commits is told to nobody. A set that came, and that it forgot, has not come to
it: the ledger is held against its kept checkpoints before anything is sent, and its last line kept (``App.attested``).
"""

from __future__ import annotations

from exchange.app import App
from exchange.wire.envelope import sign
from exchange.wire.manifest import SIGNATURE_SUFFIX, Notice, write
from exchange.wire.transport import Folder


def send_notice(app: App, folder: Folder, notice: Notice, name: str) -> None:
    """Puts the notice into the partner's folder under this name."""
    content = write(notice)
    send_signed(app, folder, name, content, sign(content, app.signing))


def send_signed(app: App, folder: Folder, name: str, content: bytes, signature: bytes) -> None:
    """Keeps a message with its signature, and puts both, the signature first; of several who send one under this name
    at once both files are of one of them. Halt where the ledger is not the one whose checkpoints were kept.
    """
    app.keep_checkpoint()
    kept = {name + SIGNATURE_SUFFIX: app.archive.keep(signature), name: app.archive.keep(content)}
    folder.deliver_together([(each, app.archive.verified_path(digest), digest) for each, digest in kept.items()])
