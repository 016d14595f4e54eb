"""Invented names: common surnames and given names by weight, minority names with dots, rare characters."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Names = npt.NDArray[np.str_]

_SURNAMES: Final = np.array(
    [*"王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕", "欧阳"]
)
_SURNAME_WEIGHTS: Final = 1.0 / np.arange(3, 3 + len(_SURNAMES))
_GIVEN_MALE: Final = np.array(list("伟强磊军洋勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆文博宏志国建海"))
_GIVEN_FEMALE: Final = np.array(list("芳娜敏静丽艳娟霞秀玲桂英梅红燕琳雪婷慧莹洁颖欣怡佳倩丹萍玉兰春晶"))
_RARE: Final = np.array(["𬬭", "㛃", "𫖯", "䶮", "堃", "淼", "昇", "喆"])
_KOREAN_SURNAMES: Final = np.array(list("金朴崔李郑全"))
_DOTTED_FIRST: Final = np.array(["阿依古丽", "巴特尔", "其其格", "买买提", "古丽娜尔", "乌兰", "那仁"])
_DOTTED_LAST: Final = np.array(["艾合买提", "阿卜杜拉", "吐尔逊", "额尔敦", "苏日娜", "依明"])
RARE_SHARE: Final = 0.002
DOTTED_ETHNICITIES: Final = (2, 5)
KOREAN: Final = 10


def make_names(random: np.random.Generator, sex: npt.NDArray[np.int64], ethnicity: npt.NDArray[np.int64]) -> Names:
    """One name for each person, fitting sex (1, 2) and ethnicity (GB/T 3304)."""
    count = len(sex)
    weights = _SURNAME_WEIGHTS / _SURNAME_WEIGHTS.sum()
    surname = random.choice(_SURNAMES, count, p=weights)
    korean = ethnicity == KOREAN
    surname[korean] = random.choice(_KOREAN_SURNAMES, int(korean.sum()))
    first, second = _given(random, sex), _given(random, sex)
    second[random.random(count) < 0.3] = ""
    rare = random.random(count) < RARE_SHARE
    first[rare] = random.choice(_RARE, int(rare.sum()))
    names = np.char.add(np.char.add(surname, first), second).astype("<U16")
    dotted = np.isin(ethnicity, DOTTED_ETHNICITIES) & (random.random(count) < 0.5)
    parts = random.choice(_DOTTED_FIRST, int(dotted.sum())), random.choice(_DOTTED_LAST, int(dotted.sum()))
    names[dotted] = np.char.add(np.char.add(parts[0], "·"), parts[1])
    return names


def _given(random: np.random.Generator, sex: npt.NDArray[np.int64]) -> Names:
    male, female = random.choice(_GIVEN_MALE, len(sex)), random.choice(_GIVEN_FEMALE, len(sex))
    return np.where(sex == 1, male, female).astype("<U2")
