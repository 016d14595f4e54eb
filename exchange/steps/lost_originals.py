"""What the register names and the archive has lost, taken back from its partner: after its disk failed and an older
backup took its place, beside a register that is newer.

Rules
- A set that comes again, by its manifest's bytes, may bring its data file back: only the very bytes that the register
  names for this batch, and none that were destroyed because their time was over.
- Until they are kept here again nothing of the set is removed at the partner's: it may be the last copy.
"""

from __future__ import annotations

import logging
from secrets import token_hex
from typing import Final

from exchange.app import App
from exchange.base.files import make_folder
from exchange.register import Attested, Role
from exchange.wire.connection import Unsettled
from exchange.wire.transport import Folder

log = logging.getLogger(__name__)

_NOT_IT: Final = "the data file is not the one that was sent before, which is lost here; the set is left as it lies"


def take_back(app: App, folder: Folder, attested: Attested) -> None:
    """Keeps the batch's data file again where it is lost here and lies in the requests folder; nothing to do where it
    is kept. Unsettled where another one lies there.
    """
    data = attested.files.get(Role.DATA)
    if data is None or app.archive.has(data.sha256):
        return
    batch_id = attested.batch.id
    if Role.DATA in app.register.retention.destroyed(batch_id):
        return
    place = make_folder(app.settings.home / "incoming") / f"{attested.batch.manifest_sha256}.{token_hex(4)}"
    if folder.fetch(data.name, place, limit=data.size, expected_size=data.size) != data.sha256:
        place.unlink()
        msg = f"{batch_id}: {_NOT_IT}"
        raise Unsettled(msg)
    app.archive.keep_file(place, data.sha256)
    log.warning("%s: its data file was lost here; it came again and is kept", batch_id)
