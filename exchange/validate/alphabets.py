"""Whether a word is one that anybody writes, by the alphabets of its letters.

Rules
- Bytes of GB 18030 that are whole UTF-8 by accident are letters of two bytes each there, from Latin to N'Ko, as chance
  has it. A word is of one alphabet; Chinese beside Latin is written, too (``张José``).
- Latin letters beyond ASCII stand among plain ones: a word of several of them alone is none. A single one may be
  (``É``), and what is written with more than two bytes for a letter (``Đỗ``) is not judged.
- Signs of Latin-1 are as its letters, but for quotation marks and the middle dot; so are the marks above and below
  letters, but for those of Greek and Cyrillic. Controls and what Unicode has no letter for are in no word, and no word
  begins with a mark.

Source: Unicode's blocks of U+0080 to U+07FF.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LATIN_LETTERS: Final = "\u00a1-\u00aa\u00ac\u00ae-\u00b6\u00b8-\u00ba\u00bc-\u02ff\u0309-\u036f"
_ALPHABETS: Final = tuple(
    re.compile(f"[{letters}]")
    for letters in (
        _LATIN_LETTERS,
        "\u0370-\u03e1\u03f0-\u03ff",  # Greek
        "\u03e2-\u03ef",  # Coptic
        "\u0400-\u052f",  # Cyrillic
        "\u0530-\u058f",  # Armenian
        "\u0590-\u05ff",  # Hebrew
        "\u0600-\u06ff\u0750-\u077f",  # Arabic
        "\u0700-\u074f",  # Syriac
        "\u0780-\u07bf",  # Thaana
        "\u07c0-\u07ff",  # N'Ko
    )
)
_LATIN: Final = 0
_LATIN_ALONE: Final = re.compile(f"[{_LATIN_LETTERS}\u0300-\u0308]{{2,}}")
_NEVER: Final = re.compile("^[\u0300-\u036f]|[\u0080-\u009f]")
_HAN: Final = "[\u3400-\u9fff]"
_WORD: Final = "[A-Za-z\u0080-\u009f\u00a1-\u00b6\u00b8-\U0010ffff]+"


def has_unwritten_word(text: str) -> bool:
    """Whether a word of this text is one that nobody writes."""
    return any(_is_unwritten(word) for word in re.findall(_WORD, text) if not word.isascii())


def _is_unwritten(word: str) -> bool:
    if _NEVER.search(word) or any(unicodedata.category(letter) == "Cn" for letter in word):
        return True
    alphabets = [number for number, letters in enumerate(_ALPHABETS) if letters.search(word)]
    if alphabets == [_LATIN]:
        return _LATIN_ALONE.fullmatch(word) is not None
    return len(alphabets) > 1 or (len(alphabets) == 1 and re.search(_HAN, word) is not None)
