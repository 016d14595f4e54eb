"""What the guard sees of a request: guesses in whatever columns they stand, under whatever spelling."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from exchange.base.keyed import with_new_key
from exchange.demo.province.numbers import number_of
from exchange.guard.rules import Span, tripped
from exchange.guard.thresholds import THRESHOLDS
from exchange.steps.asked import number_keys
from exchange.steps.guarding import seen

DAY = date(2026, 11, 27)
RING = with_new_key(None, DAY)


def rules(asked: pl.DataFrame, answers: pl.DataFrame) -> set[str]:
    counts, failed = seen(asked, answers, number_keys(asked, DAY), RING)
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


@pytest.mark.parametrize(
    ("item", "claims", "answer"),
    [
        ("ethnicity", {"ethnicity": [f"{code:02}" for code in range(1, 7)]}, "inconsistent"),
        ("registered_address", {"registered_division": ["220102"] * 6}, "inconsistent"),
        ("kinship", {"relative_id_number": numbers(6), "relation": ["子"] * 6}, "not_same_household"),
        ("migration", {"migration_date": [f"202{year}" for year in range(6)]}, "partly_consistent"),
        ("migration", {"migration_date": [f"202{year}" for year in range(6)]}, "source_not_ready"),
    ],
)
def test_what_is_tried_of_somebody_known_is_a_guess(item: str, claims: dict[str, list[str]], answer: str) -> None:
    """Many claims of one item about one person; the same claim again, or one each about many people, is none. A claim
    that waits for its source is answered by a supplement, which nobody judges.
    """
    asked = pl.DataFrame({"id_number": ["11010519491231002X"] * 6, "name": ["张三"] * 6, **claims})
    answers = pl.DataFrame({"identity": ["consistent"] * 6, f"answer.{item}": [answer] * 6})
    tried = any(len(set(said)) > 1 for said in claims.values())
    assert rules(asked, answers) == ({"number"} if tried else set())
    assert rules(asked.with_columns(id_number=pl.Series(numbers(6))), answers) == set()
    assert rules(asked, answers.with_columns(pl.lit("consistent").alias(f"answer.{item}"))) == set()


def test_of_a_large_set_that_waits_claims_count_where_somebody_is_asked_about_again() -> None:
    rows = THRESHOLDS.small_set
    people = [11010519000101000 + number for number in range(rows)] + [11010519491231002] * 6
    asked = pl.DataFrame({"id_number": [""] * (rows + 6), "migration_date": [f"{each}" for each in range(rows + 6)]})
    answers = pl.DataFrame({"identity": ["consistent"] * (rows + 6)})
    answers = answers.with_columns(pl.lit("source_not_ready").alias("answer.migration"))
    counts, failed = seen(asked, answers, {"id_number": pl.Series(people)}, RING)
    assert len(failed.numbers) == 6
    assert {trip.rule for trip in tripped(Span(counts, failed))} == {"number"}


def test_a_name_tried_with_many_births_is_a_guess() -> None:
    days = [f"19{year}-0{month}-01" for year in range(60, 64) for month in range(1, 10)]
    asked = pl.DataFrame({"name": ["张三"] * 36, "birth_date": days, "sex": ["1"] * 36})
    answers = pl.DataFrame({"identity": ["not_applicable"] * 36, "answer.unregistered": ["not_registered"] * 36})
    assert rules(asked, answers) == {"name"}
    many_people = asked.with_columns(name=pl.format("张{}", "birth_date"), birth_date=pl.lit("1990-01-01"))
    assert rules(many_people, answers) == set(), "ordinary requests"


@pytest.mark.parametrize("family", ["闫", "阎", "閻"])
def test_forms_of_a_name_make_no_other_name(family: str) -> None:
    """Traditional, variant and private-use characters, of which a hit would be told as a variant."""
    given = ["三", *map(chr, range(0xF000, 0xF020)), *map(chr, range(0xF0000, 0xF0010))]
    names = [family + each for each in given[1:]]
    asked = pl.DataFrame({"id_number": numbers(len(names)), "name": names})
    answers = pl.DataFrame({"identity": ["name_disagrees"] * len(names)})
    assert "name" in rules(asked, answers)
    mixed = ["张三丰", "張三丰", "张三豐", "張三豐"]
    asked = pl.DataFrame({"id_number": births(36), "name": mixed * 9})
    assert "name" in rules(asked, pl.DataFrame({"identity": ["no_such_number"] * 36}))


def births(count: int) -> list[str]:
    """Numbers of one place, each of another birth."""
    days = [date(1985, 1, 1) + timedelta(days=each) for each in range(count)]
    keys = pl.DataFrame({"key": [int(f"220102{day:%Y%m%d}001") for day in days]})
    return keys.select(number_of(pl.col("key"))).to_series().to_list()


def test_births_tried_of_one_mother_are_guesses() -> None:
    """Of a child that is not registered nothing else is known; one birth each of many mothers is an ordinary set."""
    days = [f"2025-0{month}-15" for month in range(1, 10)]
    asked = pl.DataFrame({"mother_id_number": births(1) * 9, "birth_date": days, "sex": [""] * 9})
    answers = pl.DataFrame({"identity": ["not_applicable"] * 9, "answer.unregistered": ["not_registered"] * 9})
    assert rules(asked, answers) == {"number"}
    assert rules(asked.head(THRESHOLDS.number_names - 1), answers.head(THRESHOLDS.number_names - 1)) == set()
    assert rules(asked.with_columns(mother_id_number=pl.Series(births(9))), answers) == set()
    assert rules(asked.with_columns(birth_date=pl.lit("2025-01-15")), answers) == set(), "the same once more"


def test_blanks_make_no_other_name() -> None:
    asked = pl.DataFrame({"id_number": numbers(36), "name": ["张" + " " * each + "三" for each in range(36)]})
    answers = pl.DataFrame({"identity": ["name_disagrees"] * 36})
    assert "name" in rules(asked, answers)
