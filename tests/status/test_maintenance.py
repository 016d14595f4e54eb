"""The words of a maintenance notice are read outside: they hold nobody's number, however it is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.status.maintenance import EN, ZH, announce, announced, withdraw

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)


def tell(home: Path, zh: str) -> None:
    announce(home, NOW + timedelta(hours=1), NOW + timedelta(hours=2), NOW, "office", (zh, EN))


@pytest.mark.parametrize(
    "number", ["220102198507149216", "220102 19850714 9216", "220102-850714-921", "220102850714921"]
)
def test_words_that_hold_a_number_are_not_announced(tmp_path: Path, number: str) -> None:
    with pytest.raises(Halt, match="without an identity number"):
        tell(tmp_path, f"更正 {number} 一案，暂停收件")
    assert announced(tmp_path, NOW) == []


def test_days_and_times_are_no_number(tmp_path: Path) -> None:
    words = "2026-12-05 20:00 至 2026-12-05 22:00 检修，电话 0431-20110504"
    tell(tmp_path, words)
    assert [notice.zh for notice in announced(tmp_path, NOW)] == [words]


def test_what_is_announced_already_is_not_announced_twice(tmp_path: Path) -> None:
    """By a command that was cut off behind it, or by two people at once; what was withdrawn is announced anew."""
    span = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    first = announce(tmp_path, *span, NOW, "one", (ZH, EN))
    assert announce(tmp_path, *span, NOW, "another", (ZH, EN)) == first
    assert len(announced(tmp_path, NOW)) == 1
    withdraw(tmp_path, first, NOW)
    assert announce(tmp_path, *span, NOW, "one", (ZH, EN)) != first
    assert len(announced(tmp_path, NOW)) == 1
