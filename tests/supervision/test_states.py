"""Every state has its words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import pytest

from exchange.agreements.expected import Arrival
from exchange.register import PickupEvidence, ReleaseState, ReviewState, State
from exchange.supervision.labels import Words
from exchange.supervision.states import ARRIVALS, PICKUPS, RELEASES, REVIEWS, STATES


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (State, STATES),
        (ReviewState, REVIEWS),
        (ReleaseState, RELEASES),
        (Arrival, ARRIVALS),
        (PickupEvidence, PICKUPS),
    ],
)
def test_every_state_has_words_of_its_own(states: type[StrEnum], words: Mapping[StrEnum, Words]) -> None:
    assert set(words) == set(states)
    assert len(set(words.values())) == len(words)
