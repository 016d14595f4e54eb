"""How many rows PostgreSQL had in hand for a question: the same on every machine, however busy."""

from __future__ import annotations

from typing import Any, Final

EXPLAIN: Final = "EXPLAIN (ANALYZE, FORMAT JSON) "


def looked_at(told: list[dict[str, Any]]) -> int:
    """Rows that the nodes of a plan gave on or threw away, by what EXPLAIN told of it."""
    return round(_in_hand(told[0]["Plan"]))


def _in_hand(node: dict[str, Any]) -> float:
    thrown = sum(number for name, number in node.items() if name.startswith("Rows Removed by"))
    beneath = sum(map(_in_hand, node.get("Plans", [])))
    return float((node["Actual Rows"] + thrown) * node["Actual Loops"] + beneath)
