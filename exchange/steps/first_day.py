"""When a set was first received, by our own receipt, where that still lies in the partner's folder.

Rules
- A set that the register does not know may have been received before: after a restore from a backup its lines are
  gone, and the partner sends it again. The day that counts is then the first one (Civil Code, art. 201: the term runs
  from the day of receipt), as long as a receipt with our signature names these very bytes, this batch and its stage.
- A set that the register has as claimed, and whose data file is not at the partner's any more, was fetched where such a
  receipt lies there, and the register has forgotten that: it was put back, or another database took its place. Where
  the receipt names the data file and it is kept here, it is the one; the batch goes on. Where it is not kept here, it
  is not refused, and its first day stands. A person asks for it again.
- The receipt proves itself; where none lies there, or it is another one, the set is received now. Never later than now.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from exchange.app import App
from exchange.base.errors import Halt, Refused
from exchange.register import Batch
from exchange.wire.envelope import verify
from exchange.wire.manifest import SIGNATURE_SUFFIX, Receipt, parse
from exchange.wire.transport import Folder

log = logging.getLogger(__name__)
_MAX_BYTES: Final = 1024 * 1024


def first_received(
    app: App, folder: Folder, batch_id: str, stem: str, manifest_sha256: str, stage: str | None
) -> datetime | None:
    """The moment of receipt in our own receipt for this batch, manifest and stage, never later than now; None where no
    such receipt lies in the partner's folder, or its signature is not ours.
    """
    receipt = _our_receipt(app, folder, batch_id, stem, manifest_sha256, stage)
    if receipt is None:
        return None
    log.warning("batch %s: received before, by our own receipt: its first day of receipt is kept", batch_id)
    return min(receipt.received_at, app.now())


def _our_receipt(
    app: App, folder: Folder, batch_id: str, stem: str, manifest_sha256: str, stage: str | None
) -> Receipt | None:
    name = f"{stem}.receipt.json"
    signature = folder.read_back(name + SIGNATURE_SUFFIX, _MAX_BYTES)
    content = folder.read_back(name, _MAX_BYTES) if signature else None
    if not signature or not content:
        return None
    try:
        verify(content, signature, app.settings.keys.signing_certificate, app.now())
        receipt = parse(Receipt, content)
    except Refused:
        return None
    if (receipt.batch, receipt.stage) != (batch_id, stage) or not _names(receipt, manifest_sha256):
        return None
    return receipt


def _names(receipt: Receipt, digest: str) -> bool:
    return digest in {file.sha256 for file in receipt.files}


def was_received(app: App, folder: Folder, batch: Batch, stem: str, digest: str) -> bool:
    """Whether our own receipt says that this partner sent the file of this hash with this set."""
    receipt = _our_receipt(app, folder, batch.id, stem, batch.manifest_sha256, batch.stage)
    return receipt is not None and _names(receipt, digest)


def check_not_lost(app: App, folder: Folder, batch: Batch, stem: str) -> None:
    """Halt where our own receipt shows that this office has had the whole set, and has lost it."""
    if first_received(app, folder, batch.id, stem, batch.manifest_sha256, batch.stage) is not None:
        msg = f"{batch.id}: taken before and lost here; the partner has to send the same files again, as they were"
        raise Halt(msg)
