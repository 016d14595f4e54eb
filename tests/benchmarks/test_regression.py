"""What the regression set says of the ratios that it has measured."""

from __future__ import annotations

import json

import pytest

from benchmarks.regression import MAX_GROWTH, NAME, compared, grown
from benchmarks.report import RESULTS
from exchange.base.paths import ROOT


@pytest.mark.parametrize(
    ("now", "slower"),
    [(1.0, []), (MAX_GROWTH, []), (MAX_GROWTH + 0.01, ["match"]), (0.2, [])],
)
def test_only_what_grew_beyond_the_limit_is_slower(now: float, slower: list[str]) -> None:
    assert grown({"match": now, "new": 9.0}, {"match": 1.0}) == slower


def test_each_measure_stands_beside_what_was_recorded() -> None:
    assert compared({"match": 1.1, "new": 2.0}, {"match": 1.0, "gone": 1.0}) == [
        ("match", "1.10 ×", "1.00 ×", "+10%"),
        ("new", "2.00 ×", "", "new"),
    ]


def test_the_recorded_ratios_are_there() -> None:
    recorded = json.loads((ROOT / "benchmarks" / RESULTS).read_bytes())[NAME]["figures"]
    assert set(recorded) == {"match, dirty", "match, clean", "one answer", "snapshot", "batch"}
    assert all(ratio > 0 for ratio in recorded.values())
