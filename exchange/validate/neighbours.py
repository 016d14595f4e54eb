"""Whether bytes read whole in an encoding of a neighbouring country, as the common characters there.

Rules
- What is stated to be GB 18030 is held against Big5, EUC-KR, EUC-JP and Shift-JIS, of which hardly a byte is no
  GB 18030. Only what lies where each keeps its common characters counts: the rare ones of a Chinese list, second level
  of GB 2312 or beside it, lie outside.
- Hanja of EUC-KR lie where GB 2312 has its second level: nothing is said of them.

Sources: Big5 (level 1: A440 to C67E), KS X 1001 (Hangul: rows 16 to 40), JIS X 0208 (kana; level 1: rows 16 to 47).
"""

from __future__ import annotations

import re
from typing import Final

_COMMON: Final = tuple(
    re.compile(rb"(?:[\x00-\x7f]|" + letters + rb")*+", re.DOTALL)
    for letters in (
        rb"[\xa1-\xc6][\x40-\x7e\xa1-\xfe]",  # Big5
        rb"[\xb0-\xc8][\xa1-\xfe]",  # EUC-KR
        rb"[\xa1-\xcf][\xa1-\xfe]",  # EUC-JP
        rb"[\xa1-\xdf]|[\x81-\x98][\x40-\x7e\x80-\xfc]",  # Shift-JIS
    )
)


def read_next_door(content: bytes) -> bool:
    """Whether all of this text is common characters in one of these encodings."""
    return any(letters.fullmatch(content) for letters in _COMMON)
