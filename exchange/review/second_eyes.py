"""Rows that need a second person: two officers where records are asked about, another for an objection; undo, approve.

Rules
- In a batch that asks about offence records every row in the queue needs two officers (``register/eyes.py``): hits,
  spot checks, and rows that are there for another cause.
- A row that is objected to is decided, and its release approved, by others than those who decided it before; nor do
  these give the objection more time, or those who decided a row of it: each would prolong a doubt about their own word.
- A decision is taken back only by the officer who made it, and only until a leader has approved it: a release that
  still waits is withdrawn, and its other rows are proposed anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from exchange.agreements.sections import LETTER_ITEMS
from exchange.app import App
from exchange.base.errors import Halt
from exchange.register import Batch, Decision, ReleaseState, ReviewState
from exchange.steps.answers import BatchContext
from exchange.steps.rows import REFERENCE

UNDONE: Final = "核实员撤回结论，重新送审 an officer took a decision back; proposed anew"


def needs_two(batch: Batch) -> bool:
    """Whether the batch's rows need two officers."""
    return not LETTER_ITEMS.isdisjoint(batch.items)


def decide(app: App, batch_id: str, decisions: Sequence[Decision]) -> bool:
    """Takes an officer's decisions, all or none; False where another officer must still give a word."""
    batch = app.register.batch(batch_id)
    check_other_officer(app, batch, [decision.row for decision in decisions])
    return app.register.reviews.decide(batch_id, decisions, two=needs_two(batch))


def undo(app: App, batch_id: str, row: int) -> None:
    """Takes back this officer's decision of a row; Halt where it is somebody else's, or was approved."""
    review = app.register.reviews.get(batch_id, row)
    if review.state is ReviewState.LEAVING and review.decided_by == app.register.actor:
        for release in app.register.releases.of(batch_id):
            if release.state is ReleaseState.PROPOSED and row in release.rows:
                app.register.releases.withdraw(batch_id, release.number, UNDONE, unjudged=True)
    app.register.reviews.undo(batch_id, row)


def approve(app: App, batch_id: str, number: int, shown: str) -> None:
    """A leader approves a release (``register/releases.py``); Halt where they decided a row that is objected to."""
    batch, rows = app.register.batch(batch_id), app.register.releases.get(batch_id, number).rows
    if app.register.actor in before(app, batch, rows):
        msg = f"{batch_id}: you decided a row that is objected to; another leader approves"
        raise Halt(msg, zh=f"{batch_id}：您核实过其所对异议的行，须由另一位领导审批")
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
    """Whether this person decided a row that this objection is about."""
    batch, person = app.register.batch(batch_id), app.register.actor
    if batch.objects_to is None or person not in app.register.reviews.deciders(batch.objects_to):
        return False
    return person in before(app, batch, range(1, (batch.rows_in or 0) + 1))


def check_other_officer(app: App, batch: Batch, rows: Sequence[int]) -> None:
    """Halt where the officer decided one of the rows that these rows of an objection are about."""
    if app.register.actor in before(app, batch, rows):
        msg = f"{batch.id}: you decided the row that is objected to; another officer must look"
        raise Halt(msg, zh=f"{batch.id}：您核实过其所对异议的行，须由另一位民警办理")


def before(app: App, batch: Batch, rows: Sequence[int]) -> set[str]:
    """Who decided the rows that these rows of an objection are about, by person id; nobody of another batch."""
    if batch.objects_to is None:
        return set()
    context = BatchContext.of(app, batch)
    first = context.earlier
    if first is None:
        return set()
    rows_before = first.rows_of(context.claims(rows)[REFERENCE])
    return app.register.reviews.deciders(first.batch.id, rows_before)
