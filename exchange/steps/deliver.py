"""Deliver: put the first result into the partner's folder; a batch without open rows is closed with it.

Rules
- Data and signature first, the manifest last, each under its final name at once; whoever sees the manifest sees all.
  The bytes are those that a signed line of the ledger names; a re-run puts the same ones.
- Each file is seen under its final name as it was sent (``wire/transfer.py``) before the register says *delivered*.
- What the guard against fishing holds stays prepared until a leader lets it go (``steps/guarding.py``).
- Of a second look in a person's stead the partner hears nothing yet (``second_look.py``).
- A result that does not lie there any more is put there again when somebody asks for that; the ledger says who did.
- What acknowledges a result before it lies there speaks of nothing, and is removed before the result is put.
"""

from __future__ import annotations

import logging

from exchange.app import App
from exchange.base.errors import Halt
from exchange.register import Attested, FileRecord, ReleaseState, Role, State, numbered
from exchange.steps.pickup import remove_early
from exchange.wire.transport import Folder

log = logging.getLogger(__name__)
_ORDER = (Role.RESULT_DATA, Role.RESULT_SIGNATURE, Role.RESULT)


def deliver(app: App, batch_id: str) -> None:
    """From prepared to delivered, or closed; nothing to do where the batch is further."""
    attested = app.attested(batch_id)
    batch = attested.batch
    if batch.state is State.PREPARED and attested.held:
        log.warning("%s: held for a leader: exchange guard list", batch.id)
        return
    if batch.state is State.PREPARED:
        seen_at = None
        if not attested.opened_here:
            with app.folder(app.agreement(batch.partner)) as folder:
                _put(app, folder, attested, 1)
            seen_at = app.now()
            log.info("%s: the result lies in the partner's folder", batch.id)
        over = app.register.delivered if batch.rows_open else app.register.delivered_and_closed
        over(batch.id, seen_at)
    elif batch.state is State.DELIVERED and batch.rows_open == 0:
        app.register.closed(batch.id)


def put_result(app: App, folder: Folder, attested: Attested, number: int) -> None:
    """Puts the files of the n-th result into the partner's folder; the register is told that they were seen there."""
    _put(app, folder, attested, number)
    app.register.pickups.seen(attested.batch.id, number, app.now())


def _put(app: App, folder: Folder, attested: Attested, number: int) -> None:
    files = _files(attested, number)
    if not folder.is_there(files[-1].name, files[-1].size, files[-1].sha256):  # else a run that was killed has put it
        remove_early(folder, attested.batch.id, number)
    folder.deliver_together([(kept.name, app.archive.verified_path(kept.sha256), kept.sha256) for kept in files])


def redeliver(app: App, batch_id: str) -> list[int]:
    """Puts those delivered results of the batch into the partner's folder again that no longer lie there whole; their
    numbers. Halt where none was delivered yet, or a kept file was destroyed when its time was over.
    """
    attested, again = app.attested(batch_id), []
    with app.folder(app.agreement(attested.batch.partner)) as folder:
        for number in _delivered(attested):
            kept = _files(attested, number)
            if all(folder.is_there(file.name, file.size, file.sha256) for file in kept):
                continue
            touched = {app.archive.touch(file.sha256) for file in kept}  # from here on no night destroys them
            if False in touched or app.register.retention.destroyed(batch_id).keys() & {file.role for file in kept}:
                msg = f"{batch_id}: result {number} is past its time and was destroyed; it cannot be delivered again"
                raise Halt(msg)
            app.register.pickups.put_again(batch_id, number, app.now())
            put_result(app, folder, attested, number)
            again.append(number)
            log.info("%s: result %d was delivered again", batch_id, number)
    return again


def _files(attested: Attested, number: int) -> list[FileRecord]:
    return [attested.file(numbered(role, number)) for role in _ORDER]


def _delivered(attested: Attested) -> list[int]:
    """The numbers of the results that were delivered; Halt where none was."""
    batch_id = attested.batch.id
    if attested.batch.state not in (State.DELIVERED, State.CLOSED):
        msg = f"{batch_id}: no result was delivered yet; exchange batch run {batch_id} takes it further"
        raise Halt(msg)
    releases = [release for release in attested.releases.values() if release.state is ReleaseState.DELIVERED]
    delivered = [release.number for release in releases if release.upheld or not attested.opened_here]
    return [*([] if attested.opened_here else [1]), *[number + 1 for number in sorted(delivered)]]
