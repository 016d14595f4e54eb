"""Sets that agreements expect, in the register; of many that are judged at once no more are accepted than agreed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier

import pytest
from sqlalchemy import event

from exchange.base.errors import Refused
from exchange.calendar.working_days import Due
from exchange.register import Register, State
from exchange.wire.manifest import RequestManifest

NewBatch = Callable[[Register], str]
AT = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)
KEY = ("monthly", "2026-11", "")


def test_missing_is_written_down_once(register: Register) -> None:
    first = register.missing.notice("bank", KEY, date(2026, 11, 6), AT)
    assert register.missing.notice("bank", KEY, date(2026, 11, 9), AT.replace(day=24)) == first
    assert (first.expected_by, first.noticed_at, first.reminders) == (date(2026, 11, 6), AT, 0)
    register.missing.reminded("bank", KEY, 1, AT)
    register.missing.reminded("bank", KEY, 1, AT.replace(day=24))
    (line,) = register.missing.find()
    assert (line.reminders, line.reminded_at) == (1, AT)
    register.missing.arrived("bank", KEY, AT)
    assert register.missing.find() == []
    assert [line.arrived_at for line in register.missing.find(every=True)] == [AT]


@pytest.mark.parametrize("at_most", [1, 2])
def test_of_six_that_are_judged_at_once_so_many_are_accepted(
    register: Register, new_batch: NewBatch, manifest: RequestManifest, due: Due, at_most: int
) -> None:
    batches = [new_batch(register) for _ in range(6)]
    ready = Barrier(6)

    def judge(batch: str) -> bool:
        ready.wait(30)
        try:
            register.accept(batch, manifest, due, at_most=at_most)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(6) as workers:
        accepted = list(workers.map(judge, batches))
    assert sum(accepted) == at_most
    states = [register.batch(batch).state for batch in batches]
    assert [state is State.ACCEPTED for state in states] == accepted
    with pytest.raises(Refused, match="period_doubled"):
        register.accept(batches[accepted.index(False)], manifest, due, at_most=at_most)
    assert list(register.missing.came("bank")) == [("monthly", "2026-11", "account_opening")]
    for batch, taken in zip(batches, accepted, strict=True):
        if taken:
            register.accept(batch, manifest, due, at_most=at_most)  # told again: nothing changes
    register.verify()


@pytest.mark.parametrize("stages", [("test", None), (None, "test")])
def test_a_test_takes_no_place_of_a_live_set_nor_does_one_of_a_tests(
    register: Register, new_batch: NewBatch, manifest: RequestManifest, due: Due, stages: tuple[str | None, ...]
) -> None:
    for stage in stages:
        register.accept(new_batch(register), manifest, due, at_most=1, stage=stage)
        with pytest.raises(Refused, match="period_doubled"):
            register.accept(new_batch(register), manifest, due, at_most=1, stage=stage)


def test_what_came_is_asked_once_for_all_and_of_the_cycles_that_are_expected(
    register: Register, manifest: RequestManifest, due: Due
) -> None:
    """Of a partner that asks ad hoc there are thousands of sets, of which none is expected."""
    asked = {
        "court": [("monthly", "2026-10", "a"), ("ad_hoc", "2026-11-23", "a"), ("objection", "2026-11-23", "a")],
        "school": [("annual", "2026", "a"), ("quarterly", "2026-Q3", "b"), ("half_yearly", "2026-H1", "a")],
        "nobody": [],
    }
    for partner, sets in asked.items():
        for number, (cycle, period, purpose) in enumerate(sets):
            batch = f"{partner}.came-{number}"
            register.claim(batch, partner, "a" * 64, [], AT.replace(day=number + 1))
            names = {"cycle": cycle, "period": period, "purpose": purpose, "partner": partner, "batch": batch}
            register.accept(batch, manifest.model_copy(update=names), due)
    register.claim("court.came-refused", "court", "a" * 64, [], AT)
    register.refuse("court.came-refused", "period_doubled", row=None, column=None)
    questions: list[str] = []
    event.listen(register.engine, "before_cursor_execute", lambda *given: questions.append(given[2]))
    came = register.missing.came_of(asked)
    assert len(questions) == 1
    assert came == {partner: register.missing.came(partner) for partner in asked}
    assert {partner: {*sets} for partner, sets in came.items()} == {
        "court": {("monthly", "2026-10", "a")},
        "school": {*asked["school"]},
        "nobody": set(),
    }
