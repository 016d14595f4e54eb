"""A row that an officer decided comes back only when the register's facts about it have changed.

Rules
- A *case* is all that the decision rested on: partner, purpose, items, the office, why the row is here, which columns
  are to be decided, the claim but for its reference, and all that the population register holds of everybody whose
  number is claimed, now or before. Beside the row in the queue lies a keyed hash of it.
- A row of the same case is decided as the last one was that left, in the name of who decided that, where it did within
  ``remember_decisions_days``. It leaves as any decided row does, and can be taken back until then.
- Never where offence records are asked about, where rows are counted over the whole request, or where another source
  has a say; never for objections and tests. A decision is no longer followed once somebody objected to it, in whichever
  batch, nor while an officer has the case again: taken back, returned by the leader, or decided otherwise and not sent.
- Hashes are of the key's newest generation: after a new one no earlier decision is found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import chain
from typing import Final

import numpy as np
import polars as pl

from exchange.agreements.sections import LETTER_ITEMS
from exchange.base.keyed import KeyRing
from exchange.base.tables import PENDING
from exchange.matching import unregistered
from exchange.matching.identity import Population
from exchange.matching.items import RULES
from exchange.register import NewReview
from exchange.steps.answers import POPULATION, BatchContext, Part, answer_columns
from exchange.steps.asked import NumberKeys
from exchange.steps.rows import REFERENCE

_MANY: Final = 20_000
"""Queued rows whose cases are hashed at once."""


def is_remembered(context: BatchContext) -> bool:
    """Whether the decisions of this batch's rows hold for the same cases of later ones."""
    items, manifest = context.manifest.items, context.manifest
    asks_more = any(RULES[item].needs for item in items if item in RULES)
    apart = context.batch.is_test or manifest.objects_to is not None
    counted = unregistered.CODE in items
    return not (apart or asks_more or counted) and LETTER_ITEMS.isdisjoint(items)


@dataclass(frozen=True)
class _Held:
    """Rows of the queue out of one part: n of each, in the same order."""

    reviews: Sequence[NewReview]
    keys: NumberKeys
    claims: pl.DataFrame
    codes: pl.DataFrame


@dataclass
class Cases:
    """Collects a batch's rows for the queue, and hashes their cases, for many rows at once: for those of one part alone
    it would cost as much, and three times that while the matching's threads are at work.
    """

    context: BatchContext
    ring: KeyRing
    _held: list[_Held] = field(default_factory=list)
    _known: list[NewReview] = field(default_factory=list)

    def add(self, part: Part, keys: NumberKeys, reviews: Sequence[NewReview], first: int) -> None:
        """Adds the queued rows of one part. ``part``: its claims and answers; ``keys``: of its claims; ``first``: the
        number in the batch of its first row.
        """
        if not reviews or not is_remembered(self.context):
            self._known += reviews
            return
        (claims, answers), positions = part, [review.row - first for review in reviews]
        codes = answers[positions].select(answer_columns(answers))
        read = {column: numbers[positions] for column, numbers in keys.items()}
        self._held.append(_Held(reviews, read, claims[positions].drop(REFERENCE), codes))
        if sum(len(held.reviews) for held in self._held) >= _MANY:
            self._known, self._held = self.reviews(), []

    def reviews(self) -> list[NewReview]:
        """All rows so far, in their order, with the hashes of their cases."""
        return self._known + (_with_cases(self.context, self.ring, _together(self._held)) if self._held else [])


def _together(held: Sequence[_Held]) -> _Held:
    return _Held(
        list(chain.from_iterable(part.reviews for part in held)),
        {column: pl.concat(part.keys[column] for part in held) for column in held[0].keys},
        pl.concat(part.claims for part in held),
        pl.concat(part.codes for part in held),
    )


def _with_cases(context: BatchContext, ring: KeyRing, held: _Held) -> list[NewReview]:
    population = context.snapshots.version(POPULATION, context.pins[POPULATION][0])
    known = facts(held.keys, Population(population.open("people"), population.open("former")))
    claims = held.claims.select(pl.struct(pl.all()).struct.json_encode()).to_series()
    manifest = context.manifest
    asked = [manifest.partner, manifest.purpose, sorted(manifest.items)]
    rows = zip(held.reviews, held.codes.iter_rows(named=True), claims.to_list(), known, strict=True)
    return [
        replace(review, case=ring.tag(json.dumps([*asked, review.division, review.causes, _open(code), claim, fact])))
        for review, code, claim, fact in rows
    ]


def _open(codes: Mapping[str, str]) -> dict[str, str]:
    return {column: code for column, code in codes.items() if code in PENDING}


def as_before(context: BatchContext, reviews: Sequence[NewReview]) -> list[NewReview]:
    """The rows as given; those whose case was decided before carry that decision (``before``)."""
    app, cases = context.app, {review.case for review in reviews if review.case is not None}
    days = app.settings.policy.remember_decisions_days
    if not cases or not days:
        return list(reviews)
    known = app.register.reviews.decided_before(cases, app.now() - timedelta(days=days))
    return [replace(review, before=known[review.case]) if review.case in known else review for review in reviews]


def facts(keys: NumberKeys, population: Population) -> list[str]:
    """For each claim, in their order, all that the population snapshot holds of everybody who bears or bore a number
    that it names: JSON, a line for each person, the lines sorted; empty where nobody does. ``keys``: at least one
    column.
    """
    positions, persons = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for read in keys.values():
        there, wanted = read.is_not_null().arg_true().to_numpy(), read.drop_nulls().to_numpy()
        now, before = population.people.find(wanted), population.former.find(wanted)
        positions += [there[now.wanted], there[before.wanted]]
        persons += [now.row, population.bearers(before.row)]
    pairs = pl.DataFrame({"claim": np.concatenate(positions), "person": np.concatenate(persons)}).unique()
    rows = pairs["person"].to_numpy()
    held = population.people.take(rows, population.people.columns).with_columns(
        pl.Series("key", population.people.keys[rows]), pairs["claim"]
    )
    row_texts = held.select("claim", pl.struct(pl.exclude("claim").cast(pl.String)).struct.json_encode().alias("row"))
    of_claim = dict(row_texts.group_by("claim").agg(pl.col("row").sort().str.join("\n")).iter_rows())
    return [of_claim.get(position, "") for position in range(len(next(iter(keys.values()))))]
