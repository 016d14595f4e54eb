"""Which incomplete sets of a folder need not be read again: what the register knows of them still holds.

Rules
- What a set lacks is told by its files' names, sizes and times and by what its manifest says. While nothing of the
  listing has moved, the reason stands, and the set is not read: ten thousand of them took all of a look's time, each
  minute, so that the look was cut off before it had written any of them down.
- Times are whole seconds, and some clients give a file its full size before they fill it: a set is read at each look
  until that second is over for certain.
- A few are read at each look whatever the listing says, of many some at a time, by turns: a server's listing may lie, a
  right to read may come without one, another version of this software may read otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

from exchange.base.files import sha256
from exchange.register import UnfinishedSet
from exchange.wire.transport import RemoteFile

READ_AGAIN: Final = 200
"""Sets in which nothing moved that are read again in one look, at most: about a second at a server nearby."""

_SECOND_OVER: Final = timedelta(minutes=2)
_TURN_SECONDS: Final = 60

Sign = tuple[str, int, int]
"""Name, size and time of a file as it was listed."""


def fingerprint(reason: str, signs: Iterable[Sign]) -> str:
    """Another one once the set lacks something else, or a file of it moved."""
    return sha256(json.dumps([reason, [*map(list, signs)]]).encode())


def signs_of(files: Iterable[RemoteFile]) -> list[Sign]:
    """What of these files is listed."""
    return [(file.name, file.size, file.mtime) for file in files]


def as_before(known: Iterable[UnfinishedSet], sets: Mapping[str, Sequence[RemoteFile]]) -> dict[str, UnfinishedSet]:
    """Stem → what the register knows of it, of the sets in which nothing has moved since. ``known``: what the register
    has of this partner; ``sets``: stem → its files as they were listed now.
    """
    return {
        left.stem: left
        for left in known
        if left.stem in sets and left.fingerprint == fingerprint(left.reason, signs_of(sets[left.stem]))
    }


def to_read(sets: Iterable[str], before: Mapping[str, UnfinishedSet], now: datetime) -> list[str]:
    """The stems that are read in this look, in this order: new ones and those that moved, those whose last second may
    not be over, and of all others those whose turn it is. ``before``: see :func:`as_before`.
    """
    fresh = [stem for stem, left in before.items() if now - left.first_seen < _SECOND_OVER]
    return [*(stem for stem in sets if stem not in before), *fresh, *in_turn(before.keys() - set(fresh), now)]


def in_turn(stems: Iterable[str], now: datetime) -> list[str]:
    """Those of these sets that are read again in this minute's look."""
    every = sorted(stems)
    first = crc32(b"%d" % (now.timestamp() // _TURN_SECONDS)) % len(every) if every else 0
    return [*every[first:], *every[:first]][:READ_AGAIN]
