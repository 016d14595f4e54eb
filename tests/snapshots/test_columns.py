"""Tables gathered part by part: the values of the parts, in the fewest bytes, whatever the parts were."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.demo.province.people import make_people
from exchange.matching.lookup import SortedTable
from exchange.snapshots import columns, population
from exchange.snapshots.columns import Gathered, laid_out, narrow, order_of
from exchange.snapshots.versions import map_table, write_table

DAY = date(2026, 11, 22)
rows = st.tuples(
    st.integers(0, 9),
    st.none() | st.sampled_from(["张三", "王喆", "", "买买提·依明"]),
    st.none() | st.dates(date(1900, 1, 1), date(1900, 1, 5)),
    st.none() | st.integers(-3, 3),
)
SCHEMA = {"key": pl.Int64, "text": pl.String, "day": pl.Date, "code": pl.Int32}


def gathered(frame: pl.DataFrame, cuts: list[int]) -> Gathered:
    table = Gathered()
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), frame.height], strict=True):
        table.add(frame[first:last])
    return table


@given(st.lists(rows, max_size=20), st.lists(st.integers(0, 20), max_size=3), st.permutations(range(20)))
def test_what_was_put_in_comes_out(held: list[tuple[object, ...]], cuts: list[int], order: list[int]) -> None:
    frame = pl.DataFrame(held, schema=SCHEMA, orient="row").sort("key", maintain_order=True)
    cuts = [min(cut, frame.height) for cut in cuts]
    table = gathered(frame, cuts).table()
    wanted = [place for place in order if place < frame.height]
    assert SortedTable(table).take(np.array(wanted, dtype=np.int64), list(SCHEMA)).equals(frame[wanted])
    assert table.equals(laid_out(frame))


@given(st.lists(rows, max_size=40), st.lists(st.integers(0, 40), max_size=40))
def test_rows_lie_by_their_key_and_else_as_they_came(held: list[tuple[object, ...]], cuts: list[int]) -> None:
    """With more cuts than dictionaries are kept, too."""
    frame = pl.DataFrame(held, schema=SCHEMA, orient="row")
    table, goes = gathered(frame, [min(cut, frame.height) for cut in cuts]).sorted_by("key")
    assert table.select(list(SCHEMA)).equals(laid_out(frame.sort("key", maintain_order=True)))
    assert table.column("key").to_numpy()[goes].tolist() == frame["key"].to_list()


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    nobody = pl.DataFrame(schema=SCHEMA)
    write_table(laid_out(nobody), tmp_path / "nobody.arrow")
    found = SortedTable(map_table(tmp_path / "nobody.arrow"))
    assert found.take(np.array([], dtype=np.int64), list(SCHEMA)).equals(nobody)
    assert not found.contains(np.array([1, 2], dtype=np.int64)).any()


@given(st.lists(rows, max_size=20))
def test_sorted_by_codes_is_sorted_by_values(held: list[tuple[object, ...]]) -> None:
    frame = pl.DataFrame(held, schema=SCHEMA, orient="row")
    assert frame[order_of(laid_out(frame), list(SCHEMA))].equals(frame.sort(list(SCHEMA)))


@pytest.mark.parametrize(("distinct", "code"), [(256, pa.uint8()), (257, pa.uint16()), (65_537, pa.uint32())])
def test_codes_are_as_small_as_may_be(distinct: int, code: pa.DataType) -> None:
    assert narrow(pa.array([str(number) for number in range(distinct)])).type.index_type == code


def test_numbers_that_are_seldom_the_same_stay_as_they_are() -> None:
    various = pa.array(range(65_537), pa.int32())
    assert narrow(various) is various
    assert pa.types.is_dictionary(narrow(various[:-1]).type)


def test_parts_leave_no_trace_in_a_population(monkeypatch: pytest.MonkeyPatch) -> None:
    people = next(make_people(3, 3_000)).drop("oddity").lazy()
    whole, counts = population.build_tables(people, DAY)
    monkeypatch.setattr(columns, "PART", 700)
    in_parts, the_same_counts = population.build_tables(people, DAY)
    assert counts == the_same_counts
    assert {name: table.equals(in_parts[name]) for name, table in whole.items()} == dict.fromkeys(whole, True)
