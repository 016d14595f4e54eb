"""Sealed juvenile records (Criminal Procedure Law art. 286): the boundary, day by day and month by month."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from exchange.matching.id_numbers import check_character
from exchange.snapshots.offences import build_tables

TODAY = date(2026, 11, 23)
KEY = 22010220000615101  # an invented person, born on 15 June 2000


def kept(kind: str, offence_date: str, months: str) -> bool:
    number = pl.select(pl.lit(str(KEY)) + check_character(pl.lit(KEY))).item()
    record = {
        "id_number": number, "name": "某", "kind": kind, "offence_date": offence_date, "decided_on": offence_date,
        "effective_on": offence_date, "sentence_months": months,
    }  # fmt: skip
    tables, _ = build_tables(pl.LazyFrame([record]), TODAY)
    return bool(tables["records"].num_rows == 1)


@pytest.mark.parametrize(
    ("offence_date", "months", "is_kept"),
    [
        ("2018-06-14", "60", False),  # seventeen
        ("2018-06-15", "60", False),  # the eighteenth birthday itself: eighteen from the day after
        ("2018-06-16", "60", True),
        ("2018-06-15", "61", True),  # more than five years
        ("2018-06-15", "9999", True),  # life
        ("2018-06-15", "", False),  # a lighter penalty than imprisonment
        ("2018-06-16", "", True),
        ("2014-06-20", "1", False),
    ],
)
def test_judgments(offence_date: str, months: str, is_kept: bool) -> None:
    assert kept("judgment", offence_date, months) == is_kept


@pytest.mark.parametrize("kind", ["administrative_penalty", "drug", "pending", "non_prosecution"])
def test_only_judgments_are_sealed_by_this_rule(kind: str) -> None:
    assert kept(kind, "2017-01-01", "")
