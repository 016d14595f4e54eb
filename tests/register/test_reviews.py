"""A row of the queue among several officers: who may do what of it, and in whose lists it then stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import pytest

from exchange.base.errors import Halt
from exchange.register import Decision, Register, Review, ReviewState
from exchange.register.board import disputed_lines, handed_lines, own_lines, queue_counts, queue_lines
from exchange.register.heaps import Chosen, Heap, count, heaps, next_row
from exchange.register.lines import now
from tests.register.conftest import QUEUED

ROW = 1
PEOPLE = ("a", "b", "c")
ALL = ("220000",)
Doing = tuple[str, ...]

DONE: dict[str, tuple[Sequence[Doing], tuple[str, ...]]] = {
    "nothing": ([], ("open",)),
    "decided by one": ([("a", "decides", "consistent")], ("decided by a", "consistent")),
    "decided anew by another": (
        [("a", "decides", "consistent"), ("b", "decides", "inconsistent")],
        ("decided by b", "inconsistent"),
    ),
    "a first word": ([("a", "says", "consistent")], ("open", "a")),
    "two who agree": ([("a", "says", "consistent"), ("b", "says", "consistent")], ("decided by b", "consistent", "a")),
    "two who differ": ([("a", "says", "consistent"), ("b", "says", "inconsistent")], ("open", "a", "b")),
    "a third decides": (
        [("a", "says", "consistent"), ("b", "says", "inconsistent"), ("c", "says", "no_record")],
        ("decided by c", "no_record", "a", "b"),
    ),
    "a word taken back": ([("a", "says", "consistent"), ("a", "undoes")], ("open",)),
    "one of two words taken back": (
        [("a", "says", "consistent"), ("b", "says", "inconsistent"), ("a", "undoes")],
        ("open", "b"),
    ),
    "a decision taken back": ([("a", "decides", "consistent"), ("a", "undoes")], ("open",)),
    "opened": ([("a", "opens")], ("open", "with a")),
    "opened again": ([("a", "opens"), ("a", "opens")], ("open", "with a")),
    "looked at": ([("a", "looks"), ("b", "opens")], ("open", "with b")),
    "left": ([("a", "opens"), ("a", "leaves"), ("b", "opens")], ("open", "with b")),
    "left by somebody else": ([("a", "opens"), ("b", "leaves")], ("open", "with a")),
    "decided by who opened it": ([("a", "opens"), ("a", "decides", "consistent")], ("decided by a", "consistent")),
    "handed": ([("a", "opens"), ("a", "hands", "b")], ("open", "with b", "handed")),
    "handed and opened": ([("a", "opens"), ("a", "hands", "b"), ("b", "opens")], ("open", "with b")),
}
"""What was done to the row → its state, its decision, who said something beside it, and with whom it is."""

HALTS: dict[str, tuple[Sequence[Doing], str]] = {
    "a second word": ([("a", "says", "consistent"), ("a", "says", "consistent")], "you have given your word"),
    "a word on what one officer decided": (
        [("a", "decides", "consistent"), ("b", "says", "consistent")],
        "was changed since it was seen",
    ),
    "somebody else's decision taken back": ([("a", "decides", "consistent"), ("b", "undoes")], "nothing of yours"),
    "nothing taken back": ([("a", "undoes")], "nothing of yours"),
    "opened by two": ([("a", "opens"), ("b", "opens")], "row 1 is with a until"),
    "decided while another has it open": ([("a", "opens"), ("b", "decides", "consistent")], "row 1 is with a until"),
    "handed to another": ([("a", "opens"), ("a", "hands", "b"), ("c", "opens")], "row 1 is with b until"),
    "handed by who has it not": ([("a", "opens"), ("b", "hands", "c")], "is not open with you"),
    "handed once it is decided": ([("a", "decides", "consistent"), ("a", "hands", "b")], "is not open with you"),
    "handed to who gave a word": (
        [("b", "says", "consistent"), ("a", "opens"), ("a", "hands", "b")],
        "b has given a word on it",
    ),
}
"""The last of these is not done, and the row is as it was."""


def does(register: Register, batch: str, who: str, what: str, given: str = "") -> None:
    reviews = Register(register.engine, who).reviews
    seen = reviews.get(batch, ROW)
    match what:
        case "decides" | "says":
            decision = Decision(ROW, seen.version, {"name": given}, "archive")
            settled = reviews.decide(batch, [decision], two=what == "says")
            assert settled is (reviews.get(batch, ROW).state is ReviewState.DECIDED)
        case "undoes":
            reviews.undo(batch, ROW)
        case "looks":
            reviews.opened(batch, [ROW])
        case "opens":
            reviews.opened(batch, [ROW], hold=True)
            assert reviews.get(batch, ROW).was_opened_by(who, now())
        case "leaves":
            reviews.left(batch, ROW)
        case "hands":
            reviews.hand(batch, ROW, given)
            assert not reviews.get(batch, ROW).was_opened_by(given, now())


def told(review: Review, register: Register) -> tuple[str, ...]:
    decided = [f"decided by {review.decided_by}", *review.answers.values()] if review.decided_by else [review.state]
    handed = [line.row for line in handed_lines(register.engine, review.held_by or "", now())]
    held = [f"with {review.held_by}"] if review.held_by else []
    return (*decided, *(word.by for word in review.words), *held, *(["handed"] if review.row in handed else []))


@pytest.mark.parametrize("done", DONE)
def test_what_becomes_of_a_row(register: Register, delivered: str, done: str) -> None:
    doings, expected = DONE[done]
    for doing in doings:
        does(register, delivered, *doing)
    review = register.reviews.get(delivered, ROW)
    assert told(review, register) == expected
    stands_in_the_lists(register, review)
    register.verify()


@pytest.mark.parametrize("done", HALTS)
def test_what_is_not_done_changes_nothing(register: Register, delivered: str, done: str) -> None:
    (*doings, last), words = HALTS[done]
    for doing in doings:
        does(register, delivered, *doing)
    before = register.reviews.get(delivered, ROW), register.verify()
    with pytest.raises(Halt, match=words):
        does(register, delivered, *last)
    assert (register.reviews.get(delivered, ROW), register.verify()) == before


def stands_in_the_lists(register: Register, review: Review) -> None:
    """Of each person: what waits for their word, heaps and the next row of it, and what they can take back; all rows
    but this one are as they came.
    """
    engine, is_open = register.engine, review.state is ReviewState.OPEN
    rest = [each.row for each in QUEUED if each.row != ROW]
    said = {word.by for word in review.words}
    assert [line.row for line in disputed_lines(engine)] == ([ROW] if review.is_disputed else [])
    assert review.is_disputed is (is_open and len(said) > 1)
    assert queue_counts(engine, ALL)[ReviewState.OPEN] == len(rest) + is_open
    for person in PEOPLE:
        waits = [ROW, *rest] if is_open and person not in said else rest
        assert review.waits_without(person) is (is_open and person in said)
        assert [line.row for line in queue_lines(engine, ALL, person, 9)] == waits
        assert [line.row for line in queue_lines(engine, ["222400"], person, 9)] == [3]
        assert heaps(engine, ALL, person, 9) == [Heap(review.batch, "bank", ("name",), due_day(register), len(waits))]
        assert count(engine, ALL, person, Chosen()) == len(waits)
        own = (is_open and person in said) or review.decided_by == person
        assert [line.row for line in own_lines(engine, person, 9)] == ([ROW] if own else [])
        free = [row for row in waits if row != ROW or review.held_by in (None, person)]
        assert one_after_another(register, person, Chosen()) == [*free, free[0]]


def due_day(register: Register) -> date | None:
    (batch,) = register.with_open_rows()
    return batch.due_on


def one_after_another(register: Register, person: str, which: Chosen) -> list[int]:
    """The rows as they come to this person, until the first comes again."""
    found: list[int] = []
    after: tuple[str, int] | None = None
    while len(found) == len(set(found)):
        after = next_row(register.engine, ALL, person, now(), which, after)
        assert after is not None
        found.append(after[1])
    return found


@pytest.mark.parametrize("causes", [(), ("name",)])
@pytest.mark.parametrize("of_batch", [False, True])
def test_the_batch_and_its_only_heap_hold_all_rows(
    register: Register, delivered: str, causes: tuple[str, ...], of_batch: bool
) -> None:
    which = Chosen(delivered if of_batch else None, causes)
    assert count(register.engine, ALL, "a", which) == len(QUEUED)
    assert one_after_another(register, "a", which) == [1, 2, 3, 1]


@pytest.mark.parametrize("which", [Chosen("bank.none"), Chosen(causes=("sex",)), Chosen("bank.none", ("name",))])
def test_what_holds_no_row_has_none(register: Register, delivered: str, which: Chosen) -> None:
    assert count(register.engine, ALL, "a", which) == 0
    assert next_row(register.engine, ALL, "a", now(), which) is None


def test_behind_the_last_row_of_a_batch_comes_the_first_of_the_next(
    register: Register, prepared: Callable[[], str]
) -> None:
    batches = [prepared() for _ in range(2)]
    for batch in batches:
        register.delivered(batch)
    rows = [(batch, each.row) for batch in sorted(batches) for each in QUEUED]
    followed = [next_row(register.engine, ALL, "a", now(), Chosen(), row) for row in rows]
    assert followed == [*rows[1:], rows[0]]


def test_behind_the_last_row_that_is_left_comes_none(register: Register, delivered: str) -> None:
    one = ["222400"]
    assert next_row(register.engine, one, "a", now(), Chosen(), (delivered, 1)) == (delivered, 3)
    assert next_row(register.engine, one, "a", now(), Chosen(), (delivered, 3)) is None
    assert next_row(register.engine, ["110000"], "a", now(), Chosen()) is None
