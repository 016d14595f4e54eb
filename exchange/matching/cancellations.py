"""Why a registration was cancelled: the codes of the export, and the words that partners use.

Source: household registration regulations of 1958 (户口登记条例), articles 8 to 10: death, military service, settling
abroad; double registration is cancelled when it is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

CANCELLATION_REASONS: Final[Mapping[str, int]] = MappingProxyType(
    {"death": 1, "settled_abroad": 2, "conscription": 3, "duplicate": 4, "other": 5}
)
WORDS: Final[Mapping[str, int]] = MappingProxyType(
    dict(CANCELLATION_REASONS) | {
        "死亡": 1, "死亡注销": 1, "去世": 1, "宣告死亡": 1,
        "出国定居": 2, "出境定居": 2, "出国(境)定居": 2, "国外定居": 2,
        "参军": 3, "入伍": 3, "应征入伍": 3, "服现役": 3, "服兵役": 3,
        "重复户口": 4, "重户": 4, "重复登记": 4,
        "其他": 5, "其它": 5,
    }
)  # fmt: skip
