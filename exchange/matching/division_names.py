"""What the name of a division is made of: the stem that it keeps when its rank changes, and how people shorten it.

Rules
- The stem is the name without the word for its rank and without the peoples of an autonomous division: 榆次 of 榆次市
  and 榆次区, 延边 of 延边朝鲜族自治州. A name of one character keeps its rank (通县), and a people that is the whole
  name stays (鄂温克族自治旗).
- An autonomous division is also written by its stem and 州, 县 or 旗 (延边州), and a few in shorter ways still
  (``schemas/division_short_names.csv``, the governments' own use).

Source: Regional Ethnic Autonomy Law of 1984, art. 14: such a name is place, people and rank, in this order.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from exchange.base.paths import SCHEMAS

_AUTONOMOUS: Final = ("自治州", "自治县", "自治旗")
_RANKS: Final = ("联合旗", "工农区", "工矿区", "地区", "林区", "特区", "矿区", "区", "县", "市", "旗", "盟")
_SHORTEST: Final = 2


@cache
def _peoples() -> tuple[str, ...]:
    """As names of divisions hold them (朝鲜族, 哈萨克), longest first; 汉 and other single characters only with 族."""
    with (SCHEMAS / "ethnicities.csv").open(encoding="utf-8", newline="") as table:
        named = [row["name"] for row in csv.DictReader(table) if row["name"].endswith("族")]
    short = [name.removesuffix("族") for name in named if len(name) > _SHORTEST + 1 or name == "蒙古族"]
    return tuple(sorted({*named, *short, "各族"}, key=lambda people: (-len(people), people)))


@cache
def stem(name: str) -> str:
    """The name without rank and peoples, never shorter than two characters where the name is not."""
    for rank in _AUTONOMOUS:
        if name.endswith(rank):
            return _without_peoples(name.removesuffix(rank))
    for rank in _RANKS:
        if name.endswith(rank) and len(name) - len(rank) >= _SHORTEST:
            return name.removesuffix(rank)
    return name


def _without_peoples(name: str) -> str:
    for people in _peoples():
        if name.endswith(people) and name != people:
            return _without_peoples(name.removesuffix(people))
    return name.removesuffix("族") if name in _peoples() else name


def short_names(code: str, name: str) -> list[str]:
    """How people write the name of an autonomous division, beside the name itself."""
    rank = next((rank for rank in _AUTONOMOUS if name.endswith(rank)), "")
    return [*([stem(name) + rank[-1]] if rank else []), *_shorter().get(code, ())]


@cache
def _shorter() -> Mapping[str, list[str]]:
    """Code of today → its shorter names."""
    by_code: dict[str, list[str]] = {}
    with (SCHEMAS / "division_short_names.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            by_code.setdefault(row["code"], []).append(row["short_name"])
    return MappingProxyType(by_code)
