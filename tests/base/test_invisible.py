"""What shows nothing is the same to all: Python, Polars and the browser's pattern; reading a cell and answering it."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest

from exchange.base.invisible import INVISIBLE, is_invisible
from exchange.matching.codes import nothing_claimed
from exchange.validate.cells import SEEN, has_text, seen

NEWER = "Cn"
"""A character that this Python's Unicode does not have yet may be one of format to Polars already."""


@pytest.fixture(scope="module")
def letters() -> pl.DataFrame:
    every = map(chr, [*range(0xD800), *range(0xE000, 0x110000)])
    known = [letter for letter in every if unicodedata.category(letter) != NEWER or is_invisible(letter)]
    return pl.DataFrame({"letter": known})


def test_the_class_is_that_of_unicode(letters: pl.DataFrame) -> None:
    expected = letters["letter"].str.contains(f"[{INVISIBLE}]")
    assert [is_invisible(letter) for letter in letters["letter"]] == expected.to_list()
    places = pl.Series(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    ignorable = places.filter(places.str.contains(r"\p{Default_Ignorable_Code_Point}"))
    assert all(map(is_invisible, ignorable))


def test_what_a_cell_holds_is_told_in_one_way(letters: pl.DataFrame) -> None:
    texts = letters["letter"].to_list()
    assert [has_text(letter) for letter in texts] == letters["letter"].str.contains(SEEN).to_list()
    assert [bool(seen(letter)) for letter in texts] == [has_text(letter) for letter in texts]


def test_what_is_no_text_of_a_row_is_no_claim_either(letters: pl.DataFrame) -> None:
    """But for control characters, of which a claim is one that cannot be read, and apostrophes, which a row has."""
    differs = letters.filter(pl.col("letter").str.contains(SEEN) == nothing_claimed(pl.col("letter")))["letter"]
    controls = letters["letter"].filter(letters["letter"].str.contains(r"[\p{Cc}--\s]"))
    assert set(differs) == {*controls, *"'‘’`＇"}
