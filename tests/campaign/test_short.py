"""The campaign's short part: each harm once, by a seed; ``make campaign`` goes on for as long as one likes."""

from __future__ import annotations

import random
from contextlib import closing
from typing import Final

from exchange.demo.world import World
from tests.campaign.harms import HARMS
from tests.campaign.office import Office
from tests.conftest import PEOPLE

SEED: Final = 20261128

ALONE: Final = {
    "snapshots": "other tests' batches have pinned the versions of this world",
    "destroyed": "other tests' batches are not past their time",
}
"""Harm that needs a world of its own: ``make campaign`` → why."""


def test_nothing_is_lost_sent_twice_or_believed(world: World) -> None:
    """One test, because what is left in partners' folders between tests is taken away."""
    office = Office(world, PEOPLE, random.Random(SEED))  # noqa: S311  (no secret)
    with closing(office):
        office.begin()
        for name in sorted(HARMS.keys() - ALONE.keys()):
            done, wrong = HARMS[name](office)
            assert wrong == [], f"{name}: {done}"
