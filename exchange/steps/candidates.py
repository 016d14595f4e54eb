"""Which open rows of a delivered batch can leave now, by the register and by what the first result left open.

Rules
- No row is decided to find out that none can leave: counts first, then numbers of rows.
- What speaks of offence records leaves together: while a source is not ready, or an officer has a hit or a spot check
  of the batch, or a row whose records wait beside another item, no row that waits for the leader leaves, and no decided
  row of those; not on the due day either. A row that stays behind for another item would else be known to be no hit.
- Rows with an officer stand in the register's queue. Those that wait for the leader or a source alone are listed when
  the first result is made; the list lies in the cache, and is worked out anew where it was lost.
- Once all sources are fresh, rows that waited for one are matched again (second pass); those that an officer must look
  at then are put into the queue. Rows that an officer has already cannot be decided before (``review/decisions.py``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import polars as pl

from exchange.agreements.sections import LETTER_ITEMS
from exchange.app import App
from exchange.base.tables import ITEMS, PENDING
from exchange.calendar.working_days import office_day
from exchange.matching.decide import CAUSES_COLUMN
from exchange.register import Batch, ReleaseState, Review, ReviewFilter, ReviewState
from exchange.register.snapshot_uses import Pins
from exchange.register.waiting import OpenRows
from exchange.steps.answers import (
    POPULATION,
    WAITING,
    BatchContext,
    fresh_sources,
    has_code,
    have_codes,
    lacked_sources,
    second_pass,
)
from exchange.steps.disclosure import AWAITING, RECORD_CAUSES, SpotCheck, with_spot_checks
from exchange.steps.queue import new_reviews

_HELD = frozenset(ReleaseState) - {ReleaseState.REOPENED}
_IN_BLOCKS = 4096
"""Bytes: the numbers of some 600 rows."""


@dataclass(frozen=True)
class Unqueued:
    """The numbers, ascending, of rows that the first result left open and that are in no officer's queue. ``approval``:
    they wait for the leader alone; ``source``: for a source that was not ready; ``ready``: the second pass answered
    them.
    """

    approval: tuple[int, ...] = ()
    source: tuple[int, ...] = ()
    ready: tuple[int, ...] = ()

    @classmethod
    def of(cls, answers: pl.DataFrame, rows: Sequence[int]) -> Unqueued:
        """``answers`` as ``matching.decide`` gives them, ``rows`` their numbers; ``ready`` is every answered row."""
        ready = ~has_code(answers, PENDING) & (answers[CAUSES_COLUMN] == "")
        return replace(cls.open_of(answers, rows), ready=_numbers(ready, rows))

    @classmethod
    def open_of(cls, answers: pl.DataFrame, rows: Sequence[int]) -> Unqueued:
        """As :meth:`of`, without ``ready``, which in a first result are nearly all rows."""
        unqueued = answers[CAUSES_COLUMN] == ""
        waiting, awaiting = have_codes(answers, (WAITING,), (AWAITING,))
        source = waiting & unqueued
        approval = awaiting & unqueued & ~source
        return cls(_numbers(approval, rows), _numbers(source, rows))

    def __add__(self, other: Unqueued) -> Unqueued:
        return Unqueued(self.approval + other.approval, self.source + other.source, self.ready + other.ready)


def _numbers(marked: pl.Series, rows: Sequence[int]) -> tuple[int, ...]:
    return tuple(rows[position] for position in marked.arg_true())


def first_unqueued(answers: pl.DataFrame, first: int = 1) -> Unqueued:
    """What the first result left open: of its answers, or of a part of them whose first row has the number
    ``first``.
    """
    return Unqueued.open_of(answers, range(first, first + answers.height))


def keep(app: App, batch: Batch, unqueued: Unqueued, *, later: bool = False) -> None:
    """Keeps the list in the cache. ``later``: the one after the second pass. The size of what is kept does not tell of
    a small set how many rows are with an officer.
    """
    written = json.dumps(asdict(unqueued)).encode()
    app.cache.write(_name(batch, later=later), [written.ljust(-(-len(written) // _IN_BLOCKS) * _IN_BLOCKS)])


def _kept(app: App, batch: Batch, *, later: bool) -> Unqueued | None:
    parts = app.cache.read(_name(batch, later=later), [0])
    return None if parts is None else Unqueued(**{name: tuple(rows) for name, rows in json.loads(parts[0]).items()})


def _name(batch: Batch, *, later: bool) -> str:
    return f"{batch.manifest_sha256}.{'open-later' if later else 'open'}"


def is_due(app: App, batch: Batch) -> bool:
    """Whether decided rows leave without waiting for the others: from the due day on, while the clock runs."""
    return not batch.clock_stands and batch.due_on is not None and batch.due_on <= office_day(app.now())


def may_leave(app: App, batch: Batch, rows: OpenRows, pins: Pins) -> bool:
    """A cheap test by counts alone, which asks the register nothing: False only where certainly no row can leave.
    ``pins``: of its first pass.
    """
    if not rows.asked_again and lacked_sources(batch, pins) and fresh_sources(app, batch) is not None:
        return True
    hurried = is_due(app, batch) or not rows.in_queue
    if rows.decided and hurried:
        return True
    if not rows.rest:
        return False
    unqueued = _kept(app, batch, later=rows.asked_again)
    if unqueued is None:
        return True
    waits = len(unqueued.source) + (0 if hurried else len(unqueued.ready))
    return rows.rest > waits


def leaving(context: BatchContext) -> list[int]:
    """The numbers of the rows that can leave together now, ascending; empty where none can."""
    app, batch = context.app, context.batch
    held = {row for release in app.register.releases.of(batch.id) if release.state in _HELD for row in release.rows}
    unqueued = _unqueued(context)
    with_officer = app.register.reviews.find(ReviewFilter(batch=batch.id))
    decided = app.register.reviews.find(ReviewFilter(batch=batch.id, state=ReviewState.DECIDED))
    for_leader = set(unqueued.approval) - held
    if unqueued.source or any(_in_company(context, review) for review in with_officer):
        for_leader, decided = set(), [review for review in decided if not _in_company(context, review)]
    rows = for_leader | ({review.row for review in decided} | set(unqueued.ready)) - held
    return sorted(rows) if for_leader or not with_officer or is_due(app, batch) else []


def _of_records(review: Review) -> bool:
    """Whether an officer has the row for offence records or a spot check, so that its time of leaving would tell."""
    return not set(RECORD_CAUSES).isdisjoint(review.causes)


def _in_company(context: BatchContext, review: Review) -> bool:
    """Whether the row's records wait for the leader as those of its neighbours do: also of a row that an officer has
    for another item, for of such rows only the hits would hold back their neighbours, or stay behind.
    """
    asked = not LETTER_ITEMS.isdisjoint(context.manifest.items)
    approved = context.agreement.approved_in_advance(context.manifest.cycle, context.today)
    for_an_item = not set(ITEMS).isdisjoint(review.causes)
    return _of_records(review) or (asked and not approved and for_an_item)


def _unqueued(context: BatchContext) -> Unqueued:
    """The list as it stands; makes the second pass where all sources are fresh by now."""
    app, batch = context.app, context.batch
    first = _kept(app, batch, later=False)
    if first is None:
        first = first_unqueued(context.first_matched())
        keep(app, batch, first)
    if not context.later_pins and not (context.lacks_sources and second_pass(context)):
        return first
    return _kept(app, batch, later=True) or _asked_again(context, first)


def _asked_again(context: BatchContext, first: Unqueued) -> Unqueued:
    """The list after the second pass over the rows that waited for a source; what officers must look at of them is put
    into the queue first.
    """
    app, rows = context.app, first.source
    if not rows:  # all rows that waited are in an officer's queue
        keep(app, context.batch, first, later=True)
        return first
    answers = context.matched(rows)
    people = context.snapshots.version(POPULATION, context.pins[POPULATION][0]).open("people")
    check = SpotCheck.of(app, context.batch, context.manifest.purpose)
    answers = with_spot_checks(answers, rows, check.drawn(answers, rows, people))
    reviews = new_reviews(answers, context.agreement, people, app.settings.divisions, 0)
    app.register.reviews.add(context.batch.id, [replace(review, row=rows[review.row]) for review in reviews])
    later = Unqueued(approval=first.approval) + Unqueued.of(answers, rows)
    keep(app, context.batch, later, later=True)
    return later
