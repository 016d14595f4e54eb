"""What an officer decided of a case is found again as it was decided last, unless something is in doubt about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from exchange.calendar.working_days import Due, due_date, office_day
from exchange.register import Decision, FileRecord, NewReview, Register, ReleaseSummary, ReviewState
from exchange.register.lines import now
from exchange.wire.manifest import RequestManifest
from tests.register.conftest import AT

CASE = "c" * 64
LONG_AGO = timedelta(days=400)
Asked = Callable[..., str]


@pytest.fixture
def asked(
    register: Register,
    new_batch: Callable[[Register], str],
    manifest: RequestManifest,
    due: Due,
    result_files: list[FileRecord],
) -> Asked:
    """A delivered batch whose only open row is of this case; its id."""

    def make(case: str = CASE) -> str:
        batch = new_batch(register)
        register.accept(batch, manifest, due)
        found = register.reviews.decided_before([case], now() - LONG_AGO).get(case)
        rows = [NewReview(1, "220100", ("name",), case, found)]
        register.prepared(batch, {"name": {"under_review": 1}}, result_files, 1, rows)
        register.delivered(batch)
        return batch

    return make


def decide(register: Register, batch: str, answer: str = "consistent") -> None:
    version = register.reviews.get(batch, 1).version
    register.reviews.decide(batch, [Decision(1, version, {"name": answer}, "archive")])


def leave(register: Register, batch: str) -> None:
    outcome = ReleaseSummary({"name": {"consistent": 1}}, answers_sha256="f" * 64)
    release = register.releases.propose(batch, [1], outcome, needs_approval=False)
    assert release is not None
    register.releases.prepared(batch, release.number, [])
    register.releases.delivered(batch, release.number)


@pytest.fixture
def first(register: Register, asked: Asked) -> str:
    """Of the case's first batch the answer has left."""
    batch = asked()
    decide(register, batch)
    leave(register, batch)
    assert register.reviews.get(batch, 1).state is ReviewState.RELEASED
    return batch


def test_the_next_one_takes_it_over_and_says_so(register: Register, asked: Asked, first: str) -> None:
    second, before = asked(), register.reviews.get(first, 1)
    review = register.reviews.get(second, 1)
    assert (review.state, review.as_before, review.decided_by) == (ReviewState.DECIDED, f"{first} 1", before.decided_by)
    assert (review.answers, review.reason, review.decided_at) == (before.answers, before.reason, before.decided_at)
    assert '"as_before": "1"' in "".join(step.facts for step in register.steps(second))
    register.verify()


@pytest.mark.parametrize(("case", "known"), [(CASE, True), ("d" * 64, False)])
def test_of_this_case_alone(register: Register, first: str, case: str, known: bool) -> None:
    assert (case in register.reviews.decided_before([case], now() - LONG_AGO)) is known
    assert register.reviews.decided_before([case], now() + timedelta(minutes=1)) == {}, "it was decided before that"
    assert register.reviews.decided_before([], now() - LONG_AGO) == {}


def _objected(register: Register, asked: Asked, first: str, manifest: RequestManifest) -> None:
    register.claim("bank.objection", "bank", "b" * 64, [], AT)
    objection = manifest.model_copy(update={"cycle": "objection", "objects_to": first})
    register.accept("bank.objection", objection, due_date("objection", office_day(AT)))


def _taken_back(register: Register, asked: Asked, first: str, manifest: RequestManifest) -> None:
    register.reviews.undo(asked(), 1)


def _decided_anew(register: Register, asked: Asked, first: str, manifest: RequestManifest) -> None:
    decide(register, asked(), "inconsistent")


@pytest.mark.parametrize("since", [_objected, _taken_back, _decided_anew])
def test_what_is_in_doubt_is_not_repeated(
    register: Register, asked: Asked, first: str, manifest: RequestManifest, since: Callable[..., None]
) -> None:
    since(Register(register.engine, "tests"), asked, first, manifest)
    assert register.reviews.decided_before([CASE], now() - LONG_AGO) == {}
    assert register.reviews.get(asked(), 1).state is ReviewState.OPEN


def test_as_it_was_decided_last_once_that_has_left(register: Register, asked: Asked, first: str) -> None:
    second = asked()
    decide(register, second, "inconsistent")
    leave(register, second)
    (found,) = register.reviews.decided_before([CASE], now() - LONG_AGO).values()
    assert (found.batch, found.row, dict(found.answers)) == (second, 1, {"name": "inconsistent"})
