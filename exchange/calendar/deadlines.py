"""Deadlines (办结时限): how many working days an answer has, by cycle and item; ``schemas/deadlines.toml``.

Rules
- A batch is due by the earliest deadline of its items; items with a later one keep it. A cycle has at most one later
  deadline.
- An objection has more time once a leader extends it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from exchange.base.errors import Halt
from exchange.base.paths import SCHEMAS
from exchange.base.tables import ITEMS


@dataclass(frozen=True)
class Deadline:
    """A cycle's working days; ``items``: item → its own; ``extended``: with a leader's consent, None where none is
    foreseen.
    """

    code: str
    working_days: int
    items: Mapping[str, int] = field(default_factory=dict)
    extended: int | None = None

    def of(self, item: str) -> int:
        """The item's working days, the cycle's where it has none of its own."""
        return self.items.get(item, self.working_days)


def _load() -> Mapping[str, Deadline]:
    content: dict[str, Any] = tomllib.loads((SCHEMAS / "deadlines.toml").read_text(encoding="utf-8"))
    return MappingProxyType({entry["code"]: _deadline(entry) for entry in content["cycle"]})


def _deadline(entry: Mapping[str, Any]) -> Deadline:
    """Halt where a deadline names an unknown item: it would have no effect, and nobody would notice."""
    if unknown := set(entry.get("items", {})) - set(ITEMS):
        msg = f"schemas/deadlines.toml: {entry['code']}: no item: {', '.join(sorted(unknown))}"
        raise Halt(msg, zh=f"schemas/deadlines.toml 的 {entry['code']} 中有不存在的事项：{'、'.join(sorted(unknown))}")
    return Deadline(**entry)


DEADLINES: Final = _load()
OBJECTION: Final = "objection"
WORKING_DAYS: Final[Mapping[str, int]] = MappingProxyType(
    {code: deadline.working_days for code, deadline in DEADLINES.items()}
)
"""Cycle → working days."""

EXTENDED_OBJECTION: Final = DEADLINES[OBJECTION].extended or WORKING_DAYS[OBJECTION]
"""Working days of an objection that a leader extended, once."""


def earliest(cycle: str, items: Iterable[str]) -> int:
    """The working days of a batch that asks these items; KeyError for an unknown cycle."""
    return min((DEADLINES[cycle].of(item) for item in items), default=DEADLINES[cycle].working_days)


def later_items(cycle: str, items: Iterable[str]) -> Mapping[str, int]:
    """Item → its working days, of those of ``items`` that have more than the batch has."""
    asked = tuple(items)
    first = earliest(cycle, asked)
    return {item: days for item in asked if (days := DEADLINES[cycle].of(item)) > first}
