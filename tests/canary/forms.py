"""The forms in which a planted word may lie in a database, a log or a name: as it is, and as libraries write it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

ENCODINGS = ("utf-8", "gb18030", "utf-16-le")


def forms(word: str) -> set[str]:
    """As text, in JSON's and Python's escapes, in a URL, and as bytes in hex or base64, as a database shows them."""
    found = {word, json.dumps(word)[1:-1], ascii(word)[1:-1], quote(word)}
    for encoding in ENCODINGS:
        content = word.encode(encoding)
        found |= {content.hex(), repr(content)[2:-1], *_in_base64(content)}
    return found


def _in_base64(content: bytes) -> Iterator[str]:
    """What is in the base64 of any text around these bytes, wherever they begin."""
    for before in range(3):
        whole = (len(content) + before) // 3 * 4
        written = base64.b64encode(b"\0" * before + content).decode()
        yield written[-(-before * 8 // 6) : whole]


def named(words: list[str], text: str) -> list[str]:
    """Those of these words that the text holds in some form."""
    return [word for word in words if any(form in text for form in forms(word))]
