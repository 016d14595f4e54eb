"""What the guard sees of a request: guesses in whatever columns they stand, under whatever spelling."""

from __future__ import annotations

from datetime import date

import polars as pl

from exchange.base.keyed import with_new_key
from exchange.demo.province.numbers import number_of
from exchange.guard.rules import Span, tripped
from exchange.steps.guarding import seen

DAY = date(2026, 11, 27)
RING = with_new_key(None, DAY)


def rules(asked: pl.DataFrame, answers: pl.DataFrame) -> set[str]:
    counts, failed = seen(asked, answers, RING, DAY)
    return {trip.rule for trip in tripped(Span(counts, failed))}


def numbers(count: int) -> list[str]:
    """Of one place and birth date, one after the other."""
    keys = pl.DataFrame({"key": range(22010219900101001, 22010219900101001 + count)})
    return keys.select(number_of(pl.col("key"))).to_series().to_list()


def test_numbers_tried_as_relatives_are_guesses() -> None:
    guessed = numbers(40)
    asked = pl.DataFrame(
        {
            "id_number": ["11010519491231002X"] * 40,
            "name": ["张三"] * 40,
            "relative_id_number": guessed,
            "relative_name": ["李四"] * 40,
        }
    )
    answers = pl.DataFrame({"identity": ["consistent"] * 40, "answer.kinship": ["relative_not_established"] * 40})
    assert {"sequence", "name", "name_disagrees"} <= rules(asked, answers)
    unreadable = asked.with_columns(
        relative_id_number=pl.lit("123"), relative_name=pl.format("李{}", "relative_id_number")
    )
    assert rules(unreadable, answers) == {"name_disagrees"}


def test_a_name_tried_with_many_births_is_a_guess() -> None:
    days = [f"19{year}-0{month}-01" for year in range(60, 64) for month in range(1, 10)]
    asked = pl.DataFrame({"name": ["张三"] * 36, "birth_date": days, "sex": ["1"] * 36})
    answers = pl.DataFrame({"identity": ["not_applicable"] * 36, "answer.unregistered": ["not_registered"] * 36})
    assert rules(asked, answers) == {"name"}
    many_people = asked.with_columns(name=pl.format("张{}", "birth_date"), birth_date=pl.lit("1990-01-01"))
    assert rules(many_people, answers) == set(), "ordinary requests"


def test_blanks_make_no_other_name() -> None:
    asked = pl.DataFrame({"id_number": numbers(36), "name": ["张" + " " * each + "三" for each in range(36)]})
    answers = pl.DataFrame({"identity": ["name_disagrees"] * 36})
    assert "name" in rules(asked, answers)
