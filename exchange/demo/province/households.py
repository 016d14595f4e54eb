"""Who lives together: relations, sexes, and birthdays that fit each other.

Relations are those of GB/T 4761-2008: 02 the head, 10 spouse, 20 son, 30 daughter, 41 and 42 grandchildren, 51 father,
52 mother. Children are 20 to 40 years younger than the head, parents as much older, grandchildren 42 to 70 years
younger.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from exchange.demo.province.divisions import Ints

FIRST_BIRTH: Final = date(1920, 1, 1)
LAST_BIRTH: Final = date(2026, 6, 30)
HEAD, SPOUSE, CHILD, FATHER, MOTHER, GRANDCHILD = range(6)

_LETTERS: Final = "hscfmg"
# share of households, youngest and oldest head, members
_KINDS: Final = (
    (0.20, 20, 102, "h"),
    (0.24, 24, 90, "hs"),
    (0.21, 24, 62, "hsc"),
    (0.10, 26, 62, "hscc"),
    (0.03, 28, 62, "hsccc"),
    (0.06, 24, 62, "hc"),
    (0.03, 24, 58, "hm"),
    (0.03, 26, 58, "hscm"),
    (0.03, 26, 58, "hscfm"),
    (0.02, 28, 58, "hsccfm"),
    (0.01, 30, 58, "hscccfm"),
    (0.02, 50, 85, "hsg"),
    (0.02, 55, 85, "hscg"),
)
_SHARES: Final = np.array([kind[0] for kind in _KINDS])
_AGES: Final = np.array([kind[1:3] for kind in _KINDS])
_SIZES: Final = np.array([len(kind[3]) for kind in _KINDS])
_ROLES: Final = np.array([[_LETTERS.index(letter) for letter in kind[3].ljust(7, "h")] for kind in _KINDS])
_CHILDREN: Final = np.array([max(kind[3].count("c"), 1) for kind in _KINDS])
_RELATIONS: Final = np.array([["02", "10", "20", "51", "51", "41"], ["02", "10", "30", "52", "52", "42"]])
_YEAR: Final = 365.25
_EPOCH: Final = date(1970, 1, 1)
_FIRST_DAY: Final = (FIRST_BIRTH - _EPOCH).days
_LAST_DAY: Final = (LAST_BIRTH - _EPOCH).days


def make_households(random: np.random.Generator, people: int) -> pl.DataFrame:
    """One row per person: ``household`` (from 0), ``head`` (row of its head), ``size``, ``role``, ``relation``,
    ``sex``, ``born``. Whole households; ``people`` rows and up to six more.
    """
    kind = random.choice(len(_KINDS), people, p=_SHARES / _SHARES.sum())
    kind = kind[: int(np.searchsorted(np.cumsum(_SIZES[kind]), people)) + 1]
    size = _SIZES[kind]
    start = np.cumsum(size) - size
    household = np.repeat(np.arange(len(kind)), size)
    head = start[household]
    position = np.arange(len(household)) - head
    kind = kind[household]
    role = _ROLES[kind, position]
    sex = _sexes(random, role, head, size[household])
    born = _birthdays(random, kind, role, head, position)
    return pl.DataFrame(
        {
            "household": household,
            "head": head,
            "size": size[household],
            "role": role,
            "relation": pl.Series(_RELATIONS[sex - 1, role]),
            "sex": sex,
            "born": pl.Series(born.astype(np.int32)).cast(pl.Date),
        }
    )


def _sexes(random: np.random.Generator, role: Ints, head: Ints, size: Ints) -> Ints:
    """1 male, 2 female."""
    male_share = np.where((role == HEAD) & (size > 1), 0.75, 0.51)
    sex = np.where(random.random(len(role)) < male_share, 1, 2)
    sex = np.where(role == SPOUSE, 3 - sex[head], sex)
    return np.where(role == FATHER, 1, np.where(role == MOTHER, 2, sex)).astype(np.int64)


def _birthdays(
    random: np.random.Generator, kind: Ints, role: Ints, head: Ints, position: Ints
) -> npt.NDArray[np.float64]:
    """Days since 1970."""
    share = random.random(len(role))
    youngest, oldest = _AGES[kind, 0], _AGES[kind, 1]
    age = youngest + (oldest - youngest) * random.beta(1.5, 2.0, len(role))
    heads = (_LAST_DAY - age * _YEAR)[head]
    years_since = (_LAST_DAY - heads) / _YEAR
    in_turn = (position - 2 + share * 0.8) / _CHILDREN[kind]  # children come one after the other
    order = np.clip(np.where(_CHILDREN[kind] > 1, in_turn, share), 0, 1)
    years = np.select(
        [role == SPOUSE, role == CHILD, role == GRANDCHILD, role >= FATHER],
        [
            np.clip(random.normal(0, 2.5, len(role)), -9, 9),
            20 + order * np.minimum(20, years_since - 20),
            42 + share * np.minimum(28, years_since - 42),
            -20 - share * 20,
        ],
        default=0.0,
    )
    days: npt.NDArray[np.float64] = np.clip(np.floor(heads + years * _YEAR), _FIRST_DAY, _LAST_DAY)
    return days
