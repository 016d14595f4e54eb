"""Identity numbers: GB 11643-1999, and what people make of them."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.matching import id_numbers
from exchange.matching.id_numbers import CHECK_CHARACTERS, WEIGHTS, standardise

TODAY = date(2026, 11, 23)
A, B = "11010519491231002X", "440524188001010014"  # the standard's own examples


def standard(*claims: str) -> pl.DataFrame:
    return standardise(pl.DataFrame({"id_number": claims}, schema={"id_number": pl.String}), TODAY)


def check_character(first_17: str) -> str:
    """ISO 7064 MOD 11-2 by its own recurrence, without the weights."""
    product = 0
    for digit in first_17:
        product = (product + int(digit)) * 2 % 11
    return "0123456789X"[(12 - product) % 11]


@pytest.mark.parametrize("number", [A, B])
def test_the_standards_examples(number: str) -> None:
    (row,) = standard(number).iter_rows(named=True)
    assert row == {
        "id_number": number, "key": int(number[:17]), "id_fault": None, "id_from_15": False, "id_repaired": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "same_as"),
    [
        ("１１０１０５１９４９１２３１００２Ｘ", A),
        *[(f"11010519491231002{like_x}", A) for like_x in "xｘхХχΧ×✕"],
        (" 11010519491231002X ", A),
        ("110105 19491231 002X", A),
        ("110105-19491231-002X", A),
        ("110105–19491231—002X", A),
        ("'440524188001010014", B),
        ("‘440524188001010014", B),
        ("　440524188001010014", B),
        ("\u200b440524188001010014", B),
    ],
)
def test_what_is_repaired_and_said(claim: str, same_as: str) -> None:
    (row,) = standard(claim).iter_rows(named=True)
    assert (row["key"], row["id_fault"], row["id_repaired"]) == (int(same_as[:17]), None, True)


@pytest.mark.parametrize(
    ("claim", "fault"),
    [
        ("", "id_number_missing"),
        ("   ", "id_number_missing"),
        ("2.20104E+17", "id_number_scientific"),
        ("2.20104e+17", "id_number_scientific"),
        ("2E17", "id_number_scientific"),
        ("２.２E+17", "id_number_scientific"),
        ("1101051949123100", "id_number_format"),
        ("1101051949123100210", "id_number_format"),
        ("X1010519491231002X", "id_number_format"),
        ("张三", "id_number_format"),
        ("护照E12345678", "id_number_format"),
        ("11010519491331002X", "id_number_date"),
        ("110105194902290021", "id_number_date"),
        ("110105179912310021", "id_number_date"),
        ("110105202611240020", "id_number_date"),
        ("110105491331002", "id_number_date"),
        ("110105194912310021", "id_number_check"),
        ("110105194912310020", "id_number_check"),
    ],
)
def test_what_cannot_be_read_and_why(claim: str, fault: str) -> None:
    (row,) = standard(claim).iter_rows(named=True)
    assert (row["id_fault"], row["key"], row["id_repaired"]) == (fault, None, False)


@pytest.mark.parametrize("place", range(18))
def test_a_sign_in_the_place_of_a_digit_is_no_number(place: int) -> None:
    """Not even the signs that stand beside the digits in ASCII, which arithmetic could take for 10 or for -1."""
    signs = "!#$%&()*+,./:;<>?@[]^{|}~"
    found = standard(*[number[:place] + sign + number[place + 1 :] for number in (A, B) for sign in signs])
    assert set(found.select("id_fault", "key").rows()) == {("id_number_format", None)}


@pytest.mark.parametrize(
    ("claim", "first_17"),
    [
        ("110105491231002", "11010519491231002"),
        ("440524010101001", "44052419010101001"),
        ("440524800101996", "44052418800101996"),
        ("440524800101997", "44052418800101997"),
        ("440524800101998", "44052418800101998"),
        ("440524800101999", "44052418800101999"),
        ("440524800101995", "44052419800101995"),
    ],
)
def test_15_digits_become_18(claim: str, first_17: str) -> None:
    (row,) = standard(claim).iter_rows(named=True)
    assert (row["key"], row["id_from_15"], row["id_fault"]) == (int(first_17), True, None)


first_17s = st.builds(
    lambda division, born, sequence: f"{division:06}{born:%Y%m%d}{sequence:03}",
    st.integers(110000, 659999),
    st.dates(date(1800, 1, 1), TODAY),
    st.integers(0, 999),
)


@given(st.lists(first_17s, min_size=1, max_size=20))
def test_the_check_character_is_that_of_iso_7064(numbers: list[str]) -> None:
    for last in "0123456789X":
        frame = standard(*[number + last for number in numbers])
        sound = [check_character(number) == last for number in numbers]
        assert (frame["id_fault"].is_null()).to_list() == sound
        assert frame["key"].is_not_null().to_list() == sound


def test_the_weights_are_powers_of_two_modulo_11() -> None:
    assert tuple(2 ** (17 - place) % 11 for place in range(17)) == WEIGHTS
    assert len(set(CHECK_CHARACTERS)) == 11


def test_whom_exit_entry_is_asked_about_shows_in_how_a_number_begins() -> None:
    """81, 82, 83 of residence permits, 9 of permanent residence cards, and nothing else; up to the last such number."""
    began = [first for first in range(10, 100) for _ in range(2)]
    keys = pl.DataFrame({"key": [int(f"{first}{rest}") for first in range(10, 100) for rest in ("0" * 15, "9" * 15)]})
    found = keys.select(id_numbers.of_exit_entry(pl.col("key"))).to_series()
    assert found.to_list() == [str(first).startswith(("81", "82", "83", "9")) for first in began]


def test_where_there_is_no_number_there_is_neither_a_day_nor_a_check_character() -> None:
    keys = pl.DataFrame({"key": [None, int(A[:17]), None]})
    found = keys.select(
        id_numbers.birth_date(pl.col("key")).alias("born"), id_numbers.check_character(pl.col("key")).alias("check")
    )
    assert found.to_dict(as_series=False) == {"born": [None, date(1949, 12, 31), None], "check": [None, A[17], None]}


DIRT = st.sampled_from([" ", "　", "-", "–", "\u200b", "\t"])


@given(first_17s, st.lists(st.tuples(st.integers(0, 18), DIRT), max_size=5), st.booleans(), st.booleans())
def test_every_way_of_dirtying_a_number_gives_the_same_key(
    first_17: str, dirt: list[tuple[int, str]], wide: bool, apostrophe: bool
) -> None:
    number = first_17 + check_character(first_17).lower()
    if wide:
        number = "".join(chr(ord(character) + 0xFEE0) for character in number)
    for place, character in dirt:
        number = number[:place] + character + number[place:]
    (row,) = standard("'" * apostrophe + number).iter_rows(named=True)
    assert (row["key"], row["id_fault"]) == (int(first_17), None)
