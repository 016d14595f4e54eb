"""Where people live, and where their numbers come from.

Rules: every code is a real one. People are registered in the counties of one province; a number keeps the division of
its first registration, so it may bear a code that was abolished since, or one of another province.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from exchange.base.paths import SCHEMAS

Ints = npt.NDArray[np.int64]

PROVINCE: Final = "22"
"""Jilin."""

ABOLISHED: Final[Mapping[int, tuple[int, date]]] = {
    220113: (220181, date(2014, 10, 20)),
    220184: (220381, date(2020, 6, 19)),
    220605: (220625, date(2006, 4, 16)),
    220781: (220724, date(2013, 1, 18)),
}
"""County of today → the code that it had, and roughly until when."""

USED_AGAIN: Final = "220702"
"""In use today, and another county's until 1995: of whoever was born before, a claim by name is an officer's."""

ELSEWHERE: Final = np.array([210102, 230102, 150502, 370602, 370702, 371302])
"""Counties of other provinces from which people moved in: Shenyang, Harbin, Tongliao, Yantai, Weifang, Linyi."""

ELSEWHERE_SHARE: Final = 0.03
MOVED_SHARE: Final = 0.12
_ORIGINS: Final = np.array([370600, 370700, 370800, 371300])
_ORIGIN_SHARE: Final = 0.1
YANBIAN: Final = 2224


@cache
def county_codes() -> tuple[int, ...]:
    """The province's county-level divisions in ``schemas/divisions.csv``."""
    codes = pl.read_csv(SCHEMAS / "divisions.csv", infer_schema=False)["code"]
    return tuple(codes.filter(codes.str.starts_with(PROVINCE) & ~codes.str.ends_with("00")).cast(pl.Int64))


def home_counties(random: np.random.Generator, count: int) -> Ints:
    """A county for each household; the provincial capital's are three times as full."""
    codes = np.array(county_codes())
    weights = np.where(codes // 100 == 2201, 3.0, 1.0)
    return random.choice(codes, count, p=weights / weights.sum())


def first_counties(random: np.random.Generator, homes: Ints) -> Ints:
    """Where each person was registered first: at home, in another county, or in another province."""
    drawn = random.random(len(homes))
    first = np.where(drawn < MOVED_SHARE, random.choice(np.array(county_codes()), len(homes)), homes)
    return np.where(drawn < ELSEWHERE_SHARE, random.choice(ELSEWHERE, len(homes)), first)


def native_places(random: np.random.Generator, homes: Ints) -> Ints:
    """The families' native places: many came from Shandong."""
    return np.where(random.random(len(homes)) < _ORIGIN_SHARE, random.choice(_ORIGINS, len(homes)), homes)


def number_division(first: pl.Expr, born: pl.Expr) -> pl.Expr:
    """The division inside a number: the county's code at the time of birth."""
    code = first
    for county, (before, until) in ABOLISHED.items():
        code = pl.when((first == county) & (born < until)).then(pl.lit(before, pl.Int64)).otherwise(code)
    return code
