"""Rows that need a second person: two officers where records are asked about, another for an objection; undo, approve.

Rules
- In a batch that asks about offence records every row in the queue needs two officers (``register/eyes.py``): hits,
  spot checks, and rows that are there for another cause.
- A row that is objected to, and each objection to it, are decided, and their releases approved, by others than those
  who decided it in another of these batches, whichever was first: a row that an officer still has can be objected to,
  and objected to again. Nor do these give the objection more time, or those who decided a row of it: each would prolong
  a doubt about their own word.
- A decision is taken back only by the officer who made it, and only until a leader has approved it: a release that
  still waits is withdrawn, and its other rows are proposed anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from exchange.agreements.sections import LETTER_ITEMS
from exchange.app import App
from exchange.base.errors import Halt
from exchange.register import Batch, Decision, ReleaseState, ReviewState, Role
from exchange.steps.answers import BatchContext
from exchange.steps.rows import REFERENCE

UNDONE: Final = "民警撤回结论，重新送审 an officer took a decision back; proposed anew"


def needs_two(batch: Batch) -> bool:
    """Whether the batch's rows need two officers."""
    return not LETTER_ITEMS.isdisjoint(batch.items)


def decide(app: App, batch_id: str, decisions: Sequence[Decision]) -> bool:
    """Takes an officer's decisions, all or none; False where another officer must still give a word."""
    return decide_all(app, {batch_id: decisions})[batch_id]


def decide_all(app: App, by_batch: Mapping[str, Sequence[Decision]]) -> dict[str, bool]:
    """As :func:`decide`, of several batches: the decisions of all of them or none; by batch."""
    batches = [app.register.batch(batch_id) for batch_id in by_batch]
    for batch in batches:
        check_other_officer(app, batch, [decision.row for decision in by_batch[batch.id]])
    return app.register.reviews.decide_all(by_batch, {batch.id for batch in batches if needs_two(batch)})


def undo(app: App, batch_id: str, row: int) -> None:
    """Takes back this officer's decision of a row; Halt where it is somebody else's, or was approved."""
    _withdraw(app, batch_id, row)
    try:
        app.register.reviews.undo(batch_id, row)
    except Halt:
        if not _withdraw(app, batch_id, row):  # else it was proposed in between
            raise
        app.register.reviews.undo(batch_id, row)


def _withdraw(app: App, batch_id: str, row: int) -> bool:
    """Withdraws the release in which this officer's decision waits for a leader; whether there is one."""
    review = app.register.reviews.get(batch_id, row)
    if review.state is not ReviewState.LEAVING or review.decided_by != app.register.actor:
        return False
    releases = [each for each in app.register.releases.of(batch_id) if row in each.rows]
    waiting = [each for each in releases if each.state is ReleaseState.PROPOSED]
    for release in waiting:
        app.register.releases.withdraw(batch_id, release.number, UNDONE, unjudged=True)
    return bool(waiting)


def approve(app: App, batch_id: str, number: int, shown: str) -> None:
    """A leader approves a release (``register/releases.py``); Halt where they decided a row of it in another batch."""
    batch, rows = app.register.batch(batch_id), app.register.releases.get(batch_id, number).rows
    if _decided_elsewhere(app, batch, rows):
        msg = f"{batch_id}: you decided a row of it in another batch, by an objection to it; another leader approves"
        raise Halt(msg, zh=f"{batch_id}：您核实过其所对异议的行，或对其中行的异议，须由另一位领导审批")
    app.register.releases.approve(batch_id, number, shown)


def extend(app: App, batch_id: str, reason: str) -> None:
    """A leader gives an objection its longer time, unasked, once (``register/extensions.py``); Halt where they decided
    a row of it or one that it objects to.
    """
    _check_decided_none(app, batch_id)
    app.register.extensions.extend(batch_id, app.office_days, reason)


def approve_extension(app: App, batch_id: str, shown: int) -> None:
    """A leader gives the time that an officer asked for; Halt as of ``extend``, and where the leader asked for it."""
    _check_decided_none(app, batch_id)
    app.register.extensions.approve(batch_id, app.now(), app.office_days, shown)


def _check_decided_none(app: App, batch_id: str) -> None:
    if decided_first(app, batch_id):
        msg = f"{batch_id}: you decided a row that is objected to; another leader gives it more time"
        raise Halt(msg, zh=f"{batch_id}：您核实过其所对异议的行，须由另一位领导延期")


def decided_first(app: App, batch_id: str) -> bool:
    """Whether this person decided, in another batch, a row that this objection is about."""
    batch = app.register.batch(batch_id)
    return batch.objects_to is not None and _decided_elsewhere(app, batch, range(1, (batch.rows_in or 0) + 1))


def check_other_officer(app: App, batch: Batch, rows: Sequence[int]) -> None:
    """Halt where the officer decided one of these rows in another batch: the one that is objected to, or an objection
    to it.
    """
    if _decided_elsewhere(app, batch, rows):
        msg = f"{batch.id}: you decided the row in another batch, by an objection to it; another officer must look"
        raise Halt(msg, zh=f"{batch.id}：您核实过其所对异议的行，或对此行的异议，须由另一位民警办理")


def _decided_elsewhere(app: App, batch: Batch, rows: Sequence[int]) -> bool:
    """Whether this person is among :func:`before`; rows are read only of batches in which they decided something."""
    return app.register.actor in before(app, batch, rows, only=app.register.actor)


def before(app: App, batch: Batch, rows: Sequence[int], only: str | None = None) -> set[str]:
    """Who decided these rows in another batch, by person id: in the one that is objected to, and in objections to it.
    Of a batch to which nobody objects nobody. ``only``: this person alone is asked about.
    """
    deciders = {}
    for other in _same(app, batch):
        by = app.register.reviews.deciders(other.id)
        if by and only in (None, *by):
            deciders[other] = by
    if not deciders:
        return set()
    references = BatchContext.of(app, batch).claims(rows)[REFERENCE]
    return set().union(*(_deciders_of(app, other, references, by) for other, by in deciders.items()))


def _same(app: App, batch: Batch) -> list[Batch]:
    """The other batches that are about rows of the same one: it, and the objections to it."""
    first = batch if batch.objects_to is None else app.register.batch(batch.objects_to)
    return [other for other in (first, *app.register.objections_to(first)) if other.id != batch.id]


def _deciders_of(app: App, batch: Batch, references: pl.Series, all_of_it: set[str]) -> set[str]:
    """Who decided the rows with these references (String). ``all_of_it``: who decided any row of the batch; all of them
    where its data is past its time and was destroyed.
    """
    if Role.DATA in app.register.retention.destroyed(batch.id):
        return all_of_it
    context = BatchContext.of(app, batch)
    rows = context.rows_of(references, shared=batch.objects_to is not None)
    return app.register.reviews.deciders(batch.id, rows)
