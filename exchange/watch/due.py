"""Due days of open batches, counted again: a calendar that became known, an office day that was added.

Rules
- Every open batch is counted again, provisional or not: a notice can also change a day that looked certain. One is
  locked, and held against the ledger, where its day is another one than it was.
- A due day that changed is registered, and the partner gets another signed receipt; so does it when the clock was
  stopped or started, or an objection got more time. What the last receipt says decides, so that a run that was killed,
  or that did not take place for days, is made up for by the next.
- A partner whose server or agreement is in trouble does not hold up the others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from exchange.app import App
from exchange.base.errors import ExchangeError
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
        if is_as_counted(batch, stops, app.office_days):
            continue
        if app.register.clock.recompute(batch.id, app.office_days):
            recount.changed.append(batch.id)
            log.info("%s: its due day is another one now", batch.id)
    receipts = files_of_open(app.register.engine, (Role.RECEIPT, Role.RECEIPT_SIGNATURE))
    accepted = (batch for batch, _ in app.register.clock.open_batches() if batch.state is not State.CLAIMED)
    waiting = [batch for batch in accepted if needs_another(app, batch, receipts.get(batch.id, {}))]
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
