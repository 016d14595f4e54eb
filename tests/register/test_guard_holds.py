"""A held batch: a leader decides once, the same again changes nothing, and what is not finished yet is known."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from exchange.base.errors import Halt
from exchange.calendar.working_days import Due
from exchange.guard.rules import Counts, Failed, Trip
from exchange.guard.thresholds import THRESHOLDS
from exchange.register import Register, State
from exchange.register.database import reading
from exchange.register.guard import Evidence, GuardEvidenceRow
from exchange.wire.manifest import RequestManifest

from .conftest import AT

Decide = Callable[[Register, str], None]
NOBODY = np.array([], np.uint64)
HOLDS = Evidence(1, Counts(9, 9, 9), Failed(NOBODY, NOBODY, NOBODY), [Trip("sequence", 40, 40)], holds=True)


def release(register: Register, batch: str) -> None:
    register.guard.release(batch, "误触发")


def refuse(register: Register, batch: str) -> None:
    register.guard.refuse(batch, "无法说明", "fishing")


@pytest.fixture
def held(prepared: Callable[..., str]) -> str:
    return prepared(HOLDS)


@pytest.mark.parametrize(
    ("decide", "decision", "state"), [(release, "released", State.PREPARED), (refuse, "refused", State.REFUSED)]
)
def test_it_is_decided_once_and_then_waits_to_be_finished(
    register: Register, held: str, decide: Decide, decision: str, state: State
) -> None:
    assert [(each.batch, each.decision) for each in register.guard.holds()] == [(held, None)]
    assert register.guard.unfinished() == []
    decide(register, held)
    lines = register.steps(held)
    decide(register, held)
    assert register.steps(held) == lines, "the same again"
    assert (register.batch(held).state, register.guard.holds()) == (state, [])
    assert [(each.batch, each.decision) for each in register.guard.unfinished()] == [(held, decision)]
    other = refuse if decide is release else release
    with pytest.raises(Halt, match=f"was {decision} already"):
        other(register, held)
    register.verify()


@pytest.mark.parametrize("decide", [release, refuse])
def test_it_is_finished_once_the_partner_was_told(register: Register, held: str, decide: Decide) -> None:
    decide(register, held)
    if decide is release:
        register.delivered(held)
    else:
        register.clock.renewed(held, 1)
        assert [each.batch for each in register.guard.unfinished()] == [held], "the first receipt accepted it"
        register.clock.renewed(held, 2)
    assert register.guard.unfinished() == []


def test_hashes_go_when_their_span_is_over_and_counts_stay(register: Register, prepared: Callable[..., str]) -> None:
    failed = np.array([7, 8], np.uint64)
    seen = replace(HOLDS, failed=Failed(failed, failed, failed), holds=False)
    first = prepared(seen)
    behind = datetime.now(UTC)
    second = prepared(seen)
    for _ in range(2):
        register.guard.forget(behind + timedelta(days=THRESHOLDS.span_days))
    with reading(register.engine) as session:
        rows = {row.batch_id: row for row in session.scalars(select(GuardEvidenceRow))}
    assert {batch: (row.rows, row.numbers) for batch, row in rows.items()} == {
        first: (9, b""), second: (9, failed.tobytes()),
    }  # fmt: skip
    register.verify()


@pytest.mark.parametrize("decide", [release, refuse])
def test_what_is_not_held_is_not_decided(register: Register, prepared: Callable[..., str], decide: Decide) -> None:
    batch = prepared()
    with pytest.raises(Halt, match="is not held by the guard"):
        decide(register, batch)


def test_while_a_batch_is_judged_its_partners_next_one_waits_and_no_other_does(
    register: Register, manifest: RequestManifest, due: Due
) -> None:
    """What the next one is judged by holds what was written of the first."""
    seen = replace(HOLDS, holds=False)
    for batch in ("bank.first", "bank.next", "court.other"):
        register.claim(batch, batch.partition(".")[0], "a" * 64, [], AT)
        register.accept(batch, manifest, due)
    counted: list[int] = []

    def next_one() -> Evidence:
        counted.append(register.guard.usual("bank", datetime.now(UTC)).span.rows)
        return seen

    with ThreadPoolExecutor(1) as beside:

        def first_one() -> Evidence:
            nexts.append(beside.submit(register.prepared, "bank.next", {}, [], judge=next_one))
            register.prepared("court.other", {}, [], judge=lambda: seen)
            return seen

        nexts: list[Future[bool]] = []
        register.prepared("bank.first", {}, [], judge=first_one)
        nexts[0].result()
    assert counted == [seen.counts.rows]
