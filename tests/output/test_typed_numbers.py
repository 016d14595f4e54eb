"""However an identity number is typed into a name or a letter, it is found; what numbers sets and letters is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.matching.id_numbers import CHECK_CHARACTERS, WEIGHTS
from exchange.output.masking import HIDDEN
from exchange.output.typed_numbers import bears_number, holds_number, without_numbers

TODAY = date(2026, 11, 23)


def number(division: int, born: date, sequence: int) -> str:
    digits = f"{division:06}{born:%Y%m%d}{sequence:03}"
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, digits, strict=True))
    return digits + CHECK_CHARACTERS[total % 11]


def former(whole: str) -> str:
    """Its 15 digits, as they were issued to who was born before October 1999."""
    return whole[:6] + whole[8:17]


numbers = st.builds(
    number,
    st.sampled_from([110105, 220102, 440524, 530102, 659001, 710000, 810000]),
    st.dates(date(1930, 1, 1), date(1999, 9, 30)),
    st.integers(1, 999),
)

WRITTEN: dict[str, Callable[[str], str]] = {
    "whole": str,
    "small x": str.lower,
    "15 digits": former,
    "hyphens": lambda whole: f"{whole[:6]}-{whole[6:14]}-{whole[14:]}",
    "underscores": lambda whole: f"{whole[:6]}_{whole[6:10]}_{whole[10:14]}_{whole[14:]}",
    "dots": lambda whole: f"{whole[:6]}.{whole[6:14]}.{whole[14:]}",
    "blanks": lambda whole: f"{whole[:6]} {whole[6:14]} {whole[14:]}",
    "digit by digit": "-".join,
    "15 digits, apart": lambda whole: f"{whole[:6]}-{whole[8:14]}-{whole[14:17]}",
    "full width": lambda whole: "".join(chr(ord(letter) + 0xFEE0) for letter in whole),
    "full width, apart": lambda whole: "　".join(chr(ord(letter) + 0xFEE0) for letter in whole),
}
AROUND = ["{}", "court.{}", "court.{}-2", "court.2026-{}", "介字〔2026〕7号（张某 {}）", "{}，{}"]


@pytest.mark.parametrize("form", WRITTEN)
@given(around=st.sampled_from(AROUND), whole=numbers)
def test_a_number_is_found_however_it_is_written(form: str, around: str, whole: str) -> None:
    written = WRITTEN[form](whole)
    text = around.replace("{}", written)
    assert bears_number(text, TODAY)
    assert holds_number(text)
    assert without_numbers(text, TODAY) == around.replace("{}", HIDDEN)


RUNNING = [
    "court.{day:%Y%m%d}-0001",
    "court.{day:%Y%m%d}-101112-{run:06}",
    "court.{day:%Y%m%d}101112{run:06}",
    "court.{day:%Y-%m-%d}-{run:03}",
    "court.{day:%Y-%m-%d-%H-%M-%S}-{run:06}",
    "court.220102-{day:%Y%m%d}-{run:04}",
    "court.220102-{day:%y%m%d}-{run:03}",
    "court.220102{day:%y%m%d}{run:03}",
    "court.2026-Q4-{run:012}",
    "court.{run:020}",
    "court.set-{run:012x}",
    "（2026）吉0102刑初{run}号",
    "吉公介字〔2026〕第{run:08}号",
    "",
]


@pytest.mark.parametrize("form", RUNNING)
@given(ahead=st.integers(-320, 30), run=st.integers(0, 999))
def test_what_numbers_sets_and_letters_is_none(form: str, ahead: int, run: int) -> None:
    text = form.format(day=TODAY + timedelta(days=ahead), run=run)
    assert not bears_number(text, TODAY)
    assert without_numbers(text, TODAY) == text
