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
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from exchange.places import SCHEMAS

_EDITIONS: Final = ("2005", "2022")
"""Those that moved characters which Python's codec still reads as private."""


@cache
def private_use() -> Mapping[str, str]:
    """Private-use character → Unicode's own, for all that GBK or an edition of GB 18030 had there."""
    return MappingProxyType({private: character for private, character, _ in _rows()})


def to_utf8(content: bytes) -> bytes:
    """The text in UTF-8; UnicodeDecodeError where the bytes are no GB 18030."""
    text = content.decode("gb18030")
    utf8 = text.encode()
    return text.translate(_moved()).encode() if _may_hold(utf8, _beginnings()) else utf8


def from_utf8(utf8: bytes) -> bytes:
    """The bytes in GB 18030; every character of Unicode has some."""
    text = utf8.decode()
    if _may_hold(utf8, _beginnings(moved_back=True)):
        text = text.translate({ord(character): chr(point) for point, character in _moved().items()})
    return text.encode("gb18030")


@cache
def _moved() -> Mapping[int, str]:
    return {ord(private): character for private, character, edition in _rows() if edition in _EDITIONS}


@cache
def _beginnings(*, moved_back: bool = False) -> frozenset[bytes]:
    """What the UTF-8 of the characters that are moved begins with. Translating a text looks at each character in
    Python, 25 times slower than looking whether it is needed, which it hardly ever is.
    """
    characters = _moved().values() if moved_back else map(chr, _moved())
    return frozenset(character.encode()[:2] for character in characters)


def _may_hold(utf8: bytes, beginnings: frozenset[bytes]) -> bool:
    return any(beginning in utf8 for beginning in beginnings)


def _rows() -> list[tuple[str, str, str]]:
    """(private-use character, Unicode's own, edition)."""
    with (SCHEMAS / "private_use.csv").open(encoding="utf-8", newline="") as table:
        return [(chr(int(row["private_use"], 16)), row["character"], row["edition"]) for row in csv.DictReader(table)]
