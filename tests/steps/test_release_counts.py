"""What a release says of itself: how many answers took the place of open ones, and since when it may leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from exchange.base.tables import PENDING
from exchange.register import Release, ReleaseState
from exchange.steps.corrections import approved
from exchange.steps.release import SENT_WITHIN, _settled, is_stuck

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def release(state: ReleaseState, judged_at: datetime | None = None) -> Release:
    approval = judged_at is not None
    return Release("b", 1, state, (1,), {}, approval, AT, None, judged_at, None, {}, None, None)


@pytest.mark.parametrize("state", ReleaseState)
@pytest.mark.parametrize("judged_at", [None, AT + timedelta(hours=5)])
def test_what_may_leave_for_long_and_has_not_is_stuck(state: ReleaseState, judged_at: datetime | None) -> None:
    since = judged_at or AT
    may_leave = state in (ReleaseState.APPROVED, ReleaseState.PREPARED)
    assert release(state, judged_at).may_leave_since == (since if may_leave else None)
    assert not is_stuck(release(state, judged_at), since + SENT_WITHIN)
    for beyond in (SENT_WITHIN + timedelta(seconds=1), -timedelta(days=1)):  # or written by a clock that ran ahead
        assert is_stuck(release(state, judged_at), since + beyond) is may_leave


def answers(*rows: tuple[str, str]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["answer.sex", "answer.criminal_record"], orient="row")
    return frame.with_columns(row_ref=pl.lit("R"), identity=pl.lit("consistent"))


@pytest.mark.parametrize("opened", PENDING)
def test_only_answers_that_were_open_are_settled(opened: str) -> None:
    before = answers((opened, "no_record"), ("consistent", opened), (opened, opened), ("inconsistent", "no_record"))
    now = answers(
        ("consistent", "no_record"), ("consistent", "record_found"), ("inconsistent", "no_record"), ("a", "b")
    )
    assert _settled(before, now) == {
        "sex": {"consistent": 1, "inconsistent": 1},
        "criminal_record": {"no_record": 1, "record_found": 1},
    }
    assert _settled(now, now) == {}, "an item of which nothing was open is not told of"


def test_what_waits_for_the_leader_is_no_record_once_it_is_approved() -> None:
    now = answers(("consistent", "awaiting_approval"), ("under_review", "record_found"))
    assert approved(now).equals(answers(("consistent", "no_record"), ("under_review", "record_found")))
