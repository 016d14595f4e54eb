"""Shares: which of several lookouts watches a partner, and who takes over what nobody watches.

Rules
- A partner's share follows from its id alone, so that each lookout knows all shares without asking.
- Each lookout gives a sign of life under its share's name. Where another share's sign has not moved for
  ``SILENT_SECONDS``, by the clock of whoever looks, every other lookout watches that share, too, until it moves again:
  several at one folder are harmless, the register decides who has a set. Clocks of different machines are not compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

from exchange.base.duty import LOOKOUT, Sign

SILENT_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Share:
    """The ``mine``-th of so many, counted from 0."""

    mine: int = 0
    of: int = 1

    @property
    def sign(self) -> str:
        """The duty under which it gives signs of life."""
        return f"{LOOKOUT}-{self.mine + 1}-of-{self.of}"

    @property
    def others(self) -> list[Share]:
        """All shares but this one."""
        return [replace(self, mine=number) for number in range(self.of) if number != self.mine]

    def number_of(self, partner: str) -> int:
        """The share that this partner is in."""
        return crc32(partner.encode()) % self.of


WHOLE: Final = Share()
"""One lookout for all partners."""


class Silence:
    """When each other lookout's sign of life last changed, by this one's clock."""

    def __init__(self, share: Share, now: float) -> None:
        self._heard: dict[int, tuple[Sign | None, float]] = {other.mine: (None, now) for other in share.others}

    def silent(self, signs: Mapping[Share, Sign | None], now: float) -> set[int]:
        """The shares that have been silent for too long, where these are their signs now."""
        for share, sign in signs.items():
            if sign != self._heard[share.mine][0]:
                self._heard[share.mine] = sign, now
        return {number for number, (_, since) in self._heard.items() if now - since >= SILENT_SECONDS}
