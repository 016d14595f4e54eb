"""The words of a maintenance notice are read outside: they hold nobody's number, however it is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.status.maintenance import EN, announce, announced

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
