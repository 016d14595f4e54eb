"""Errors say what happens next and carry no value."""

from __future__ import annotations

import polars as pl
import pytest

from exchange.base.errors import Halt, Refused, Retryable, without_values
from exchange.matching import id_numbers

CANARY = "11010519491231002X"


def test_an_unforeseen_error_tells_kind_and_place_only() -> None:
    with pytest.raises(Halt) as halted, without_values():
        pl.DataFrame({"text": [CANARY]}).select(pl.col("text").str.to_date("%Y-%m-%d"))
    assert CANARY not in str(halted.value)
    assert str(halted.value).startswith("unexpected InvalidOperationError at ")
    assert halted.value.__cause__ is None


def test_the_place_is_the_last_of_our_own() -> None:
    with pytest.raises(Halt, match=r"at id_numbers\.py:\d+$"), without_values():
        id_numbers.standardise(pl.DataFrame({"other": [CANARY]}), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [Refused("no_rows"), Retryable("later"), Halt("look")])
def test_our_own_errors_go_through_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, without_values():
        raise error
    assert raised.value is error


def test_a_refusal_names_its_place() -> None:
    assert str(Refused("column_missing", row=3, column="sex")) == "refused: column_missing, row 3, column sex"
