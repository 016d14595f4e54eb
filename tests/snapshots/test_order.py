"""The order of rows by their keys: the one of a stable sort, whatever the keys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.snapshots.order import by_key, inverse

LARGE = 10**17


@pytest.mark.parametrize("base", [0, LARGE - 5])
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2**32 - 1)), max_size=60))
def test_by_key_and_then_by_row(base: int, pairs: list[tuple[int, int]]) -> None:
    """Those that leave room for the row, and those that do not."""
    given = np.array([key for key, _ in pairs], np.int64) + base, np.array([row for _, row in pairs], np.uint32)
    keys, rows = by_key(*given)
    assert (str(keys.dtype), str(rows.dtype)) == ("int64", "uint32")
    assert list(zip((keys - base).tolist(), rows.tolist(), strict=True)) == sorted(pairs)


@given(st.permutations(range(20)))
def test_each_row_goes_where_it_then_is(order: list[int]) -> None:
    rows = np.array(order, np.uint32)
    assert np.arange(20)[rows][inverse(rows)].tolist() == list(range(20))
