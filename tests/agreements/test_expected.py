"""What is expected and what is missing, and the rules for sets that come early, late or for another time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.agreements.agreement import Agreement
from exchange.agreements.expected import Missing, arrival, current, expected_by, missing, upcoming
from exchange.agreements.sections import Assessment, Expected
from exchange.base.errors import Refused
from exchange.calendar.periods import MONTHS, period_of, read_period
from exchange.calendar.working_days import NO_DAYS

MONTHLY = Expected(cycle="monthly", day=5)
AFTERWARDS = Expected(cycle="monthly", day=5, counted_from="end")


def d(text: str) -> date:
    return date.fromisoformat(text)


def agreement(*expected: Expected, since: str = "2026-07-15", until: str = "2027-06-30") -> Agreement:
    """Only what the rules look at."""
    fields: dict[str, Any] = {"in_force_from": d(since), "in_force_until": d(until), "expected": expected}
    return Agreement.model_construct(**fields)


@pytest.mark.parametrize(
    ("given", "period", "by"),
    [
        ({"cycle": "monthly", "day": 5}, "2026-11", "2026-11-06"),
        ({"cycle": "monthly", "day": 5}, "2026-10", "2026-10-13"),  # over National Day, Saturday 10 October is worked
        ({"cycle": "monthly", "day": 1}, "2026-02", "2026-02-02"),
        ({"cycle": "monthly", "day": 30}, "2026-02", "2026-02-28"),  # a month has fewer working days: its last day
        ({"cycle": "monthly", "day": 10, "counting": "days"}, "2026-11", "2026-11-10"),
        ({"cycle": "monthly", "day": 31, "counting": "days"}, "2026-11", "2026-11-30"),
        ({"cycle": "monthly", "day": 5, "counted_from": "end"}, "2026-12", "2027-01-08"),
        ({"cycle": "monthly", "day": 10, "counting": "days", "counted_from": "end"}, "2026-12", "2027-01-10"),
        ({"cycle": "quarterly", "day": 10}, "2026-Q4", "2026-10-20"),
        ({"cycle": "half_yearly", "day": 20}, "2026-H2", "2026-07-28"),
        ({"cycle": "annual", "day": 20}, "2026", "2026-01-29"),  # Sunday 4 January is worked
    ],
)
def test_by_when_a_set_is_expected(given: dict[str, object], period: str, by: str) -> None:
    expected = Expected.model_validate(given)
    found = read_period(expected.cycle, period)
    assert found is not None
    assert expected_by(expected, found, NO_DAYS) == d(by)


def test_after_the_assessment_has_ended_nothing_is_expected() -> None:
    """What would be refused is not reminded of."""
    assessed = Assessment(number="1", made_on=d("2026-07-01"), ends_on=d("2026-09-30"))
    agreed = agreement(MONTHLY).model_copy(update={"assessment": assessed})
    found = missing(agreed, d("2026-12-31"), [], NO_DAYS)
    assert [each.period for each in found] == ["2026-08", "2026-09"]


@pytest.mark.parametrize(
    ("today", "came", "lacking"),
    [
        ("2026-08-07", [], []),  # July began before the agreement was in force; 7 August is the fifth working day
        ("2026-08-08", [], ["2026-08"]),
        ("2026-08-08", [("monthly", "2026-08", "pension")], []),
        ("2026-08-08", [("monthly", "2026-07", "pension"), ("annual", "2026", "pension")], ["2026-08"]),
        ("2026-11-30", [("monthly", "2026-09", "pension")], ["2026-08", "2026-10", "2026-11"]),  # months of standstill
        (
            "2028-01-01",
            [],
            ["2026-08", "2026-09", "2026-10", "2026-11", "2026-12"] + [f"2027-0{n}" for n in range(1, 7)],
        ),
    ],
)
def test_what_is_missing_on_a_day(today: str, came: list[tuple[str, str, str]], lacking: list[str]) -> None:
    found = missing(agreement(MONTHLY), d(today), came, NO_DAYS)
    assert [each.period for each in found] == lacking


def test_a_purpose_is_missed_by_itself() -> None:
    expected = [MONTHLY.model_copy(update={"purpose": purpose}) for purpose in ("pension", "hiring")]
    found = missing(agreement(*expected), d("2026-08-31"), [("monthly", "2026-08", "pension")], NO_DAYS)
    assert found == [Missing("monthly", "2026-08", "hiring", d("2026-08-07"))]
    assert found[0].name == "monthly-2026-08.hiring"


def test_nothing_is_expected_before_the_day_that_the_agreement_says() -> None:
    later = MONTHLY.model_copy(update={"since": d("2026-10-01")})
    assert [each.period for each in missing(agreement(later), d("2026-11-30"), [], NO_DAYS)] == ["2026-10", "2026-11"]


def test_on_the_last_day_of_the_agreement_a_set_is_still_expected() -> None:
    last = agreement(MONTHLY, until="2026-08-07")
    assert [each.period for each in missing(last, d("2027-01-01"), [], NO_DAYS)] == ["2026-08"]
    assert missing(agreement(MONTHLY, until="2026-08-06"), d("2027-01-01"), [], NO_DAYS) == []


@pytest.mark.parametrize(
    ("cycle", "period", "received", "expected", "came"),
    [
        ("monthly", "2026-11", "2026-11-06", MONTHLY, "on_time"),
        ("monthly", "2026-11", "2026-11-07", MONTHLY, "late"),
        ("monthly", "2026-11", "2027-02-01", MONTHLY, "late"),
        ("monthly", "2026-11", "2026-10-31", MONTHLY, "early"),
        ("monthly", "2026-11", "2026-12-31", None, "on_time"),  # nothing is expected: nothing is late
        ("monthly", "2027-01", "2026-12-01", None, "early"),
        ("annual", "2027", "2026-01-01", None, "early"),
        ("quarterly", "2026-Q4", "2026-11-24", None, "on_time"),
        ("monthly", "2024-11", "2026-11-30", MONTHLY, "late"),  # ended 730 days ago
        ("ad_hoc", "2026-11-01", "2026-11-24", None, None),
        ("ad_hoc", "2026-11-25", "2026-11-24", None, None),
        ("objection", "2024-11-24", "2026-11-24", None, None),
    ],
)
def test_when_a_set_came(cycle: str, period: str, received: str, expected: Expected | None, came: str | None) -> None:
    assert arrival(cycle, period, d(received), expected, NO_DAYS, 730) == came


@pytest.mark.parametrize(
    ("cycle", "period", "received", "code"),
    [
        ("monthly", "2026-12", "2026-10-31", "period_ahead"),
        ("ad_hoc", "2019-01-01", "2026-11-24", "period_past"),
        ("objection", "2019-01-01", "2026-11-24", "period_past"),
        ("ad_hoc", "2026-11-26", "2026-11-24", "period_ahead"),
        ("objection", "2030-01-01", "2026-11-24", "period_ahead"),
        ("monthly", "2062-11", "2026-11-24", "period_ahead"),
        ("annual", "2028", "2026-12-31", "period_ahead"),
        ("monthly", "2024-11", "2026-12-01", "period_past"),
        ("annual", "2016", "2026-11-24", "period_past"),
    ],
)
def test_a_period_that_is_none_to_ask_for(cycle: str, period: str, received: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        arrival(cycle, period, d(received), MONTHLY, NO_DAYS, 730)
    assert (refused.value.code, refused.value.column) == (code, "period")


days = st.dates(date(2026, 7, 15), date(2028, 12, 31))


@given(st.sampled_from(sorted(MONTHS)), st.integers(1, 60), days, st.integers(0, 400))
def test_what_is_missing_stays_missing_until_it_comes(cycle: str, day: int, today: date, later: int) -> None:
    expected = Expected.model_validate({"cycle": cycle, "day": day})
    held = agreement(expected, until="2030-12-31")
    before = missing(held, today, [], NO_DAYS)
    after = missing(held, today + timedelta(days=later), [], NO_DAYS)
    assert after[: len(before)] == before
    came = [(each.cycle, each.period, "any") for each in after]
    assert missing(held, today + timedelta(days=later), came, NO_DAYS) == []


@given(st.sampled_from(sorted(MONTHS)), st.integers(1, 60), days)
def test_a_set_of_the_present_period_is_late_exactly_when_it_would_be_missing(
    cycle: str, day: int, received: date
) -> None:
    expected = Expected.model_validate({"cycle": cycle, "day": day})
    held = agreement(expected, until="2030-12-31", since="2024-01-01")
    period = period_of(cycle, received).name
    lacking = {each.period for each in missing(held, received, [], NO_DAYS)}
    assert (arrival(cycle, period, received, expected, NO_DAYS, 730) == "late") == (period in lacking)


@pytest.mark.parametrize(
    ("expected", "today", "sets"),
    [
        (MONTHLY, "2026-07-20", [("2026-08", False)]),  # July began before the agreement was in force
        (MONTHLY, "2026-08-03", [("2026-08", False)]),
        (MONTHLY, "2026-09-30", [("2026-09", True), ("2026-10", False)]),
        (AFTERWARDS, "2026-10-01", [("2026-09", True), ("2026-10", False)]),  # due by the 5th working day of October
        (AFTERWARDS, "2026-10-13", [("2026-09", True), ("2026-10", False)]),
        (AFTERWARDS, "2026-10-14", [("2026-10", False)]),
        (AFTERWARDS, "2027-06-15", []),  # June's day, in July, lies behind the agreement's last
        (Expected(cycle="half_yearly", day=20), "2026-12-31", [("2027-H1", False)]),
        (Expected(cycle="half_yearly", day=20), "2027-01-01", [("2027-H1", False)]),
        (Expected(cycle="quarterly", day=10, since=d("2026-10-02")), "2026-12-31", [("2027-Q1", False)]),
        (
            Expected(cycle="quarterly", day=10, since=d("2026-10-01")),
            "2026-12-31",
            [("2026-Q4", False), ("2027-Q1", False)],
        ),
    ],
)
def test_what_is_to_come_now(expected: Expected, today: str, sets: list[tuple[str, bool]]) -> None:
    came = [("monthly", "2026-09", "pension")]
    found = current(agreement(expected), expected, d(today), came, NO_DAYS)
    assert [(each.period, there) for each, there in found] == sets


@given(st.sampled_from([MONTHLY, AFTERWARDS]), st.dates(d("2026-07-01"), d("2027-08-31")))
def test_what_is_upcoming_is_to_come_now(expected: Expected, today: date) -> None:
    """The command line and the partner's status file tell of the same sets."""
    agreed = agreement(expected)
    now = [each for each, there in current(agreed, expected, today, [], NO_DAYS) if not there]
    assert [each for each in now if today <= each.expected_by][:1] == upcoming(agreed, today, [], NO_DAYS)
