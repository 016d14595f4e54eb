"""Identity numbers in what somebody typed: a note, a file's name, the number of a letter.

Rules
- A number is one of 18 characters or of 15 digits, however wide its digits are, with blanks or signs between them.
- Whoever types into a form of ours is told at once and types anew. So there anything counts that may be a number, with
  whatever is no letter or digit taken out.
- Names and letters are made by partners' programs, and nobody is there to ask. So there a number begins with a
  province and stands between things that are no digits; one that is written apart, or has 15 digits, and whose date is
  of this year, the last or a later one, is a running number (division, day, number), not somebody's.
- What stands in a name in one piece counts always.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache
from typing import Final

from exchange.output.masking import HIDDEN, ID_NUMBER_ANYWHERE

_FORMER_NUMBER: Final = r"[1-9][0-9]{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}"
_ANY: Final = re.compile(f"{ID_NUMBER_ANYWHERE}|{_FORMER_NUMBER}")
_BETWEEN: Final = re.compile(r"[\W_]+")
_LOOKS_LIKE_X: Final = frozenset("ＸｘхХχΧ×✕")


_DIVISION: Final = "(?:1~[1-5]|2~[1-3]|3~[1-7]|4~[1-6]|5~[0-4]|6~[1-5]|7~1|8~[1-3]|9~[0-9])(?:~[0-9]){4}"
"""Of a province of GB/T 2260, with ``~`` where signs may stand; 9 begins the numbers of foreigners' cards."""
_DAY: Final = "(?:0~[1-9]|1~[0-2])~(?:0~[1-9]|[12]~[0-9]|3~[01])"
_NUMBER: Final = f"{_DIVISION}~(?P<year>(?:1~[89]|2~0)~[0-9]~[0-9])~{_DAY}(?:~[0-9]){{3}}~[0-9Xx]"
_FORMER: Final = f"{_DIVISION}~(?P<year>[0-9]~[0-9])~{_DAY}(?:~[0-9]){{3}}"
_FEWEST_DIGITS: Final = 15
_SIGNS: Final = r"[\W_]{0,3}"
_IN_ONE_PIECE: Final = re.compile(_NUMBER.replace("~", ""))
_APART: Final = re.compile(f"(?<![0-9]){_NUMBER}(?![0-9])".replace("~", _SIGNS))
_FORMER_APART: Final = re.compile(f"(?<![0-9]){_FORMER}(?![0-9])".replace("~", _SIGNS))


def holds_number(text: str) -> bool:
    """Whether what somebody types now may hold an identity number."""
    even = "".join(map(_even, unicodedata.normalize("NFKC", text)))
    return _ANY.search(_BETWEEN.sub("", even)) is not None


@lru_cache(maxsize=16_384)  # a folder's names are looked at twice a second
def bears_number(text: str, today: date) -> bool:
    """Whether a name, or a text of a partner's program, holds an identity number."""
    return without_numbers(text, today) != text


def without_numbers(text: str, today: date) -> str:
    """The text with ``***`` in the place of each identity number, and else as it is."""
    if sum(map(str.isdigit, text)) < _FEWEST_DIGITS:  # of nearly all names, thousands of which may lie in a folder
        return text
    for form in (_IN_ONE_PIECE, _APART, _FORMER_APART):
        even = text if text.isascii() else "".join(map(_even, text))
        for found in reversed([*form.finditer(even)]):
            if form is _IN_ONE_PIECE or not _is_running(found["year"], today):
                text = text[: found.start()] + HIDDEN + text[found.end() :]
    return text


def _even(letter: str) -> str:
    """A digit of any width or script as ASCII's, what looks like an X as that, anything else as it is."""
    digit = unicodedata.digit(letter, None)
    return str(digit) if digit is not None else "X" if letter in _LOOKS_LIKE_X else letter


def _is_running(written: str, today: date) -> bool:
    """Whether a number's year, of four digits or two, is one in which sets and letters are numbered."""
    year = int(_BETWEEN.sub("", written))
    return year >= today.year - 1 if year > 99 else abs(2000 + year - today.year) <= 1
