"""The table of deadlines: an item's own, and that a batch has one later day at most."""

from __future__ import annotations

from itertools import combinations

import pytest

from exchange.base.errors import Halt
from exchange.base.tables import ITEMS
from exchange.calendar.deadlines import DEADLINES, EXTENDED_OBJECTION, OBJECTION, _deadline, earliest, later_items


def test_items_of_the_table_are_items() -> None:
    assert {item for deadline in DEADLINES.values() for item in deadline.items} <= set(ITEMS)


@pytest.mark.parametrize("cycle", DEADLINES)
def test_a_batch_has_the_earliest_day_and_one_later_at_most(cycle: str) -> None:
    for pair in combinations(ITEMS, 2):
        days = {DEADLINES[cycle].of(item) for item in pair}
        assert earliest(cycle, pair) == min(days)
        assert set(later_items(cycle, pair).values()) == days - {min(days)}
    assert len(set(later_items(cycle, ITEMS).values())) <= 1


def test_an_extended_objection_has_more_time() -> None:
    assert DEADLINES[OBJECTION].working_days < EXTENDED_OBJECTION


def test_a_cycle_that_is_none() -> None:
    with pytest.raises(KeyError):
        earliest("weekly", ["name"])


def test_a_deadline_of_an_item_that_is_none_is_said() -> None:
    with pytest.raises(Halt, match=r"deadlines\.toml: monthly: no item: kinshipp"):
        _deadline({"code": "monthly", "working_days": 5, "items": {"kinshipp": 10, "kinship": 10}})
