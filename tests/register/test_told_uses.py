"""A question about a person is answered by another person, once, within a day, and is then without any hash."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

from exchange.base.errors import Halt
from exchange.register import Register
from exchange.register.database import reading
from exchange.register.told_uses import ToldUseRow
from tests.register.conftest import AT, Database

HASHES = np.array([7, 8], np.uint64)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def by(register: Register, person: str) -> Register:
    return Register(register.engine, person)


def asked(register: Register) -> int:
    return by(register, "asker").told_uses.ask(HASHES, "本人查询", "函7号", AT)


def kept(register: Register) -> dict[int, bytes]:
    with reading(register.engine) as session:
        return {row.id: row.hashes for row in session.scalars(select(ToldUseRow))}


@pytest.mark.parametrize(
    ("who", "after", "words"),
    [
        ("other", timedelta(0), None),
        ("other", DAY, None),
        ("other", DAY + SECOND, "older than a day"),
        ("asker", timedelta(0), "another person than who asked"),
        ("asker", DAY + SECOND, "older than a day"),
    ],
)
def test_who_confirms_and_until_when(register: Register, who: str, after: timedelta, words: str | None) -> None:
    number, uses = asked(register), by(register, who).told_uses
    if words is not None:
        with pytest.raises(Halt, match=f"question {number}: .*{words}"):
            uses.question(number, AT + after)
        return
    question = uses.question(number, AT + after)
    assert (question.asked_by, question.reason, question.letter) == ("asker", "本人查询", "函7号")
    assert question.hashes.tolist() == HASHES.tolist()


def test_it_is_answered_once_and_each_batch_is_told_of_it(
    register: Register, new_batch: Callable[[Register], str]
) -> None:
    number, batch, uses = asked(register), new_batch(register), by(register, "other").told_uses
    question = uses.question(number, AT)
    uses.confirm(question, [batch], AT)
    assert f"told.{number}" in register.steps(batch)[-1].facts
    assert kept(register) == {number: b""}
    for again in (lambda: uses.question(number, AT), lambda: uses.confirm(question, [batch], AT)):
        with pytest.raises(Halt, match="it was answered already"):
            again()
    with pytest.raises(Halt, match="there is no such question"):
        uses.question(number + 1, AT)
    register.verify()


def test_what_is_withheld_while_it_is_looked_for_is_not_named(
    register: Register, new_batch: Callable[[Register], str]
) -> None:
    number, batches, uses = asked(register), [new_batch(register) for _ in range(2)], by(register, "other").told_uses
    question = uses.question(number, AT)
    register.told_uses.withhold(batches[0], "办案需要", AT)
    assert uses.confirm(question, batches, AT) == (batches[1:], {})
    assert [f"told.{number}" in register.steps(batch)[-1].facts for batch in batches] == [False, True]
    register.verify()


def test_one_that_is_not_what_the_ledger_says_is_named_and_holds_up_no_other(
    database: Database, register: Register, new_batch: Callable[[Register], str]
) -> None:
    number, batches, uses = asked(register), [new_batch(register) for _ in range(3)], by(register, "other").told_uses
    database.tamper("INSERT INTO told_withheld (batch_id, at, by, reason) VALUES (%s, now(), 'x', 'y')", batches[1])
    told, altered = uses.confirm(uses.question(number, AT), batches, AT)
    assert (told, [*altered]) == ([batches[0], batches[2]], [batches[1]])
    assert "told_withheld was altered" in str(altered[batches[1]])
    said = [line[0] for line in database.asked("SELECT facts FROM ledger WHERE batch_id IS NULL ORDER BY seq")]
    assert f"confirmed, 2 batches; not sound: {batches[1]}" in said[-1]
    assert [f"told.{number}" in register.steps(batch)[-1].facts for batch in batches] == [True, False, True]
    database.tamper("DELETE FROM told_withheld")
    register.verify()


@pytest.mark.parametrize(("later", "stays"), [(DAY, True), (DAY + SECOND, False)])
def test_what_nobody_confirmed_is_forgotten_with_the_next_question(
    register: Register, later: timedelta, stays: bool
) -> None:
    first = asked(register)
    second = register.told_uses.ask(HASHES, "本人查询", "函8号", AT + later)
    assert kept(register) == {first: HASHES.tobytes() if stays else b"", second: HASHES.tobytes()}
    register.verify()


def test_a_batch_is_withheld_once_and_disclosed_again(register: Register, new_batch: Callable[[Register], str]) -> None:
    batch, uses = new_batch(register), register.told_uses
    assert uses.withhold(batch, "办案需要", AT)
    assert not uses.withhold(batch, "又一次", AT)
    assert uses.withheld([batch, "nobody.b1"]) == {batch: "办案需要"}
    uses.disclose(batch)
    assert uses.withheld([batch]) == {}
    with pytest.raises(Halt, match="is not withheld"):
        uses.disclose(batch)
    register.verify()
