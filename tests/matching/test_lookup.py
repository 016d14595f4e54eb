"""The lookup finds what a plain join finds."""

from __future__ import annotations

import subprocess
import sys
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


@given(st.lists(st.integers(-5, 300), max_size=150), st.lists(st.integers(-9, 310), max_size=60))
def test_among_stretches_and_behind_a_filter_the_same_is_found(held: list[int], wanted: list[int]) -> None:
    plain = _pairs_found(held, wanted, dense=0, few=0)
    assert plain == _pairs_found(held, wanted, dense=10**6, few=0)
    assert plain == _pairs_found(held, wanted, dense=0, few=10**6)
    assert plain == _pairs_found(held, wanted, dense=10**6, few=10**6)
    assert plain == sorted(
        (i, j) for i, one in enumerate(wanted) for j, other in enumerate(sorted(held)) if one == other
    )


def _pairs_found(held: list[int], wanted: list[int], *, dense: int, few: int) -> list[tuple[int, int]]:
    with mock.patch.object(lookup, "_DENSE", dense), mock.patch.object(lookup, "_FEW", few):
        found = sorted_table(held).find(np.array(wanted, dtype=np.int64))
    return sorted(zip(found.wanted.tolist(), found.row.tolist(), strict=True))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.lists(st.integers(-1, 11), max_size=60))
def test_texts_are_the_same_however_many_rows_are_taken(codes: list[int], rows: list[int]) -> None:
    texts = pa.array(["", "张三", "a text of more than twelve octets", "\U00020000", "x", "y"])
    column = pa.DictionaryArray.from_arrays(pa.array([codes[i % len(codes)] for i in range(12)], pa.uint8()), texts)
    table = SortedTable(pa.table({"key": pa.array(range(12), pa.int64()), "text": column}))
    of_each = [table.take(np.array([row]), ["text"])["text"].item() for row in rows]
    with mock.patch.object(lookup, "_FEW", 10**6):
        assert table.take(np.array(rows, dtype=np.int64), ["text"])["text"].to_list() == of_each
    assert of_each == [None if row < 0 else texts[codes[row % len(codes)]].as_py() for row in rows]


COLUMNS = st.sampled_from(
    [
        pa.array([True, False, True, True, False, True, False, False, True, True]),
        pa.array([True, None, False, True, None, True, False, False, True, None]),
        pa.array(range(10), pa.uint8()),
        pa.array([1, None, 3, None, 5, 6, 7, 8, 9, None], pa.int64()),
        pa.array([*"abcdefghi", None]),
        pa.array([*range(9), None], pa.date32()),
        pa.array([*range(9), None], pa.date32()).dictionary_encode(),
        pa.array(["x", "", None, "x", "y", "y", "", None, "x", "z"]).dictionary_encode(),
    ]
)


@given(COLUMNS, st.integers(0, 9), st.lists(st.integers(-2, 8), max_size=30), st.sampled_from([0, 4, 10**6]))
def test_every_kind_of_column_is_taken_as_arrow_takes_it(
    column: pa.Array, begin: int, rows: list[int], few: int
) -> None:
    held = column.slice(begin)
    rows = [row for row in rows if row < len(held)]
    table = SortedTable(pa.table({"key": pa.array(range(len(held)), pa.int64()), "column": held}))
    with mock.patch.object(lookup, "_FEW", few):
        taken = table.take(np.array(rows, dtype=np.int64), ["column"])["column"]
    assert taken.to_list() == held.take(pa.array([None if row < 0 else row for row in rows], pa.int64())).to_pylist()


@pytest.mark.parametrize("column", ["key", "row"])
def test_there_is_no_row_behind_the_last(column: str) -> None:
    with pytest.raises(IndexError):
        sorted_table([5, 7, 9]).take(np.array([0, 3]), [column])


def test_nobody_is_taken_from_an_empty_table() -> None:
    table = SortedTable(pa.table({"key": pa.array([], pa.int64()), "text": pa.array([]).cast(pa.string())}))
    assert table.take(np.array([-1, -1]), ["key", "text"]).to_dict(as_series=False) == {
        "key": [None, None],
        "text": [None, None],
    }


def test_rows_are_taken_in_the_order_asked() -> None:
    table = sorted_table([5, 7, 9])
    assert table.take(np.array([2, 0, 2]), ["key"])["key"].to_list() == [9, 5, 9]
    assert table.take(np.array([2, -1, 0]), ["key"])["key"].to_list() == [9, None, 5]


MANY = """
import sys
import numpy as np, polars as pl
from exchange.matching.codes import sex_code
from exchange.matching.lookup import SortedTable

texts = pl.Series(["a", "b"] * 500, dtype=pl.Enum(["a", "b"]))
flags = pl.Series([True, False] * 500)
table = SortedTable(pl.DataFrame({"key": range(1000), "text": texts, "flag": flags}).to_arrow())
table.take(np.arange(-1, 999), ["key", "text", "flag"])
pl.DataFrame({"sex": ["1", "2"] * 500}).select(sex_code(pl.col("sex")))
print("pyarrow.compute" in sys.modules)
"""


def test_many_rows_are_matched_without_what_takes_a_tenth_of_a_second_to_load() -> None:
    done = subprocess.run([sys.executable, "-c", MANY], capture_output=True, check=True, timeout=60)
    assert done.stdout.strip() == b"False"


def test_a_column_that_an_earlier_snapshot_lacks_asks_for_a_build() -> None:
    table = SortedTable(pl.DataFrame({"key": [1]}, schema={"key": pl.Int64}).to_arrow())
    with pytest.raises(Halt, match=r"several_heads.*build it anew"):
        table.take(np.array([0]), ["several_heads"])
