"""A claim beside the register: it is held against the record of whom it speaks of, nothing of it is lost, whatever its
length, and no claim takes the pages' time.
"""

from __future__ import annotations

import time
from datetime import date

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchange.pages import compare
from exchange.pages.compare import Piece, compared, differing, whose
from exchange.register import Review, ReviewState
from exchange.review.case import CaseView

texts = st.text("路中a", max_size=12)
OWN, ANOTHER = 22010220000615101, 22010219700101202
CLAIM = {"row_ref": "R1", "name": "虚构", "sex": "男", "birth_date": "2000-06-15"}
RELATIVE = {"id_number": "220102200006151017", "relative_id_number": "220102197001012021", "relative_name": "虚拟"}
MOTHER = {"mother_id_number": "220102197001012021"}


def case(claim: dict[str, str], *others: str) -> CaseView:
    people = {
        "": {"key": OWN, "name": "虚构", "sex": 1, "birth_date": date(2000, 6, 15)},
        "another": {"key": ANOTHER, "name": "虚拟", "sex": 2, "birth_date": date(1970, 1, 1)},
    }
    review = Review("court.b1", 1, "220102", ("identity",), ReviewState.OPEN, 1, {}, None, None, None, None, None)
    rows = pl.DataFrame([people["another" if other else ""] for other in others])
    return CaseView(review, CLAIM | claim, {}, {}, rows, pl.DataFrame({"source": []}), others=others)


def marked(parts: list[Piece]) -> bool:
    return any(piece.differs for piece in parts)


@pytest.mark.parametrize(
    ("claim", "other", "heading"),
    [(RELATIVE, "relative_id_number", "对方"), (MOTHER, "mother_id_number", "母亲")],
)
@pytest.mark.parametrize("first", [True, False])
def test_another_ones_record_is_not_held_against_the_claim(
    claim: dict[str, str], other: str, heading: str, first: bool
) -> None:
    """A mother is not of the child's sex and day of birth, and nothing is wrong with it."""
    seen = case(claim, *((other, "") if first else ("", other)))
    assert [str(words.zh) for words in whose(seen)] == ([heading, ""] if first else ["", heading])
    for line in compared(seen):
        assert not any(marked(parts) for parts in line.people), line.label
        assert not marked(line.claim), line.label


def test_what_differs_of_either_is_marked() -> None:
    wrong = RELATIVE | {"relative_name": "虚设", "name": "虚伪"}
    (names,) = [line for line in compared(case(wrong, "", "relative_id_number")) if line.label == "姓名"]
    assert [marked(parts) for parts in (names.claim, *names.people)] == [True, True, True]


@pytest.mark.parametrize("written", ["2000/6/15", "20000615", "2000年6月15日", " 2000.06.15"])
def test_a_day_that_is_written_otherwise_is_the_same_day(written: str) -> None:
    (days,) = [line for line in compared(case({"birth_date": written}, "")) if line.label == "出生日期"]
    assert "".join(piece.text for piece in days.claim) == written
    assert not marked(days.claim)
    assert not marked(days.people[0])


@pytest.mark.parametrize("written", ["2000/6/16", "15/6/2000", "2000", "二〇〇〇年六月十五日"])
def test_another_day_is_marked(written: str) -> None:
    (days,) = [line for line in compared(case({"birth_date": written}, "")) if line.label == "出生日期"]
    assert marked(days.claim) or marked(days.people[0])


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
