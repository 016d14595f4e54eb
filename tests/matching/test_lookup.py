"""The lookup finds what a plain join finds."""

from __future__ import annotations

from unittest import mock

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.errors import Halt
from exchange.matching import lookup
from exchange.matching.lookup import SortedTable

keys = st.integers(0, 30)


def sorted_table(values: list[int]) -> SortedTable:
    ordered = sorted(values)
    return SortedTable(
        pa.table({"key": pa.array(ordered, pa.int64()), "row": pa.array(range(len(ordered)), pa.int64())})
    )


@given(st.lists(keys, max_size=40), st.lists(keys, max_size=40))
def test_it_finds_what_a_join_finds(held: list[int], wanted: list[int]) -> None:
    table = sorted_table(held)
    found = table.find(np.array(wanted, dtype=np.int64))
    pairs = sorted(zip(found.wanted.tolist(), found.row.tolist(), strict=True))
    left = pl.DataFrame({"key": wanted, "place": range(len(wanted))}, schema={"key": pl.Int64, "place": pl.Int64})
    right = pl.DataFrame({"key": sorted(held), "row": range(len(held))}, schema={"key": pl.Int64, "row": pl.Int64})
    assert pairs == sorted(left.join(right, on="key").select("place", "row").iter_rows())
    assert table.contains(np.array(wanted, dtype=np.int64)).tolist() == [key in held for key in wanted]


@given(st.lists(st.integers(0, 200), max_size=60).map(sorted), st.lists(st.integers(0, 200), max_size=60).map(sorted))
def test_in_pieces_every_place_is_the_same(held: list[int], wanted: list[int]) -> None:
    needles, among = (np.array(values, dtype=np.int64) for values in (wanted, held))
    with mock.patch.object(lookup, "_NEEDLES", 7):
        assert lookup._places(needles, among).tolist() == np.searchsorted(among, needles).tolist()


def test_rows_are_taken_in_the_order_asked() -> None:
    table = sorted_table([5, 7, 9])
    assert table.take(np.array([2, 0, 2]), ["key"])["key"].to_list() == [9, 5, 9]
    assert table.take(np.array([2, -1, 0]), ["key"])["key"].to_list() == [9, None, 5]


def test_a_column_that_an_earlier_snapshot_lacks_asks_for_a_build() -> None:
    table = SortedTable(pl.DataFrame({"key": [1]}, schema={"key": pl.Int64}).to_arrow())
    with pytest.raises(Halt, match=r"several_heads.*build it anew"):
        table.take(np.array([0]), ["several_heads"])
