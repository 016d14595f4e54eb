"""Characters that show nothing: whoever reads a cell, a name or a number leaves them out, and a cell of nothing else is
empty.

Rule: controls of format (category Cf), and whatever Unicode says may be ignored where it cannot be shown
(Default_Ignorable_Code_Point: selectors of glyphs, fillers that count as letters, places kept for more of them). One
class for all, or a cell would be a row's text to the one that reads it and no claim to the one that answers it.
"""

from __future__ import annotations

import unicodedata
from typing import Final

INVISIBLE: Final = r"\p{Cf}\p{Default_Ignorable_Code_Point}"
"""The inside of a class, as Polars and browsers take it."""

_RANGES: Final = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""Default_Ignorable_Code_Point of Unicode, which Python does not know; a test holds them to what Polars knows."""

_IGNORABLE: Final = frozenset(chr(point) for first, last in _RANGES for point in range(first, last + 1))


def is_invisible(letter: str) -> bool:
    """Whether this character is of the class."""
    return letter in _IGNORABLE or unicodedata.category(letter) == "Cf"


def as_shown(text: str) -> str:
    """The text as whoever looks at it reads it."""
    return "".join(letter for letter in text if not is_invisible(letter))


_OBEYED: Final = (*range(9), *range(11, 32), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F)
_TURNING: Final = (*range(0x2028, 0x202F), *range(0x2066, 0x206A))
_CODE_POINTS: Final = {point: f"‹U+{point:04X}›" for point in (*_OBEYED, *_TURNING)}


def as_printed(text: str) -> str:
    """The text for a terminal, which obeys controls: they clear what stands there, or write over it. These, and what
    has a line read backwards or ends one, also on a page, stand there as code points; line feed and tab stay.
    """
    return text.translate(_CODE_POINTS)
