"""Who decides a row that is objected to: an officer other than who decided it before."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.app import App
from exchange.base.errors import Halt
from exchange.steps.answers import BatchContext
from exchange.steps.rows import REFERENCE


def check_other_officer(app: App, batch_id: str, rows: Sequence[int]) -> None:
    """Halt where the officer decided one of the rows that these rows of an objection are about."""
    batch = app.register.batch(batch_id)
    if batch.objects_to is None:
        return
    context = BatchContext.of(app, batch)
    first = context.earlier
    if first is None:
        return
    before = first.rows_of(context.claims(rows)[REFERENCE])
    if app.register.actor in app.register.reviews.decided_by(first.batch.id, before):
        msg = f"{batch_id}: you decided the row that is objected to; another officer must look"
        raise Halt(msg)
