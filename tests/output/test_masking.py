"""A row reference holds no whole identity number once it is masked, whatever stands in it: a result that held one would
not pass its gate, and the batch, accepted, would never be answered.
"""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.output.masking import masked_reference, whole_numbers

NUMBER = "220102199003071227"
PIECES = st.sampled_from(
    [NUMBER, f"{NUMBER[:-1]}X", f"{NUMBER[:-1]}x", "19900307", "01", "220102", "9", "x", "-", "编"]
)


def masked(*references: str) -> pl.Series:
    return pl.DataFrame({"row_ref": references}).select(masked_reference(pl.col("row_ref"))).to_series()


@given(st.lists(st.lists(PIECES, max_size=12).map("".join), min_size=1, max_size=5))
def test_no_whole_number_is_left(references: list[str]) -> None:
    assert whole_numbers(masked(*references)) == 0


@pytest.mark.parametrize(
    ("reference", "echoed"),
    [
        ("22010219900307122701199003071227", "220102********1227"),
        ("A22010219900307122701199003071227-7", "A220102********1227-7"),
        (f"{NUMBER}{NUMBER}", "220102********1227220102********1227"),
        (f"{NUMBER}01", "220102********122701"),
        (f"{NUMBER},{NUMBER[:-1]}X1", "220102********1227,220102********122X1"),
    ],
)
def test_numbers_that_share_digits(reference: str, echoed: str) -> None:
    """What stands behind a number goes with it only where both together make another one."""
    assert masked(reference, "R1").to_list() == [echoed, "R1"]
