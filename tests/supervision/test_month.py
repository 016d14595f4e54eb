"""A month of the office: whole ones, a running one, and what is none."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from exchange.base.errors import Halt
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.supervision.month import month_before, read_month

NOW = datetime(2026, 11, 1, 0, 30, tzinfo=OFFICE_ZONE)  # in UTC it is still October


def test_a_month_that_is_over() -> None:
    month = month_before(NOW)
    assert (month.name, month.whole) == ("2026-10", True)
    assert (month.first, month.last, month.today) == (date(2026, 10, 1), date(2026, 10, 31), date(2026, 11, 1))
    assert month.start == datetime(2026, 10, 1, tzinfo=OFFICE_ZONE)
    assert read_month("2025-12", NOW).end == datetime(2026, 1, 1, tzinfo=OFFICE_ZONE)


def test_a_running_month_ends_now() -> None:
    month = read_month("2026-11", NOW)
    assert (month.end, month.whole) == (NOW, False)
    assert (month.last, month.today) == (date(2026, 11, 1), date(2026, 11, 1))


@pytest.mark.parametrize("name", ["2026-13", "2026-1", "2026/10", "", "1899-01", "２０２６-10", "2026-12"])
def test_what_is_no_month_that_can_be_told_of(name: str) -> None:
    with pytest.raises(Halt):
        read_month(name, NOW)
