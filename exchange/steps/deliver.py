"""Deliver: put the first result into the partner's folder; a batch without open rows is closed with it.

Rules
- Data and signature first, the manifest last, each under its final name at once; whoever sees the manifest sees all.
  The bytes are those that the register knows; a re-run puts the same ones.
- Each file is seen under its final name as it was sent (``wire/transfer.py``) before the register says *delivered*.
- What the guard against fishing holds stays prepared until a leader lets it go (``steps/guarding.py``).
- A result that does not lie there any more is put there again when somebody asks for that; the ledger says who did.
"""

from __future__ import annotations

import logging

from exchange.app import App
from exchange.base.errors import Halt
from exchange.register import FileRecord, ReleaseState, Role, State, numbered
from exchange.wire.transport import Folder

log = logging.getLogger(__name__)
_ORDER = (Role.RESULT_DATA, Role.RESULT_SIGNATURE, Role.RESULT)


def deliver(app: App, batch_id: str) -> None:
    """From prepared to delivered, or closed; nothing to do where the batch is further."""
    batch = app.register.batch(batch_id)
    if batch.state is State.PREPARED and app.register.guard.is_held(batch.id):
        log.warning("%s: held for a leader: exchange guard list", batch.id)
        return
    if batch.state is State.PREPARED:
        with app.folder(app.agreement(batch.partner)) as folder:
            put_result(app, folder, batch.id, 1)
        app.register.delivered(batch.id)
        log.info("%s: the result lies in the partner's folder", batch.id)
        batch = app.register.batch(batch_id)
    if batch.state is State.DELIVERED and batch.rows_open == 0:
        app.register.closed(batch.id)


def put_result(app: App, folder: Folder, batch_id: str, number: int) -> None:
    """Puts the n-th result's files into the partner's folder, where they are seen afterwards."""
    for kept in _files(app, batch_id, number):
        folder.deliver(kept.name, app.archive.verified_path(kept.sha256))
    app.register.pickups.seen(batch_id, number, app.now())


def redeliver(app: App, batch_id: str) -> list[int]:
    """Puts those of the batch's delivered results into the folder again that do not lie there whole; their numbers.
    Halt where a kept file was destroyed when its time was over.
    """
    batch, again = app.register.batch(batch_id), []
    with app.folder(app.agreement(batch.partner)) as folder:
        for number in _delivered(app, batch_id):
            kept = _files(app, batch_id, number)
            if not folder.gone([file.name for file in kept]):
                continue
            if app.register.retention.destroyed(batch_id).keys() & {file.role for file in kept}:
                msg = f"{batch_id}: result {number} is past its time and was destroyed; it cannot be delivered again"
                raise Halt(msg)
            app.register.pickups.put_again(batch_id, number, app.now())
            put_result(app, folder, batch_id, number)
            again.append(number)
            log.info("%s: result %d was delivered again", batch_id, number)
    return again


def _files(app: App, batch_id: str, number: int) -> list[FileRecord]:
    return [app.register.file(batch_id, numbered(role, number)) for role in _ORDER]


def _delivered(app: App, batch_id: str) -> list[int]:
    """The numbers of the results that were delivered; Halt where none was."""
    if app.register.batch(batch_id).state not in (State.DELIVERED, State.CLOSED):
        msg = f"{batch_id}: no result was delivered yet; exchange batch run {batch_id} takes it further"
        raise Halt(msg)
    releases = app.register.releases.of(batch_id)
    return [1, *[each.number + 1 for each in releases if each.state is ReleaseState.DELIVERED]]
