"""A release from every state by every verb, and who may judge it: what becomes of it, of its rows, and of the batch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final

import pytest

from exchange.base.errors import Halt
from exchange.calendar.working_days import Due
from exchange.demo.servers.processes import wait_for
from exchange.register import (
    Decision,
    FileRecord,
    NewReview,
    Register,
    Release,
    ReleaseState,
    ReleaseSummary,
    ReviewState,
    State,
)
from exchange.register.database import transaction
from exchange.register.lines import get_batch
from exchange.register.releases import UNDER_WAY
from exchange.wire.manifest import RequestManifest

from .conftest import AT, Database

BATCH: Final = "bank.b1"
QUEUED, LEADERS_ALONE = (1, 2), 3
"""Rows that an officer decided, and one that waits for the leader alone."""

SHOWN: Final = "f" * 64
_COUNTS: Final = {"sex": {"inconsistent": 1, "consistent": 1}, "name": {"consistent": 2}}
OUTCOME: Final = ReleaseSummary(_COUNTS, {"sex": {"inconsistent": 1, "consistent": 1}}, 1, SHOWN)
PROPOSED, APPROVED, REJECTED, REOPENED, PREPARED, DELIVERED = ReleaseState

InNameOf = Callable[[str], Register]
Verb = Callable[[Register], object]
VERBS: Final[Mapping[str, Verb]] = {
    "approve": lambda register: register.releases.approve(BATCH, 1, SHOWN),
    "reject": lambda register: register.releases.reject(BATCH, 1, "no"),
    "reopen": lambda register: register.releases.reopen(BATCH, 1, "done"),
    "withdraw": lambda register: register.releases.withdraw(BATCH, 1, "others"),
    "withdraw unjudged": lambda register: register.releases.withdraw(BATCH, 1, "undone", unjudged=True),
    "prepared": lambda register: register.releases.prepared(BATCH, 1, []),
    "delivered": lambda register: register.releases.delivered(BATCH, 1),
}
WAY_TO: Final[Mapping[ReleaseState, tuple[str, ...]]] = {
    PROPOSED: (),
    APPROVED: ("approve",),
    REJECTED: ("reject",),
    REOPENED: ("reject", "reopen"),
    PREPARED: ("approve", "prepared"),
    DELIVERED: ("approve", "prepared", "delivered"),
}
BECOMES: Final[Mapping[str, Mapping[ReleaseState, ReleaseState]]] = {
    "approve": {PROPOSED: APPROVED} | {each: each for each in (APPROVED, PREPARED, DELIVERED)},
    "reject": {PROPOSED: REJECTED} | {each: each for each in (REJECTED, REOPENED)},
    "reopen": {REJECTED: REOPENED, REOPENED: REOPENED},
    "withdraw": dict.fromkeys((PROPOSED, APPROVED, REOPENED), REOPENED),
    "withdraw unjudged": {PROPOSED: REOPENED, REOPENED: REOPENED},
    "prepared": {APPROVED: PREPARED} | {each: each for each in (PREPARED, DELIVERED)},
    "delivered": {PREPARED: DELIVERED, DELIVERED: DELIVERED},
}
"""Verb → state before → state after; where a state is missing, the verb halts and nothing is written."""

ROWS_ARE: Final = {
    APPROVED: ReviewState.LEAVING,
    REJECTED: ReviewState.OPEN,
    PREPARED: ReviewState.LEAVING,
    DELIVERED: ReviewState.RELEASED,
}
SAYS_WHY: Final = {"reject": "no", "reopen": "done", "withdraw": "others", "withdraw unjudged": "undone"}


@pytest.fixture
def decided(
    register: Register,
    database: Database,
    in_name_of: InNameOf,
    manifest: RequestManifest,
    due: Due,
    result_files: list[FileRecord],
) -> Register:
    """A delivered batch with three open rows, two of which an officer decided, the first of them the second of two."""

    def make() -> str:
        register.claim(BATCH, "bank", "a" * 64, [], AT)
        register.accept(BATCH, manifest, due)
        register.prepared(BATCH, {}, result_files, 3, [NewReview(row, "220100", ("name",)) for row in QUEUED])
        register.delivered(BATCH)
        for officer, row in (("first", 1), ("second", 1), ("third", 2)):
            reviews = in_name_of(officer).reviews
            said = [Decision(row, reviews.get(BATCH, row).version, {"name": "consistent"}, "archive")]
            reviews.decide(BATCH, said, two=row == 1)
        return BATCH

    database.made("decided", make)
    return register


@pytest.fixture
def leader(in_name_of: InNameOf) -> Register:
    return in_name_of("leader")


def proposed(register: Register, *rows: int, needs_approval: bool = True) -> Release | None:
    return register.releases.propose(BATCH, rows or QUEUED, OUTCOME, needs_approval=needs_approval)


def brought(register: Register, leader: Register, state: ReleaseState) -> None:
    assert proposed(register) is not None
    for verb in WAY_TO[state]:
        VERBS[verb](leader)
    assert register.releases.get(BATCH, 1).state is state


def facts(register: Register) -> list[dict[str, str]]:
    return [json.loads(step.facts) for step in register.steps(BATCH)]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", ReleaseState)
def test_what_a_verb_does_to_a_release(decided: Register, leader: Register, verb: str, state: ReleaseState) -> None:
    brought(decided, leader, state)
    lines, rows = facts(decided), decided.reviews.among(BATCH, QUEUED)
    before, open_before, ledger = decided.releases.get(BATCH, 1), decided.batch(BATCH).rows_open, decided.verify()
    after = BECOMES[verb].get(state)
    if after is None:
        with pytest.raises(Halt, match=f"is {state}; it cannot become"):
            VERBS[verb](leader)
    else:
        VERBS[verb](leader)
    found = decided.releases.get(BATCH, 1)
    assert found.state is (after or state)
    if after in (None, state):
        assert (facts(decided), decided.reviews.among(BATCH, QUEUED), found) == (lines, rows, before)
        assert decided.verify() == ledger
        assert decided.batch(BATCH).rows_open == open_before
        return
    told = facts(decided)[len(lines)]
    assert told == {"release.1": f"{after} 2", "release.1.answers": SHOWN}
    taken_back = verb.startswith("withdraw")
    rows_are = ReviewState.DECIDED if taken_back else ROWS_ARE.get(found.state, rows[0].state)
    assert {row.state for row in decided.reviews.among(BATCH, QUEUED)} == {rows_are}
    assert found.reason == SAYS_WHY.get(verb, before.reason)
    judged = verb in ("approve", "reject")
    assert (found.judged_by, found.judged_at is not None) == (
        ("leader", True) if judged else (before.judged_by, before.judged_at is not None)
    )
    assert decided.batch(BATCH).rows_open == (1 if after is DELIVERED else 3)
    assert decided.verify()[0] > 0


@pytest.mark.parametrize("state", ReleaseState)
def test_rows_are_in_one_living_release(decided: Register, leader: Register, state: ReleaseState) -> None:
    brought(decided, leader, state)
    for rows in ((1,), QUEUED, (2, LEADERS_ALONE)):
        lines = facts(decided)
        if state is not REOPENED:
            assert proposed(decided, *rows) is None
            assert facts(decided) == lines
    other = proposed(decided, LEADERS_ALONE)
    assert other is not None
    assert (other.number, other.rows, other.id) == (2, (LEADERS_ALONE,), f"{BATCH}.release-2")
    assert facts(decided)[-1] == {"release.2": "proposed 1", "release.2.answers": SHOWN}
    if state is REOPENED:
        assert proposed(decided, 1) is not None
    assert [each.number for each in decided.releases.of(BATCH)] == [1, 2, 3][: 2 + (state is REOPENED)]


@pytest.mark.parametrize("needs_approval", [True, False])
def test_what_is_proposed_is_what_is_found(decided: Register, needs_approval: bool) -> None:
    release = proposed(decided, needs_approval=needs_approval)
    assert release is not None
    assert release == decided.releases.get(BATCH, 1) == decided.releases.of(BATCH)[0]
    assert (release.batch, release.number, release.rows) == (BATCH, 1, QUEUED)
    assert (release.counts, release.settled, release.upheld) == (OUTCOME.counts, OUTCOME.settled, 1)
    for counts in (release.counts, release.settled):  # the same text for the same counts, whoever counted
        assert list(counts) == sorted(counts)
        assert all(list(tally) == sorted(tally) for tally in counts.values())
    assert (release.answers_sha256, release.needs_approval) == (SHOWN, needs_approval)
    assert release.state is (PROPOSED if needs_approval else APPROVED)
    assert (release.judged_by, release.judged_at, release.reason) == (None, None, None)
    assert {row.state for row in decided.reviews.among(BATCH, QUEUED)} == {ReviewState.LEAVING}


@pytest.mark.parametrize("state", ReleaseState)
def test_with_which_something_is_to_be_done(decided: Register, leader: Register, state: ReleaseState) -> None:
    brought(decided, leader, state)
    assert proposed(decided, LEADERS_ALONE, needs_approval=False) is not None
    found = [each.number for each in decided.releases.under_way()]
    assert found == ([1, 2] if state in UNDER_WAY else [2]), "the oldest first"
    may_leave = [each.number for each in decided.releases.may_leave()]
    assert may_leave == ([1, 2] if state in (APPROVED, PREPARED) else [2])
    release = decided.releases.get(BATCH, 1)
    assert release.may_leave_since == (release.judged_at if state in (APPROVED, PREPARED) else None)
    without = decided.releases.get(BATCH, 2)
    assert without.may_leave_since == without.proposed_at is not None, "nobody's word was needed"


@pytest.mark.parametrize(
    ("who", "rows", "may"),
    [
        ("first", QUEUED, False),  # gave a word that did not decide the row
        ("second", QUEUED, False),
        ("third", QUEUED, False),
        ("third", (1, LEADERS_ALONE), True),  # decided no row of it
        ("first", (2, LEADERS_ALONE), True),
        ("leader", QUEUED, True),
    ],
)
def test_four_eyes(decided: Register, in_name_of: InNameOf, who: str, rows: tuple[int, ...], may: bool) -> None:
    assert proposed(decided, *rows) is not None
    lines = facts(decided)
    releases = in_name_of(who).releases
    if may:
        releases.approve(BATCH, 1, SHOWN)
    else:
        with pytest.raises(Halt, match="who decided a row cannot approve it"):
            releases.approve(BATCH, 1, SHOWN)
        assert facts(decided) == lines
    found = decided.releases.get(BATCH, 1)
    assert (found.state, found.judged_by) == ((APPROVED, who) if may else (PROPOSED, None))


@pytest.mark.parametrize(("named", "shown"), [(SHOWN, "e" * 64), (SHOWN, ""), (None, ""), (None, SHOWN)])
def test_what_was_seen_is_what_leaves(decided: Register, leader: Register, named: str | None, shown: str) -> None:
    outcome = ReleaseSummary(OUTCOME.counts, answers_sha256=named)
    release = decided.releases.propose(BATCH, QUEUED, outcome, needs_approval=True)
    assert release is not None
    assert (release.settled, release.upheld) == ({}, None)
    assert ("release.1.answers" in facts(decided)[-1]) == (named is not None)
    with pytest.raises(Halt, match="is not what was shown"):
        leader.releases.approve(BATCH, 1, shown)
    assert decided.releases.get(BATCH, 1).state is PROPOSED


def test_a_returned_row_begins_anew_and_says_why(decided: Register, leader: Register) -> None:
    before = decided.reviews.get(BATCH, 1)
    brought(decided, leader, REJECTED)
    row = decided.reviews.get(BATCH, 1)
    assert (row.state, row.returned_for, row.words) == (ReviewState.OPEN, "no", ())
    assert row.version == before.version + 1


def test_with_the_last_row_the_batch_is_closed(decided: Register, leader: Register) -> None:
    for number, (rows, state) in enumerate((((LEADERS_ALONE,), State.DELIVERED), (QUEUED, State.CLOSED)), 1):
        assert proposed(decided, *rows, needs_approval=False) is not None
        leader.releases.prepared(BATCH, number, [])
        leader.releases.delivered(BATCH, number)
        assert decided.batch(BATCH).state is state
    assert decided.batch(BATCH).rows_open == 0
    assert [row.state for row in decided.reviews.among(BATCH, (1, 2, 3))] == [ReviewState.RELEASED] * 2


def test_the_files_of_a_supplement_are_recorded_once(decided: Register, result_files: list[FileRecord]) -> None:
    assert proposed(decided, needs_approval=False) is not None
    files = [FileRecord(f"{each.role}-2", f"{each.name}-2", "9" * 64, 7) for each in result_files]
    for _ in range(2):
        decided.releases.prepared(BATCH, 1, files)
    found = [each for each in decided.files(BATCH) if each.name.endswith("-2")]
    assert sorted(each.name for each in found) == sorted(each.name for each in files)
    assert {value for key, value in facts(decided)[-1].items() if not key.startswith("release")} == {"9" * 64}


@pytest.mark.parametrize("went_on", [(APPROVED,), (APPROVED, PREPARED)])
def test_a_release_is_withdrawn_as_it_is_once_its_batch_is_locked(
    decided: Register, leader: Register, database: Database, went_on: tuple[ReleaseState, ...]
) -> None:
    """What it was before does not count."""
    assert proposed(decided) is not None
    with ThreadPoolExecutor(1) as verb:
        with transaction(leader.engine) as session:
            get_batch(session, BATCH, for_update=True)
            told = verb.submit(VERBS["withdraw"], decided)
            assert wait_for(lambda: waits(database), 60)
            for before, after in pairwise((PROPOSED, *went_on)):
                leader.releases._step(session, BATCH, 1, (before, after), None)
        if went_on[-1] is PREPARED:
            with pytest.raises(Halt, match="is sealed; it cannot become"):
                told.result()
        else:
            told.result()
    assert decided.releases.get(BATCH, 1).state is (PREPARED if went_on[-1] is PREPARED else REOPENED)


def waits(database: Database) -> bool:
    with database.server.connected("postgres", "exchange") as looking:
        return looking.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone() is not None
