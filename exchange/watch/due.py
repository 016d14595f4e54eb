"""Due days of open batches, counted again: a calendar that became known, an office day that was added.

Rules
- Every open batch is counted again, provisional or not: a notice can also change a day that looked certain. One is
  locked, and held against the ledger, where its day is another one than it was.
- A due day that changed is registered, and the partner gets another signed receipt; so does it when the clock was
  stopped or started, or an objection got more time. What the last receipt says decides, so that a run that was killed,
  or that did not take place for days, is made up for by the next.
- A partner whose server or agreement is in trouble does not hold up the others; nor does a batch of which something
  that is kept was lost or altered.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby

from exchange.app import App
from exchange.base.errors import ExchangeError, Halt, without_values
from exchange.register import Batch, Role, State
from exchange.register.clock import is_as_counted
from exchange.register.files import files_of_open
from exchange.steps.receipt import needs_another, send_another

log = logging.getLogger(__name__)


@dataclass
class Recount:
    """``changed``: batches whose due day is another one now; ``informed``: those whose partner got another receipt."""

    changed: list[str] = field(default_factory=list)
    informed: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def recompute(app: App) -> Recount:
    """Counts every open batch's due day again and tells the partners what changed."""
    recount = Recount()
    for batch, stops in app.register.clock.open_batches():
        with _apart(recount, batch):
            if not is_as_counted(batch, stops, app.office_days) and app.register.clock.recompute(
                batch.id, app.office_days
            ):
                recount.changed.append(batch.id)
                log.info("%s: its due day is another one now", batch.id)
    receipts = files_of_open(app.register.engine, (Role.RECEIPT, Role.RECEIPT_SIGNATURE))
    waiting = []
    for batch, _ in app.register.clock.open_batches():
        with _apart(recount, batch):
            if batch.state is not State.CLAIMED and needs_another(app, batch, receipts.get(batch.id, {})):
                waiting.append(batch)
    waiting.sort(key=lambda batch: batch.partner)
    for partner, batches in groupby(waiting, key=lambda batch: batch.partner):
        try:
            _tell(app, partner, batches, recount)
        except ExchangeError as error:
            log.error("partner %s: %s: %s", partner, type(error).__name__, error)
            recount.troubles.append(f"{partner}: {error}")
    return recount


def _tell(app: App, partner: str, batches: Iterable[Batch], recount: Recount) -> None:
    with app.folder(app.agreement(partner)) as folder:
        for batch in batches:
            number = send_another(app, batch, folder)
            recount.informed.append(batch.id)
            log.info("%s: the partner has receipt %d", batch.id, number)


@contextmanager
def _apart(recount: Recount, batch: Batch) -> Iterator[None]:
    """A batch that a person must look at is named, and the others go on; what passes by itself is not caught."""
    try:
        with without_values():
            yield
    except Halt as error:
        log.error("%s: %s", batch.id, error)
        recount.troubles.append(f"{batch.id}: {error}")
