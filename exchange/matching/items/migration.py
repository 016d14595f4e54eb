"""``migration`` (户口迁移情况): moved in or out, when, from where, to where."""

from __future__ import annotations

from typing import Final

from exchange.matching.items.event import EVENT_KINDS, day_part, division_part, event_rule, word_part

_IN, _OUT = EVENT_KINDS["migration_in"], EVENT_KINDS["migration_out"]
WORDS: Final = {"迁入": _IN, "迁往本地": _IN, "in": _IN, "迁出": _OUT, "out": _OUT}

RULE = event_rule(
    "migration",
    ("migration_in", "migration_out"),
    (
        word_part("migration_kind", WORDS, "event.event", required=True),
        day_part("migration_date", "event.happened_on"),
        division_part("migration_from", "event.from_division"),
        division_part("migration_to", "event.to_division"),
    ),
)
