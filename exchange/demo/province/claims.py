"""What partners ask about the province's people: claims with the dirt that people produce, and the right answers.

The right answers come from what was planted here (``right_answers.py``), not from the matching; tests hold the one
against the other. What happens to a row is drawn first, into columns of its own, which both the texts and the answers
read:

    fault      at most one thing wrong with number or name (``FAULTS``)
    former     the claim bears the superseded number
    fifteen    the claim bears the 15 digits of the number
    writing    how the number is written (``WRITINGS``); empty: as it should be
    name_as    how the name is written (``NAME_WRITINGS``)
    <item>.is  right, wrong, missing or unreadable
    spelling   0-7, which of several right spellings; 0 is the plain one
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from exchange.demo.province import claim_texts, event_claims
from exchange.demo.province.events import events_of
from exchange.demo.province.relatives import with_relatives
from exchange.demo.province.right_answers import right_answers

FAULTS: Final = {
    "missing_number": 0.004,
    "scientific": 0.005,
    "short_number": 0.004,
    "bad_date": 0.004,
    "wrong_check": 0.01,
    "no_name": 0.005,
    "long_name": 0.002,
    "digits_in_name": 0.002,
    "unknown_number": 0.02,
    "wrong_name": 0.02,
}
WRITINGS: Final = {
    "full_width": 0.02,
    "spaced": 0.02,
    "apostrophe": 0.02,
    "dashed": 0.01,
    "small_x": 0.2,
    "cyrillic_x": 0.05,
}
"""The last two only where the number ends with X."""

NAME_WRITINGS: Final = {
    "wide_blank": 0.02,
    "blank": 0.02,
    "trailing_blank": 0.01,
    "traditional": 0.02,
    "other_dot": 0.3,
}
"""The last two only where the name has a character with another form, or a dot."""

OUTCOMES: Final = {"right": 0.94, "wrong": 0.03, "missing": 0.015, "unreadable": 0.015}
ODD_SHARE: Final = 0.04
"""Of the claims, those about people with something planted; they are a hundredth of the province."""

FIFTEEN_SHARE: Final = 0.03
FORMULA_SHARE: Final = 0.004
_LAST_15_DIGITS: Final = "1999-09-30"


@dataclass(frozen=True)
class Claims:
    """``rows``: a request's columns, all String. ``expected``: ``row_ref``, ``identity``, ``note`` and a column per
    item, row by row.
    """

    rows: pl.DataFrame
    expected: pl.DataFrame


def make_claims(
    people: pl.DataFrame,
    offenders: pl.Series,
    items: Sequence[str],
    rows: int,
    seed: int,
    *,
    approved: bool = False,
    dirt: bool = True,
) -> Claims:
    """Claims about ``rows`` people drawn from the population export ``people`` with its ``oddity``. ``offenders``: id
    numbers with a record that counts for the request's purpose (``known_to.on_record``). ``approved``: whether a *no
    record* answer may leave at once. Without ``dirt`` every claim is right and plainly written; the people are as odd
    as ever.
    """
    random = np.random.default_rng([seed, rows])
    frame = _people_asked(random, people, rows)
    asked = [item for item in items if item in claim_texts.ITEMS]
    frame = frame.with_columns(_drawn(random, frame, asked) if dirt else _clean(asked))
    frame = frame.with_columns(
        offender=pl.col("id_number").is_in(offenders.implode()),
        row_ref=_references(random, rows) if dirt else pl.concat_str(pl.lit("R"), pl.int_range(1, pl.len() + 1)),
    )
    if not set(asked).isdisjoint(event_claims.ITEMS):
        frame = pl.concat([frame, events_of(frame)], how="horizontal")
    if "kinship" in asked:
        frame = with_relatives(random, frame, people, dirt=dirt)
    frame = claim_texts.with_numbers(frame)
    texts = [claim_texts.id_number(), claim_texts.name(), *[text for item in asked for text in claim_texts.texts(item)]]
    return Claims(frame.select("row_ref", *texts), right_answers(frame, items, approved=approved))


def _people_asked(random: np.random.Generator, people: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Anybody, but people with an oddity more often than they are."""
    chosen = random.integers(0, people.height, rows)
    odd = np.flatnonzero((people["oddity"] != "").to_numpy())
    if len(odd):
        chosen = np.where(random.random(rows) < ODD_SHARE, random.choice(odd, rows), chosen)
    asked: pl.DataFrame = people[chosen.tolist()]
    return asked


def _draw(random: np.random.Generator, shares: Mapping[str, float], count: int) -> pl.Series:
    """One of these for each row, empty for the rest of the shares."""
    codes = random.choice(len(shares) + 1, count, p=[*shares.values(), max(0.0, 1 - sum(shares.values()))])
    return pl.Series([*shares, ""]).gather(codes)


def _clean(asked: Sequence[str]) -> list[pl.Expr]:
    texts = {"fault": "", "writing": "", "name_as": ""} | {f"{item}.is": "right" for item in asked}
    flags = [pl.lit(value=False).alias(name) for name in ("former", "fifteen")]
    return [*[pl.lit(text).alias(name) for name, text in texts.items()], *flags, pl.lit(0).alias("spelling")]


def _drawn(random: np.random.Generator, frame: pl.DataFrame, asked: Sequence[str]) -> list[pl.Series]:
    """What is drawn is put where it can be: no X is written small where there is none."""
    rows = frame.height
    chance = pl.Series(random.random(rows))
    drawn = pl.DataFrame(
        {
            "fault": _draw(random, FAULTS, rows),
            "writing": _draw(random, WRITINGS, rows),
            "name_as": _draw(random, NAME_WRITINGS, rows),
            "spelling": random.integers(0, 8, rows),
        }
    )
    plain = drawn["fault"] == ""
    known = drawn["fault"].is_in(["", "wrong_name", "unknown_number"])
    former = plain & (frame["oddity"] == "superseded") & pl.Series(random.random(rows) < 0.5)
    old = frame["birth_date"].is_between(pl.lit("1900-01-01"), pl.lit(_LAST_15_DIGITS))
    centenarian = frame["oddity"] == "centenarian"
    fifteen = (known & old & (chance < FIFTEEN_SHARE)) | (plain & centenarian & (chance < 0.5))
    fifteen = fifteen & ~(former & frame["former_id_number"].str.slice(6, 4).str.starts_with("18"))
    number = pl.select(pl.when(former).then(frame["former_id_number"]).otherwise(frame["id_number"])).to_series()
    has_x = number.str.ends_with("X") & ~fifteen & (drawn["fault"] != "unknown_number")
    writing = pl.when(known & (has_x | ~drawn["writing"].str.ends_with("_x"))).then(drawn["writing"])
    can_be = {"other_dot": "·", "traditional": f"[{''.join(claim_texts.TRADITIONAL)}]"}
    cannot = [(drawn["name_as"] == name_as) & ~frame["name"].str.contains(held) for name_as, held in can_be.items()]
    name_as = pl.when(~(cannot[0] | cannot[1])).then(drawn["name_as"])
    return [
        *[_draw(random, OUTCOMES, rows).alias(f"{item}.is") for item in asked],
        former.alias("former"),
        fifteen.alias("fifteen"),
        *drawn.select(
            "fault",
            "spelling",
            writing.otherwise(pl.lit("")).alias("writing"),
            name_as.otherwise(pl.lit("")).alias("name_as"),
        ).get_columns(),
    ]


def _references(random: np.random.Generator, rows: int) -> pl.Series:
    """The partner's own references; a few begin like a formula."""
    kind = random.choice(3, rows, p=[1 - FORMULA_SHARE, FORMULA_SHARE / 2, FORMULA_SHARE / 2])
    before = pl.Series(["R", "=cmd|' /C calc'!A", "+1*"]).gather(kind)
    return pl.select(pl.concat_str(before, pl.int_range(1, rows + 1))).to_series()
