"""Who reads and has others waiting leaves what takes long to somebody else; that refuses nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.errors import Refused, Retryable
from exchange.validate.effort import ALLOWED_PER_BYTE, ALWAYS_ALLOWED, Effort, unless_longer_than
from exchange.validate.encoding import to_utf8
from exchange.validate.table import read_table
from exchange.validate.workbook import read_workbook
from tests.validate.workbooks import ITEMS, SOUND, book

CSV = ",".join(("业务编号", "公民身份号码", "姓名", "性别")).encode() + b"\n" + ",".join(SOUND).encode() + b"\n"


@given(st.lists(st.floats(0, 30), max_size=10), st.floats(0, 100), st.integers(0, 1 << 22))
def test_a_file_is_refused_where_it_is_for_everybody_and_left_where_it_is_not(
    spent: list[float], patience: float, size: int
) -> None:
    allowed, so_far = ALWAYS_ALLOWED + ALLOWED_PER_BYTE * size, 0.0
    with unless_longer_than(patience):
        effort = Effort(size)
    for seconds in spent:
        so_far += seconds
        margin = min(abs(so_far - allowed), abs(so_far - patience))
        try:
            effort.spend(seconds)
        except Refused:
            assert so_far > allowed - 1e-6
            return
        except Retryable:
            assert patience - 1e-6 < so_far <= allowed + 1e-6
            return
        assert margin < 1e-6 or so_far <= min(allowed, patience)


@pytest.mark.parametrize(
    "read",
    [
        lambda: to_utf8(CSV),
        lambda: read_table(CSV, ITEMS, 1),
        lambda: read_workbook(book(SOUND), None, ITEMS, 1),
    ],
    ids=["its text", "its table", "a workbook"],
)
def test_whatever_is_read_has_no_more_than_whoever_reads_has(read) -> None:  # type: ignore[no-untyped-def]
    read()
    with unless_longer_than(0.0), pytest.raises(Retryable, match="takes long to be read"):
        read()
    read()
