"""The ids of the runs of ``release``: one for each hour since the approval, whatever runs there are."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.paths import DAGS

sys.path.insert(0, str(DAGS))

from household.runs import AGAIN, release_of, run_id_of

SINCE = datetime(2026, 11, 27, 8, 30, 15, 999999, UTC)
RELEASE = "bank.b1.release-2"
TIMES = st.timedeltas(min_value=timedelta(), max_value=timedelta(days=400))


@given(TIMES)
def test_a_release_has_another_run_an_hour_later_and_the_same_within_it(passed: timedelta) -> None:
    now = SINCE + passed
    found = run_id_of(RELEASE, SINCE, now)
    assert release_of(found) == RELEASE
    assert run_id_of(RELEASE, SINCE, now + AGAIN) != found
    begun = SINCE + passed // AGAIN * AGAIN
    assert run_id_of(RELEASE, SINCE, begun) == found


@pytest.mark.parametrize("now", [SINCE, SINCE - timedelta(minutes=1), SINCE + timedelta(minutes=59)])
def test_the_first_is_called_by_the_moment_of_the_approval(now: datetime) -> None:
    in_beijing = SINCE.astimezone(timezone(timedelta(hours=8)))
    assert run_id_of(RELEASE, in_beijing, now) == f"{RELEASE}~20261127T083015Z"


@pytest.mark.parametrize("run_id", [RELEASE, f"{RELEASE}~", f"{RELEASE}~by-hand", f"{RELEASE}~a~b"])
def test_a_run_by_hand_is_of_the_release_that_it_names(run_id: str) -> None:
    assert release_of(run_id) == RELEASE
