"""The rules of the guard: pure functions over keyed hashes and counts of one partner's span (the last thirty days).

    no_such_number, name_disagrees   more of the rows fail so than did before, or do with others
    sequence                         failing numbers of one place and birth date, which differ in the sequence digits
    name                             one name, and many failing numbers
    number                           one number, and many failing names; one person, and many claims of one item that
                                     the register does not bear out
    sequence_by_many, name_by_many, number_by_many
                                     the same over the failing rows of all partners together, for what the new batch
                                     has of them: several partners that share the guessing
    person                           somebody in a small set about whom many partners ask
    volume                           more rows than the agreement says

Rules
- Rows that fail are counted once for each different number or name: the same mistake each month is one mistake.
- The thresholds are ``schemas/guard.toml``; a value at its threshold trips.
- What remains: guesses about different people, one each, thinner among ordinary rows than the shares can show (with
  faults of 4 in 100, some 3 or 4 guesses in 100 rows); guesses at one person below the thresholds, month after month;
  and guesses with the right name and number, which are questions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from exchange.base.keyed import Hashes, KeyRing, Kind
from exchange.guard.thresholds import THRESHOLDS, Thresholds

FAILING: Final = ("no_such_number", "name_disagrees")
"""The answers that count as a failed row."""


@dataclass(frozen=True)
class Counts:
    """How many rows, and how many of them failed in each way."""

    rows: int = 0
    no_such_number: int = 0
    name_disagrees: int = 0

    def __add__(self, other: Counts) -> Counts:
        fails = (self.no_such_number + other.no_such_number, self.name_disagrees + other.name_disagrees)
        return Counts(self.rows + other.rows, *fails)

    def __sub__(self, other: Counts) -> Counts:
        fails = (self.no_such_number - other.no_such_number, self.name_disagrees - other.name_disagrees)
        return Counts(self.rows - other.rows, *fails)


def _none() -> Hashes:
    return np.empty(0, np.uint64)


@dataclass(frozen=True)
class Failed:
    """The rows that failed: keyed hashes of number, of name, and of place with birth date; uint64[n] each, in one
    order.
    """

    numbers: Hashes = field(default_factory=_none)
    names: Hashes = field(default_factory=_none)
    groups: Hashes = field(default_factory=_none)

    @classmethod
    def together(cls, parts: Sequence[Failed]) -> Failed:
        """All rows of the parts, one part behind the other."""

        def joined(name: str) -> Hashes:
            return np.concatenate([_none(), *[getattr(part, name) for part in parts]])

        return cls(joined("numbers"), joined("names"), joined("groups"))

    def renewed(self, ring: KeyRing, generation: int) -> Failed:
        """The same rows with hashes of the newest key. ``generation``: of the key of these hashes."""
        kinds = ((self.numbers, Kind.NUMBER), (self.names, Kind.NAME), (self.groups, Kind.PLACE_AND_BIRTH))
        return Failed(*[ring.renewed(hashes, kind, generation) for hashes, kind in kinds])


@dataclass(frozen=True)
class Span:
    """A partner's span, the new batch included, and what it is compared with. ``now``, ``failed``: of the span;
    ``new``: the failed rows of the new batch; ``others``: those of other partners; ``past``, ``peers``: the usual
    counts, the partner's own and all others'; ``partners``: the most partners that ask about one person of the new
    batch in small sets; ``agreed_rows``: the agreement's limit for the span, None where it names none.
    """

    now: Counts
    failed: Failed
    new: Failed = field(default_factory=Failed)
    others: Failed = field(default_factory=Failed)
    past: Counts = Counts()
    peers: Counts = Counts()
    partners: int = 0
    agreed_rows: int | None = None


@dataclass(frozen=True)
class Trip:
    """A rule with what was measured and its threshold; it trips from the threshold on."""

    rule: str
    measured: int
    threshold: int

    def __str__(self) -> str:
        return f"{self.rule} {self.measured} >= {self.threshold}"


def tripped(span: Span, thresholds: Thresholds = THRESHOLDS) -> list[Trip]:
    """The rules that trip, in the order above; none for ordinary traffic."""
    return [trip for trip in _measured(span, thresholds) if trip.measured >= trip.threshold]


def _measured(span: Span, thresholds: Thresholds) -> Iterator[Trip]:
    for rule in FAILING:
        usual = usual_share(rule, span, thresholds)
        yield Trip(rule, getattr(span.now, rule), most_failing(usual, span.now.rows, thresholds))
    yield from _gathered(span.failed, span.now.rows, thresholds)
    if len(span.others.numbers) and len(span.new.numbers):
        everybodys, rows = Failed.together([span.failed, span.others]), span.now.rows + span.peers.rows
        yield from _gathered(everybodys, rows, thresholds, among=span.new, suffix="_by_many")
    yield Trip("person", span.partners, thresholds.person_partners)
    if span.agreed_rows is not None:
        yield Trip("volume", span.now.rows, span.agreed_rows + 1)


def _gathered(
    failed: Failed, rows: int, thresholds: Thresholds, among: Failed | None = None, suffix: str = ""
) -> Iterator[Trip]:
    """The rules about failed rows of one place and birth date, of one name, of one number; where ``among`` is given,
    only for its values.
    """
    of = among or failed
    in_sequence, of_name, of_number = most_of_one(
        _where(failed.groups, failed.numbers, of.groups),
        _where(failed.names, failed.numbers, of.names),
        _where(failed.numbers, failed.names, of.numbers),
    )
    yield Trip(f"sequence{suffix}", in_sequence, thresholds.sequence_numbers)
    yield Trip(f"name{suffix}", of_name, thresholds.name_numbers + int(thresholds.name_numbers_per_row * rows))
    yield Trip(f"number{suffix}", of_number, thresholds.number_names)


def _where(values: Hashes, others: Hashes, among: Hashes) -> tuple[Hashes, Hashes]:
    if among is values:
        return values, others
    kept = np.isin(values, among)
    return values[kept], others[kept]


def usual_share(rule: str, span: Span, thresholds: Thresholds = THRESHOLDS) -> float:
    """The usual share of rows that fail in this way: the partner's own where its past has enough rows, else its
    peers'.
    """
    for counts in (span.past, span.peers):
        if counts.rows >= thresholds.rows_to_compare:
            share: float = getattr(counts, rule) / counts.rows
            return min(max(share, thresholds.share_least), thresholds.share_most)
    return thresholds.share_unknown


def most_failing(usual: float, rows: int, thresholds: Thresholds = THRESHOLDS) -> int:
    """The number of failed rows from which on a span of so many rows trips. ``usual``: the usual share."""
    expected = usual * thresholds.share_times * rows
    return math.ceil(expected + thresholds.share_deviations * math.sqrt(expected) + thresholds.share_rows)


def most_of_one(*pairs: tuple[Hashes, Hashes]) -> list[int]:
    """For each pair of arrays (values, others), both uint64[n] in one order: the largest number of different others
    that one value has; 0 where they are empty. A span has millions: Polars takes a third of what sorting the pairs
    does.
    """
    if not any(len(values) for values, _ in pairs):  # of a set of one row nearly always
        return [0] * len(pairs)
    most = [
        pl.LazyFrame({"value": values, "other": others})
        .group_by("value")
        .agg(pl.col("other").n_unique())
        .select(pl.col("other").max().fill_null(0))
        for values, others in pairs
    ]
    return [frame.item() for frame in pl.collect_all(most)]
