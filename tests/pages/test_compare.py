"""A claim beside the register: nothing of it is lost, whatever its length, and no claim takes the pages' time."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchange.pages import compare
from exchange.pages.compare import differing

texts = st.text("路中a", max_size=12)


@pytest.mark.parametrize("most", [0, 20_000], ids=["from both ends", "letter by letter"])
@given(texts, texts)
@example("路中路", "路路")
def test_what_is_marked_and_what_is_not_is_the_text(most: int, text: str, other: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compare, "_MOST_PAIRS", most)
        pieces, back = differing(text, other), differing(other, text)
    assert "".join(piece.text for piece in pieces) == text
    assert any(piece.differs for piece in (*pieces, *back)) == (text != other)
    left = iter(other)
    assert all(letter in left for piece in pieces if not piece.differs for letter in piece.text), "and in this order"


@pytest.mark.parametrize("register", ["路" * 60, "路x路y" * 15])
@pytest.mark.parametrize("claim", ["路" * 20_000, "路x" * 10_000, "路z" * 10_000])
def test_a_claim_as_long_as_a_line_is_compared_at_once(register: str, claim: str) -> None:
    begun = time.thread_time()
    pieces = differing(claim, register) + differing(register, claim)
    assert time.thread_time() - begun < 1
    assert max(len(piece.codes) for piece in pieces) < 2_000
