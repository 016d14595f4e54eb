"""GB 18030 as its edition of 2022 has it, which Python's codec (edition of 2000) is not.

Rules
- Characters that older editions kept in the private-use area are read as Unicode's own characters wherever the edition
  of 2022 (or that of 2005) has taken them up, and written at their old places: FE59 is 龴 U+9FB4, not U+E81E.
- The four bytes that Unicode's own code point had before (82359037 for U+9FB4) are read as the same character.
- Everything else goes both ways unchanged.

Source of the table: ``schemas/private_use.csv`` (annexes of GB 18030-2000, -2005 and -2022; ``schemas/sources``).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from exchange.base.paths import SCHEMAS

_EDITIONS: Final = ("2005", "2022")
"""The editions of GB 18030 that moved characters which Python's codec still reads as private."""


@cache
def private_use() -> Mapping[str, str]:
    """Private-use character → Unicode's own, for all that GBK or an edition of GB 18030 had there."""
    return MappingProxyType({private: character for private, character, _ in _rows()})


def to_utf8(content: bytes) -> bytes:
    """The text in UTF-8; UnicodeDecodeError where the bytes are no GB 18030."""
    moved = _moved()
    return _any_of(moved).sub(lambda match: moved[match[0]], content.decode("gb18030")).encode()


def from_utf8(utf8: bytes) -> bytes:
    """The bytes in GB 18030; every character of Unicode has some."""
    back = {character: private for private, character in _moved().items()}
    return _any_of(back).sub(lambda match: back[match[0]], utf8.decode()).encode("gb18030")


@cache
def _moved() -> Mapping[str, str]:
    return {private: character for private, character, edition in _rows() if edition in _EDITIONS}


def _any_of(characters: Iterable[str]) -> re.Pattern[str]:
    """Finding the few that there are takes a fifth of the time of ``str.translate``, which asks for every character."""
    return re.compile(f"[{''.join(characters)}]")


def _rows() -> list[tuple[str, str, str]]:
    """(private-use character, Unicode's own, edition)."""
    with (SCHEMAS / "private_use.csv").open(encoding="utf-8", newline="") as table:
        return [(chr(int(row["private_use"], 16)), row["character"], row["edition"]) for row in csv.DictReader(table)]
