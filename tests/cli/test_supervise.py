"""Today's picture at the terminal counts what the report counts: nothing of a partner's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from exchange.cli.supervise import uncollected_words
from exchange.register.pickups import UncollectedResult

AT = datetime(2026, 11, 23, 1, 2, tzinfo=UTC)


def result(number: int, *, seen: bool = True, is_test: bool = False) -> UncollectedResult:
    since = AT + timedelta(hours=number)
    return UncollectedResult("bank", f"bank.b{number}", 1, f"bank.b{number}.csv", since, seen, is_test)


def test_results_of_tests_are_not_counted() -> None:
    both = [result(1, seen=False, is_test=True), result(2), result(3, is_test=True), result(4)]
    assert uncollected_words(both) == uncollected_words([result(2), result(4)])
    assert "结果待部门取走 2 份，最早 2026-11-23 11:02" in "".join(uncollected_words(both))
    assert uncollected_words([result(1, seen=False, is_test=True)]) == []


def test_a_result_that_was_not_seen_in_its_folder_is_named() -> None:
    lost = " ".join(uncollected_words([result(1, seen=False)]))
    assert "bank.b1" in lost
    assert "exchange batch redeliver" in lost
