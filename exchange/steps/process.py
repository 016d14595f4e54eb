"""Process: from the kept original to the signed and encrypted first result, in one go.

Rules: rows that need an officer or the leader's approval do not hold the batch up: they go back *under review*, or
awaiting approval, and into the queue, with them those that are drawn for a spot check (``steps/disclosure.py``); what
comes of them follows in a supplementary result (``steps/release.py``). What was decided before of the same case is
decided as before (``steps/decided_before.py``). Whom the batch asks about is written down with
the result, as keyed hashes (``steps/asked.py``), and the guard has seen it; of a test batch neither. The rows go
through in parts, from the opened request into the envelope (ADR 19). The log says how many rows, not which answers: of
a batch of one row a count is somebody's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice

import polars as pl

from exchange.agreements.sections import LETTER_ITEMS
from exchange.app import App
from exchange.base.tables import PENDING
from exchange.base.timing import stage
from exchange.matching.id_numbers import KEY
from exchange.matching.lookup import SortedTable
from exchange.register import NewReview, State
from exchange.register.guard import Evidence
from exchange.register.told import Told
from exchange.steps.answers import NUMBER, POPULATION, BatchContext, Part, has_code
from exchange.steps.asked import Asked, number_keys
from exchange.steps.candidates import Unqueued, first_unqueued, keep
from exchange.steps.decided_before import Cases, as_before
from exchange.steps.disclosure import SpotCheck, with_spot_checks
from exchange.steps.guarding import Watch
from exchange.steps.prepare import encrypt_data, sign_result
from exchange.steps.queue import new_reviews
from exchange.steps.ranges import merge_ranges, remove
from exchange.steps.request import ROWS_IN_PART

log = logging.getLogger(__name__)

Judge = Callable[[], Evidence]


@dataclass
class _Waiting:
    """Collects, while parts pass through, what the register gets with the first result: open rows, rows for the queue,
    whom the batch asks about, and the guard's evidence.
    """

    context: BatchContext
    asked: Asked
    watch: Watch
    cases: Cases
    rows: int = 0
    open: int = 0
    unqueued: Unqueued = field(default_factory=Unqueued)

    def seen(self, parts: Iterator[Part]) -> Iterator[Part]:
        """The parts, in their order, with spot checks drawn; what is collected of each is complete when it is
        yielded.
        """
        context, app = self.context, self.context.app
        people = context.snapshots.version(POPULATION, context.pins[POPULATION][0]).open("people")
        parts, drawn = _spot_checks(context, parts, people)
        for asked, matched in parts:
            with stage("told"):
                # Of an objection other numbers are asked about than stand in its rows.
                known = {NUMBER: matched[KEY]} if self.asked.earlier is None and KEY in matched.columns else {}
                keys = number_keys(self.asked.claims(asked), context.today, known)
                matched = matched.drop(KEY, strict=False)
            with stage("queue"):
                rows = range(self.rows + 1, self.rows + matched.height + 1)
                answers = with_spot_checks(matched, rows, drawn)
                self.open += int(has_code(answers, PENDING).sum())
                queued = new_reviews(answers, context.agreement, people, app.settings.divisions, self.rows + 1)
                self.cases.add((asked, answers), keys, queued, self.rows + 1)
                self.unqueued += first_unqueued(answers, self.rows + 1)
            with stage("told"):
                self.asked.add(keys, self.rows + 1)
                self.watch.add(asked, answers, keys)
            self.rows += answers.height
            yield asked, answers


def _spot_checks(
    context: BatchContext, parts: Iterator[Part], people: SortedTable
) -> tuple[Iterator[Part], Collection[int]]:
    """The parts, and which of their rows wait for a spot check. Where clean rows leave at once it is drawn over the
    whole batch, whose answers are therefore all made first; where they wait for the leader one row is enough, and a
    whole part always has it.
    """
    if LETTER_ITEMS.isdisjoint(context.manifest.items):
        return parts, ()
    at_once = context.agreement.approved_in_advance(context.manifest.cycle, context.today)
    made = list(parts if at_once else islice(parts, 1))
    answers = pl.concat(answers for _, answers in made)
    drawn = SpotCheck.of(context.app, context.batch, context.manifest.purpose).drawn(
        answers, range(1, answers.height + 1), people
    )
    return chain(made, parts), drawn


def _for_register(waiting: _Waiting) -> tuple[list[NewReview], Told | None, Judge | None]:
    """The rows for the queue; and, None of a test, whom the batch asks about, and who judges it behind the partner's
    lock. Of a large batch all at once, and judged ahead.
    """
    is_large = waiting.rows > ROWS_IN_PART

    def asked() -> tuple[Told, Judge]:
        told = waiting.asked.told()
        return told, waiting.watch.judged_ahead(told) if is_large else partial(waiting.watch.evidence, told)

    is_test = waiting.context.batch.is_test
    with ThreadPoolExecutor(1) as beside:
        begun = beside.submit(asked) if is_large and not is_test else None
        with stage("queue"):
            reviews = as_before(waiting.context, waiting.cases.reviews())
        with stage("register"):
            told, judge = (None, None) if is_test else asked() if begun is None else begun.result()
    return reviews, told, judge


def process(app: App, batch_id: str) -> None:
    """From accepted to prepared; nothing to do where the batch is further."""
    process_ranges(app, batch_id, ())


def process_ranges(app: App, batch_id: str, ranges: Sequence[str]) -> None:
    """As :func:`process`, of a batch that was decided by ranges. ``ranges``: the hashes of their files
    (``steps/ranges.py``).
    """
    attested = app.attested(batch_id)
    batch = attested.batch
    if batch.state is not State.ACCEPTED:
        return
    ring = app.told_keys
    app.register.told.check(ring)
    context = BatchContext.of_attested(app, attested)
    objected = None if context.earlier is None else context.earlier.table
    waiting = _Waiting(context, Asked(ring, objected), Watch(context, ring), Cases(context, ring))
    parts = merge_ranges(context, ranges) if ranges else context.first_parts()
    data = encrypt_data(context, waiting.seen(parts), supplement=0)
    files = sign_result(context, data, supplement=0, rows_open=waiting.open)
    reviews, told, judge = _for_register(waiting)
    with stage("register"):
        stands = app.register.prepared(batch.id, data.counts, files, waiting.open, reviews, told, judge)
        if waiting.open and stands:  # another try's list knows other spot checks than are in the queue
            keep(app, batch, waiting.unqueued)
    remove(app, ranges)
    log.info("%s: %d rows answered and encrypted, %d of them still open", batch.id, waiting.rows, waiting.open)
