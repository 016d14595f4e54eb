"""The campaign's short part: some harms once, by a seed; ``make campaign`` does all, for as long as one likes."""

from __future__ import annotations

import random
from contextlib import closing
from typing import Final

from exchange.demo.world import World
from tests.campaign.harms import HARMS
from tests.campaign.office import Office
from tests.once import PEOPLE

SEED: Final = 20261128

SHORT: Final = (
    "killed: whole way", "killed: released", "killed: objected", "killed: copied", "killed: rekeyed",
    "forged: file", "forged: row", "forged: rolled back", "forged: configuration",
)  # fmt: skip
"""What does not need a world of its own, and is no trouble for the servers that all tests share."""


def test_nothing_is_lost_sent_twice_or_believed(world: World) -> None:
    """One test, because what is left in partners' folders between tests is taken away."""
    office = Office(world, PEOPLE, random.Random(SEED), kills=5, traces=False)  # noqa: S311  (no secret)
    with closing(office):
        office.begin()
        for name in SHORT:
            done, wrong = HARMS[name](office)
            assert wrong == [], f"{name}: {done}"
