"""``address_change`` (住址变动情况): a move inside one jurisdiction: when, from which address, to which."""

from __future__ import annotations

from exchange.matching.items.event import address_part, day_part, event_rule

RULE = event_rule(
    "address_change",
    ("address_change",),
    (
        day_part("address_change_date", "event.happened_on", required=True),
        address_part("address_change_from", "event.from_address"),
        address_part("address_change_to", "event.to_address"),
    ),
)
