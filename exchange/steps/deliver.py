"""Deliver: put the first result into the partner's folder; a batch without open rows is closed with it.

Rules: data and signature first, the manifest last, each under its final name at once; whoever sees the manifest sees
all. The bytes are those that a signed line of the ledger names; a re-run puts the same ones.
"""

from __future__ import annotations

import logging

from exchange.app import App
from exchange.register import Role, State

log = logging.getLogger(__name__)


def deliver(app: App, batch_id: str) -> None:
    """From prepared to delivered, or closed; nothing to do where the batch is further."""
    attested = app.attested(batch_id)
    batch = attested.batch
    if batch.state is State.PREPARED:
        with app.folder(app.agreement(batch.partner)) as folder:
            for role in (Role.RESULT_DATA, Role.RESULT_SIGNATURE, Role.RESULT):
                kept = attested.file(role)
                folder.deliver(kept.name, app.archive.verified_path(kept.sha256))
        app.register.delivered(batch.id)
        log.info("%s: the result lies in the partner's folder", batch.id)
        batch = app.register.batch(batch_id)
    if batch.state is State.DELIVERED and batch.rows_open == 0:
        app.register.closed(batch.id)
