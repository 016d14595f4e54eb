"""The way of a release: each step once, in its order, by whom it is due to; its rows go with it.

What is not due, and whose word it is not: ``test_release_states.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from exchange.register import Decision, FileRecord, Register, ReleaseState, ReleaseSummary, ReviewState, State
from exchange.register.board import releases_under_way
from exchange.register.releases import UNDER_WAY
from tests.register.conftest import Database

ROWS = (1, 2)
SHOWN = "f" * 64
FILES = [FileRecord("result-2", "r", "1" * 64, 1)]
MAY_LEAVE = (ReleaseState.APPROVED, ReleaseState.PREPARED)
WALKS: list[tuple[str, ReleaseState, ReviewState]] = [
    ("", ReleaseState.PROPOSED, ReviewState.LEAVING),
    ("approve", ReleaseState.APPROVED, ReviewState.LEAVING),
    ("approve approve", ReleaseState.APPROVED, ReviewState.LEAVING),
    ("approve prepare", ReleaseState.PREPARED, ReviewState.LEAVING),
    ("approve prepare approve", ReleaseState.PREPARED, ReviewState.LEAVING),
    ("approve prepare prepare", ReleaseState.PREPARED, ReviewState.LEAVING),
    ("approve prepare deliver", ReleaseState.DELIVERED, ReviewState.RELEASED),
    ("approve prepare deliver deliver prepare", ReleaseState.DELIVERED, ReviewState.RELEASED),
    ("reject", ReleaseState.REJECTED, ReviewState.OPEN),
    ("reject reject", ReleaseState.REJECTED, ReviewState.OPEN),
    ("reject reopen", ReleaseState.REOPENED, ReviewState.OPEN),
    ("reject reopen reject", ReleaseState.REOPENED, ReviewState.OPEN),
    ("withdraw", ReleaseState.REOPENED, ReviewState.DECIDED),
    ("withdraw withdraw", ReleaseState.REOPENED, ReviewState.DECIDED),
    ("approve withdraw", ReleaseState.REOPENED, ReviewState.DECIDED),
    ("take", ReleaseState.REOPENED, ReviewState.DECIDED),
]
"""Steps → the release's state, and that of its rows; what was done already is done again without a change."""


@pytest.fixture
def proposed(register: Register, database: Database, prepared: Callable[..., str]) -> str:
    """A batch of whose rows two are in its first release."""

    def make() -> str:
        batch = prepared()
        register.delivered(batch)
        register.reviews.decide(batch, [Decision(row, 1, {"name": "consistent"}, "archive") for row in ROWS])
        assert propose(register, batch, ROWS) == 1
        return batch

    return database.made("proposed", make)


def propose(register: Register, batch: str, rows: Sequence[int], *, approval: bool = True) -> int | None:
    outcome = ReleaseSummary({"name": {"consistent": len(rows)}}, answers_sha256=SHOWN)
    release = register.releases.propose(batch, rows, outcome, needs_approval=approval)
    return release.number if release else None


def step(register: Register, batch: str, name: str) -> None:
    releases, leaders = register.releases, Register(register.engine, "leader").releases
    match name:
        case "approve":
            leaders.approve(batch, 1, SHOWN)
        case "reject":
            leaders.reject(batch, 1, "again")
        case "reopen":
            releases.reopen(batch, 1, "done")
        case "withdraw":
            releases.withdraw(batch, 1, "other answers")
        case "take":
            releases.withdraw(batch, 1, "taken back", unjudged=True)
        case "prepare":
            releases.prepared(batch, 1, FILES)
        case "deliver":
            releases.delivered(batch, 1)


def walk(register: Register, batch: str, names: str) -> None:
    for name in names.split():
        step(register, batch, name)


@pytest.mark.parametrize(("names", "state", "rows"), WALKS)
def test_each_step_once(register: Register, proposed: str, names: str, state: ReleaseState, rows: ReviewState) -> None:
    walk(register, proposed, names)
    release = register.releases.get(proposed, 1)
    assert (release.state, release.rows) == (state, ROWS)
    assert {register.reviews.get(proposed, row).state for row in ROWS} == {rows}
    assert register.reviews.get(proposed, 1).returned_for == ("again" if "reject" in names else None)
    assert [each.state for each in register.releases.under_way()] == [state] * (state in UNDER_WAY)
    assert [each.id for each, _ in releases_under_way(register.engine)] == [release.id] * (state in UNDER_WAY)
    assert [each.state for each in register.releases.may_leave()] == [state] * (state in MAY_LEAVE)
    assert (release.may_leave_since is not None) is (state in MAY_LEAVE)
    again = propose(register, proposed, ROWS)
    assert again == (2 if state is ReleaseState.REOPENED else None), "rows are in one living release"
    register.verify()


def test_with_the_last_row_the_batch_is_closed(register: Register, proposed: str) -> None:
    walk(register, proposed, "approve prepare deliver")
    assert (register.batch(proposed).rows_open, register.batch(proposed).state) == (3, State.DELIVERED)
    register.reviews.decide(proposed, [Decision(3, 1, {"name": "consistent"}, "archive")])
    second = propose(register, proposed, (3, 4, 5), approval=False)
    assert second == 2
    release = register.releases.get(proposed, second)
    assert release.may_leave_since == release.proposed_at, "it waits for nobody's word"
    register.releases.prepared(proposed, second, [FileRecord("result-3", "r", "2" * 64, 1)])
    register.releases.delivered(proposed, second)
    assert (register.batch(proposed).rows_open, register.batch(proposed).state) == (0, State.CLOSED)
    register.verify()
