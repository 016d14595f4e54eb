"""Claims about events of a person: migrations, changes of address, corrections, the cancellation of the registration.

Rules
- A claim has parts: kind, day or period, from, to. A part that is left empty is not claimed; the part that says what
  happened is required; one part that cannot be read makes the whole claim unreadable.
- **consistent**: every part claimed agrees with one and the same event. **partly_consistent**: with the best event some
  parts agree and some do not. **inconsistent**: no part agrees with any event, or there is no such event.
- **under_review**: an event fits but for parts of which the register is silent or unsure (no day on record, a division
  that is only a part of the claimed one, an address in other words): only an officer can say.
- Events under a superseded number are the person's, too.
- Where the person has an event of which the kind cannot be read, an officer looks unless another one agrees wholly.

Source of the items: opinion of twelve ministries, 2016, on what the household register proves; the codes of partly
right claims are the office's choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl

from exchange.matching.codes import nothing_claimed, plain_word
from exchange.matching.dates import claimed_period
from exchange.matching.division_meanings import told_apart
from exchange.matching.divisions import address_text, division_code, goes_on, is_code, make_ready, place_answer
from exchange.matching.items.rule import ItemRule
from exchange.matching.sources import Sources

SOURCE: Final = "household_events"
EVENT_KINDS: Final[Mapping[str, int]] = MappingProxyType(
    {"migration_in": 1, "migration_out": 2, "address_change": 3, "item_correction": 4}
)
UNCLEAR_EVENT: Final = 0
"""An event that may be of any kind, or somebody else's."""

_FOR_AN_OFFICER: Final = 2


@dataclass(frozen=True)
class Part:
    """One part of a claim: its request column; whether its text can be read; whether it agrees with an event (columns
    ``event.<name>``): true, false, or null where that cannot be said.
    """

    column: str
    readable: pl.Expr
    agrees: pl.Expr
    required: bool = False

    @property
    def claimed(self) -> pl.Expr:
        """Whether the row claims anything of this part: Boolean[rows]."""
        return ~nothing_claimed(pl.col(self.column))


def word_part(column: str, words: Mapping[str, object], event: str, *, required: bool = False) -> Part:
    """A coded word, against the event's code."""
    kind = pl.String if all(isinstance(code, str) for code in words.values()) else pl.Int64
    word = plain_word(pl.col(column)).str.to_lowercase()
    code = word.replace_strict(dict(words), default=None, return_dtype=kind)
    return Part(column, code.is_not_null(), code == pl.col(event).cast(kind), required)


def day_part(column: str, event: str, *, required: bool = False) -> Part:
    """A day or a period, against the event's day."""
    period = claimed_period(pl.col(column))
    within = pl.col(event).is_between(period.struct.field("first"), period.struct.field("last"))
    return Part(column, period.struct.field("first").is_not_null(), within, required)


def division_part(column: str, event: str) -> Part:
    """A division, against the event's; codes as they were meant in the year of the event. A name means what bore it. Of
    a claim that goes on behind a province or a city that agrees nothing is said.
    """
    code, year = division_code(pl.col(column)), pl.col("event.happened_on").dt.year()
    asked = pl.when(is_code(pl.col(column))).then(told_apart(code, on=year)).otherwise(code)
    answer = place_answer(asked, told_apart(pl.col(event), on=year)).replace_strict(
        {"consistent": True, "inconsistent": False}, default=None, return_dtype=pl.Boolean
    )
    whole = pl.when(~goes_on(pl.col(column), code)).then(pl.lit(value=True))
    return Part(column, code.is_not_null(), pl.when(pl.col(event).is_not_null()).then(answer & whole))


def address_part(column: str, event: str) -> Part:
    """An address in free text: the same, or for an officer."""
    same = address_text(pl.col(column)) == pl.col(event)
    return Part(column, pl.lit(value=True), pl.when(same & (pl.col(event) != "")).then(same))


def unreadable(parts: Sequence[Part]) -> pl.Expr:
    """String: the answer code of a claim that is not there or cannot be read, null for a sound one."""
    missing = pl.any_horizontal([~part.claimed for part in parts if part.required])
    bad = pl.any_horizontal([part.claimed & ~part.readable for part in parts])
    nothing = pl.all_horizontal([~part.claimed for part in parts])
    return pl.when(nothing | missing).then(pl.lit("claim_missing")).when(bad).then(pl.lit("claim_format"))


def against_one(parts: Sequence[Part]) -> pl.Expr:
    """Int32: how a claim stands to one event: 3 consistent, 2 for an officer, 1 partly, 0 not at all; never null."""
    agree = pl.sum_horizontal([(part.claimed & part.agrees.fill_null(value=False)).cast(pl.Int8) for part in parts])
    differ = pl.sum_horizontal([(part.claimed & ~part.agrees.fill_null(value=True)).cast(pl.Int8) for part in parts])
    claimed = pl.sum_horizontal([part.claimed.cast(pl.Int8) for part in parts])
    return pl.when(agree == claimed).then(3).when(differ == 0).then(2).when(agree > 0).then(1).otherwise(0)


ANSWER_OF_LEVEL: Final = MappingProxyType(
    {3: "consistent", 2: "under_review", 1: "partly_consistent", 0: "inconsistent"}
)


def event_rule(code: str, kinds: Sequence[str], parts: Sequence[Part]) -> ItemRule:
    """The rule of an item that is answered from the household events of these kinds; KeyError for another kind."""
    numbers = [EVENT_KINDS[kind] for kind in kinds]

    def look_up(frame: pl.DataFrame, sources: Sources) -> pl.DataFrame:
        """Adds ``<item>.best`` (Int8: a level of ``ANSWER_OF_LEVEL``, of the event that fits best; 0 where the person
        has none) and ``<item>.ready`` (Boolean: whether the source is there); rows as they came.
        """
        best = np.zeros(frame.height, dtype=np.int8)
        if sources.ready([SOURCE]):
            pairs = _events(frame, sources, numbers)
            unclear = pl.when(pl.col("event.event") == UNCLEAR_EVENT).then(_FOR_AN_OFFICER)
            scored = pairs.select("row", unclear.otherwise(against_one(parts)).cast(pl.Int8).alias("score"))
            highest = scored.group_by("row").agg(pl.col("score").max())
            best[highest["row"].to_numpy()] = highest["score"].to_numpy()
        return frame.with_columns(
            pl.Series(f"{code}.best", best), pl.lit(sources.ready([SOURCE])).alias(f"{code}.ready")
        )

    answer = (
        pl.when(~pl.col(f"{code}.ready"))
        .then(pl.lit("source_not_ready"))
        .otherwise(pl.col(f"{code}.best").replace_strict(dict(ANSWER_OF_LEVEL), return_dtype=pl.String))
    )
    answered = pl.coalesce(unreadable(parts), answer)
    return ItemRule(code=code, needs=(SOURCE,), looks_up=look_up, answer=answered, makes_ready=make_ready)


def _events(frame: pl.DataFrame, sources: Sources, kinds: Sequence[int]) -> pl.DataFrame:
    """Every (row, event of its person) of these kinds or an unclear one: the claims, ``row``, and the event as
    ``event.<column>``.
    """
    table = sources.records[SOURCE]
    rows, keys = sources.population.numbers_of(frame["person"].to_numpy())
    hits = table.find(keys)
    events = table.take(hits.row, table.columns).select(pl.all().name.prefix("event."))
    claims = frame[rows[hits.wanted]].with_columns(pl.Series("row", rows[hits.wanted]))
    pairs = pl.concat([claims, events], how="horizontal")
    return pairs.filter(pl.col("event.event").is_in([UNCLEAR_EVENT, *kinds]))
