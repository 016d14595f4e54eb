"""Words of officers on one row, one after another: when it is decided, and what stays when one is taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest

from exchange.base.errors import Halt
from exchange.register.eyes import is_settled, keep, without, word, words_of
from exchange.register.models import ReviewRow

AT: Final = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
HIT, NONE, OTHER = ({"criminal_record": code} for code in ("record_found", "no_record", "not_answered"))


def row_with(*words: tuple[str, dict[str, str]]) -> ReviewRow:
    row = ReviewRow(batch_id="b", row=1)
    for by, answers in words:
        keep(row, word(by, AT, answers, "archive", None))
    return row


@pytest.mark.parametrize(
    ("earlier", "answers", "settled"),
    [
        ((), HIT, False),
        ((HIT,), HIT, True),
        ((HIT,), NONE, False),
        ((HIT, NONE), HIT, True),
        ((HIT, NONE), NONE, True),
        ((HIT, NONE), OTHER, True),  # who decides where two differ is bound to neither
    ],
)
def test_when_a_row_is_decided(earlier: tuple[dict[str, str], ...], answers: dict[str, str], settled: bool) -> None:
    row = row_with(*zip("ab", earlier, strict=False))
    assert is_settled(row, word("z", AT, answers, "case_file", "见案卷")) is settled
    for person in "ab"[: len(earlier)]:
        with pytest.raises(Halt, match="you have given your word"):
            is_settled(row, word(person, AT, answers, "archive", None))


def test_words_are_kept_in_their_order_with_who_when_and_why() -> None:
    row = ReviewRow(batch_id="b", row=1)
    assert (words_of(row), row.earlier, row.decided_with) == ([], None, None)
    said = [word("a", AT, HIT, "archive", None), word("b", AT, NONE, "other", "电话核实")]
    for each in said:
        keep(row, each)
    assert words_of(row) == said
    assert [(each.by, each.at, each.answers) for each in said] == [
        ("a", "2026-11-23T01:02:03+00:00", HIT),
        ("b", "2026-11-23T01:02:03+00:00", NONE),
    ]
    assert [(each.reason, each.note) for each in said] == [("archive", None), ("other", "电话核实")]
    assert row.decided_with == ["a", "b"]


def test_the_ledger_is_told_the_same_of_the_same_words() -> None:
    one, other = row_with(("a", {"name": "x", "sex": "y"})), row_with(("a", {"sex": "y", "name": "x"}))
    assert one.earlier == other.earlier


@pytest.mark.parametrize(
    ("person", "left", "taken"), [("a", ["b"], True), ("b", ["a"], True), ("c", ["a", "b"], False)]
)
def test_a_word_is_taken_back_by_who_gave_it(person: str, left: list[str], taken: bool) -> None:
    row = row_with(("a", HIT), ("b", NONE))
    assert without(row, person) is taken
    assert [each.by for each in words_of(row)] == row.decided_with == left


def test_where_no_word_is_left_the_row_is_as_before() -> None:
    row = row_with(("a", HIT))
    assert without(row, "a")
    assert (row.earlier, row.decided_with) == (None, None)
    assert not without(row, "a")
