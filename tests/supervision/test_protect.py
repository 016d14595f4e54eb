"""What leaves the office: no small count, and none that a sum would give away."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.matching.divisions import division_name
from exchange.supervision.aggregates import Aggregates
from exchange.supervision.charts import draw_charts
from exchange.supervision.page import text
from exchange.supervision.protect import BASE, LEAST_SHOWN, protected, shown
from exchange.supervision.summary import sentences
from exchange.supervision.table import People
from exchange.supervision.tables import all_tables
from tests.examples import one_in

from .invented import MONTH, aggregates

COLUMNS = {
    "answers": ["people"],
    "reviews": ["decided", "open"],
    "approvals": ["people"],
    "objections": ["answered", "upheld"],
    "doubtful": ["people"],
}
SMALL = st.integers(1, LEAST_SHOWN - 1)


@pytest.mark.parametrize(
    ("n", "seen"), [(0, 0), (1, None), (9, None), (10, 10), (14, 10), (15, 20), (99, 100), (1234, 1230)]
)
def test_a_count_as_it_is_shown(n: int, seen: int | None) -> None:
    assert pl.DataFrame({"n": [n]}).select(shown(pl.col("n"))).item() == seen


def everything(found: Aggregates) -> tuple[Any, ...]:
    """All that the report for outside says."""
    tables = all_tables(protected(found), division_name)
    return tables, sentences(tables), draw_charts(protected(found), tables, MONTH)


@one_in(4)
@given(seed=st.integers(0, 1000), data=st.data())
def test_with_other_small_counts_behind_it_the_report_reads_the_same(seed: int, data: st.DataObject) -> None:
    """So nobody can derive one from sums: whatever is shown is the same for every value that it could have."""
    first = aggregates(seed, batches=25)
    changed = {
        name: getattr(first, name).with_columns(
            pl.Series(column, [data.draw(SMALL) if 0 < n < LEAST_SHOWN else n for n in getattr(first, name)[column]])
            for column in columns
        )
        for name, columns in COLUMNS.items()
    }
    assert everything(first.with_frames(**changed)) == everything(first)


@one_in(7)
@given(st.integers(0, 1000))
def test_no_small_count_and_no_batch_is_in_it(seed: int) -> None:
    tables, _, _ = everything(aggregates(seed))
    people = [value for each in tables.values() for row in each.rows for value in row if isinstance(value, People)]
    assert people
    assert {value.n % BASE for value in people} == {0}
    late = tables["late"]
    assert not any(row[[column.name for column in late.head.columns].index("batch")] for row in late.rows)


def test_every_column_of_people_is_protected() -> None:
    """A column that is added to the report and holds people must be protected, too."""
    for code, table in all_tables(protected(aggregates()), division_name).items():
        for place, column in enumerate(table.head.columns):
            if column.kind == "people":
                assert all(isinstance(row[place], People) for row in table.rows), code


def test_how_a_count_that_is_not_shown_is_written() -> None:
    assert [text("people", each) for each in (People(0, True), People(1230, True), People(0), People(50))] == [
        "＊",
        "1,230＋",
        "0",
        "50",
    ]


ANSWERS = st.dictionaries(
    st.sampled_from(["consistent", "inconsistent", "not_answered"]), st.integers(0, 3 * LEAST_SHOWN), min_size=1
)


@given(ANSWERS)
def test_no_answer_is_all_where_another_one_is_not_shown(counts: dict[str, int]) -> None:
    """In the table, and on the chart, whose sums say that something is missing."""
    rows = [("p", "p", "city", "monthly", "name", code, n) for code, n in counts.items() if n]
    frame = pl.DataFrame(rows, schema=aggregates().answers.schema, orient="row")
    found = protected(aggregates().with_frames(answers=frame))
    tables = all_tables(found, division_name)
    hidden = any(n < LEAST_SHOWN for *_, n in rows)
    is_all = [text("share", row[3]) == "100.0%" for row in tables["answers"].rows]
    assert any(is_all) == (len(rows) == 1 and not hidden)
    chart = draw_charts(found, tables, MONTH).get("answers", "")
    assert ("100.0%" in chart, "＋</text>" in chart) == (any(is_all), hidden and bool(chart))
