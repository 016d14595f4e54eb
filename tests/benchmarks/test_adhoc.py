"""What the lane's benchmark works out of its figures."""

from __future__ import annotations

import pytest

from benchmarks.adhoc.annual import share_covered
from benchmarks.adhoc.page import percentile_95


@pytest.mark.parametrize(
    ("spans", "share"),
    [
        ([(0, 20)], 1.0),
        ([(0, 12), (11, 30)], 1.0),
        ([(8, 12), (18, float("inf"))], 0.4),
        ([(12, 14), (12, 14), (13, 15)], 0.3),
        ([(0, 5), (25, 30)], 0.0),
    ],
)
def test_the_share_of_the_time_beside_an_annual_batch(spans: list[tuple[float, float]], share: float) -> None:
    assert share_covered(spans, 10, 20) == pytest.approx(share)


def test_one_slow_set_of_thirty_is_above_the_95th_percentile() -> None:
    assert percentile_95([1.0] * 29 + [50.0]) == 1.0
    assert percentile_95([1.0] * 27 + [50.0] * 3) == 50.0
    assert percentile_95([2.0]) == 2.0
