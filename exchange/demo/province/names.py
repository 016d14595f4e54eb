"""Invented names: surnames and given names by weight, shared in a family; minority names with dots; rare characters.

Rules: children, grandchildren and fathers bear the head's surname. The register's dot is U+00B7. A few names hold a
character that takes four bytes in GB18030, and fewer one that an older system kept in the private-use area.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from exchange.demo.province.divisions import Ints
from exchange.demo.province.households import CHILD, FATHER, GRANDCHILD

HAN, MONGOL, HUI, UYGHUR, KOREAN, MANCHU = 1, 2, 3, 5, 10, 11
RARE_SHARE: Final = 0.002
PRIVATE_SHARE: Final = 0.0002
FORMER_SHARE: Final = 0.03
SECOND_FORMER_SHARE: Final = 0.1
DOTTED_SHARE: Final = 0.5

_HAN_SURNAMES: Final = [
    *"王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎",
    *["欧阳", "司徒", "上官", "诸葛"],
]
_KOREAN_SURNAMES: Final = [*"金朴崔李郑全姜许尹玄"]
_SURNAMES: Final = pl.Series(_HAN_SURNAMES + _KOREAN_SURNAMES)
_MALE: Final = pl.Series([*"伟强磊军洋勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆文博宏志国建海龙哲浩泽"])
_FEMALE: Final = pl.Series([*"芳娜敏静丽艳娟霞秀玲桂英梅红燕琳雪婷慧莹洁颖欣怡佳倩丹萍玉兰春晶善顺姬涵"])
_RARE: Final = pl.Series(["𬬭", "𠮷", "𫖯", "𬱖", "㛃", "䶮", "堃", "淼", "昇", "喆"])
_PRIVATE: Final = pl.Series(["\ue81e", "\ue826", "\ue82b", "\ue832", "\ue843"])
"""龴 龵 龶 龸 龹 as systems before GB 18030-2005 wrote them (Unicode 9FB4, 9FB5, 9FB6, 9FB8, 9FB9)."""

_MONGOL: Final = pl.Series(["巴特尔", "其其格", "乌兰", "那仁", "额尔敦", "苏日娜", "朝鲁", "萨仁花"])
_UYGHUR: Final = pl.Series(["阿依古丽", "买买提", "古丽娜尔", "艾合买提", "阿卜杜拉", "吐尔逊", "依明", "阿不都热依木"])


def _weighted(random: np.random.Generator, pool: int, count: int) -> Ints:
    """Places in a pool whose first entries are the common ones."""
    steps = np.cumsum(1.0 / np.arange(3, 3 + pool))
    return np.searchsorted(steps / steps[-1], random.random(count))


def make_names(random: np.random.Generator, people: pl.DataFrame) -> pl.DataFrame:
    """``name`` and ``former_name`` (empty for most) for people with ``sex``, ``ethnicity``, ``role`` and ``head``."""
    count = people.height
    ethnicity, sex = people["ethnicity"].to_numpy(), people["sex"].to_numpy()
    surname = _SURNAMES.gather(_surnames(random, people, ethnicity))
    first, second = _given(random, sex, count), _given(random, sex, count)
    chance = random.random(count)
    middle = pl.when(pl.Series(random.random(count) < 0.3)).then(pl.lit("")).otherwise(second)
    strange = (
        pl.when(pl.Series(chance < PRIVATE_SHARE))
        .then(_any(random, _PRIVATE, count))
        .when(pl.Series(chance < RARE_SHARE))
        .then(_any(random, _RARE, count))
        .otherwise(first)
    )
    name = pl.select(pl.concat_str(surname, middle, strange)).to_series()
    for people_of, pool in ((MONGOL, _MONGOL), (UYGHUR, _UYGHUR)):
        rows = np.flatnonzero((ethnicity == people_of) & (random.random(count) < DOTTED_SHARE))
        name = name.scatter(rows.tolist(), _dotted(random, pool, len(rows)))
    had_another = pl.Series(random.random(count) < FORMER_SHARE)
    two = pl.Series(chance > 1 - SECOND_FORMER_SHARE)
    another = pl.when(two).then(pl.concat_str(pl.lit("、"), surname, first, first)).otherwise(pl.lit(""))
    former = pl.when(had_another).then(pl.concat_str(surname, second, second, another)).otherwise(pl.lit(""))
    return pl.select(name=name, former_name=former)


def _surnames(random: np.random.Generator, people: pl.DataFrame, ethnicity: Ints) -> Ints:
    count = people.height
    han, korean = len(_HAN_SURNAMES), len(_KOREAN_SURNAMES)
    own = np.where(ethnicity == KOREAN, han + _weighted(random, korean, count), _weighted(random, han, count))
    family = np.isin(people["role"].to_numpy(), (CHILD, FATHER, GRANDCHILD))
    return np.where(family, own[people["head"].to_numpy()], own)


def _given(random: np.random.Generator, sex: Ints, count: int) -> pl.Series:
    index = _weighted(random, len(_MALE), count)
    pool = pl.concat([_MALE, _FEMALE])
    return pool.gather(np.where(sex == 1, index, len(_MALE) + np.minimum(index, len(_FEMALE) - 1)))


def _any(random: np.random.Generator, pool: pl.Series, count: int) -> pl.Series:
    return pool.gather(random.integers(0, len(pool), count))


def _dotted(random: np.random.Generator, pool: pl.Series, count: int) -> pl.Series:
    """Two parts, or three for one in ten."""
    parts = [_any(random, pool, count) for _ in range(3)]
    three = pl.Series(random.random(count) < 0.1)
    third = pl.when(three).then("·" + parts[2]).otherwise(pl.lit(""))
    return pl.select(pl.concat_str(parts[0], pl.lit("·"), parts[1], third)).to_series()
