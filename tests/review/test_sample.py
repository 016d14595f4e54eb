"""Which rows of a release a leader sees: few, the same ones each time, half of them an officer's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exchange.review.sample import SAMPLE_ROWS, drawn

ROWS = st.sets(st.integers(1, 60), max_size=40)


@given(ROWS, ROWS, st.text(max_size=8))
def test_what_is_drawn(rows: set[int], decided: set[int], seed: str) -> None:
    found = drawn(rows, decided, seed)
    assert found == sorted(set(found) & rows)
    assert len(found) == min(len(rows), SAMPLE_ROWS)
    of_officers, others = len(decided & rows), len(rows - decided)
    half = max(SAMPLE_ROWS // 2, SAMPLE_ROWS - others)
    assert len(set(found) & decided) == min(of_officers, half)
    assert found == drawn(sorted(rows, reverse=True), list(decided), seed)


def test_another_release_another_sample() -> None:
    assert len({tuple(drawn(range(1, 100), range(1, 50), f"{n}")) for n in range(20)}) > 10
    assert {row for n in range(200) for row in drawn(range(1, 11), range(1, 6), f"{n}")} == set(range(1, 11))
