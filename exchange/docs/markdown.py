"""Tables of the generated documents, and the texts in them: what cannot be seen in print (blanks at an end, invisible
and private-use characters) is shown by its code point.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

_EMPTY: Final = "（空）"
_LOOKS_DIFFERENT: Final = range(0xF900, 0xFB00)  # compatibility ideographs
_INVISIBLE: Final = ("Cc", "Cf", "Co", "Cn", "Zs", "Zl", "Zp")


def table(header: str, rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown; ``header`` with its columns parted by bars. No cell holds a bar or a line's end."""
    columns = header.count("|") + 1
    lines = [f"| {header} |", "|" + "---|" * columns, *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def visible(text: str) -> str:
    """The text in a code span, with everything in it to be seen."""
    inner = text.strip(" ")
    before, after = len(text) - len(text.lstrip(" ")), len(text) - len(text.rstrip(" "))
    shown = "".join(f"⟨U+{ord(letter):04X}⟩" if _hidden(letter) else letter for letter in inner)
    shown = "␠" * before + shown + "␠" * (after if inner else 0)
    return f"`{shown}`".replace("|", "\\|") if shown else _EMPTY


def _hidden(character: str) -> bool:
    if character == " ":
        return False
    variation = "VARIATION SELECTOR" in unicodedata.name(character, "")
    return variation or ord(character) in _LOOKS_DIFFERENT or unicodedata.category(character) in _INVISIBLE
