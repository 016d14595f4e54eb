"""Due days of very many batches at once are those of each by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from exchange.app import App
from exchange.calendar.deadlines import WORKING_DAYS
from exchange.calendar.working_days import NO_DAYS
from exchange.register import Batch, State, Stop
from exchange.watch.deadlines import due_of, dues_of

OFFICE = cast("App", SimpleNamespace(office_days=NO_DAYS))
BEGIN = datetime(2026, 9, 25, 3, tzinfo=UTC)


def batch(**given: Any) -> Batch:
    return Batch(**dict.fromkeys(Batch.__dataclass_fields__) | {"clock_stands": False} | given)  # type: ignore[arg-type]


BATCHES = st.builds(
    batch,
    id=st.uuids().map(str),
    state=st.sampled_from([State.ACCEPTED, State.PREPARED, State.DELIVERED, State.CLOSED]),
    received_at=st.sampled_from([BEGIN + timedelta(hours=hours) for hours in (0, 1, 13, 24, 300)]),
    cycle=st.sampled_from(sorted(WORKING_DAYS)),
    items=st.sampled_from([("name",), ("criminal_record",), ("name", "criminal_record")]),
    due_working_days=st.sampled_from([None, 3, 10]),
    due_last=st.sampled_from([None, date(2026, 12, 1)]),
)
STOPS = st.sampled_from([0, 0, 2, 5]).map(
    lambda days: [Stop(1, BEGIN, "p", "other", None, BEGIN + timedelta(days=days), "p", None)] if days else []
)


@given(st.lists(st.tuples(BATCHES, STOPS), max_size=12))
def test_together_as_each_by_itself(batches: list[tuple[Batch, list[Stop]]]) -> None:
    assert dues_of(OFFICE, batches) == [(each, due_of(OFFICE, each, stops)) for each, stops in batches]
