"""What is said of a moment stays what it was, whatever happens afterwards; of the queue it is what the queue held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import select

from exchange.base.errors import Halt
from exchange.calendar.working_days import NO_DAYS, Due, due_date, office_day
from exchange.guard.rules import Counts, Failed, Trip
from exchange.register import (
    DecidedBefore,
    Decision,
    FileRecord,
    NewReview,
    PickupEvidence,
    Register,
    ReleaseSummary,
    ReviewState,
    Role,
    State,
)
from exchange.register.board import queue_lines
from exchange.register.clock import Clock
from exchange.register.database import reading
from exchange.register.guard import Evidence
from exchange.register.lines import now
from exchange.register.models import BatchRow, ReviewRow
from exchange.register.queue_then import read, written
from exchange.register.releases import Releases
from exchange.register.returned import returned_release, returned_releases
from exchange.register.reviews import ReviewFilter, Reviews
from exchange.register.statistics import Lines, lines
from exchange.wire.manifest import RequestManifest

ROWS = range(1, 7)
QUEUED, LATER, PLACES = (1, 2, 3), (4, 5), ("220100", "222400")
START = datetime(2020, 1, 1, tzinfo=UTC)
BEFORE = DecidedBefore("bank.earlier", 1, {"name": "consistent"}, "archive", "p-2", START)
SHA = "c" * 64


class Walk:
    """Batches that go some way by real verbs; each step is tried and may not fit."""

    def __init__(self, register: Register, manifest: RequestManifest, seed: int) -> None:
        self.register, self.manifest, self.chance = register, manifest, Random(seed)  # noqa: S311
        self.batches: list[str] = []

    def step(self) -> None:
        """One verb, of a batch of either kind; what does not fit its state changes nothing."""
        if len(self.batches) < 4 or self.chance.random() < 0.05:
            self.claim()
            return
        verbs = (
            self.accept, self.prepare, self.prepare, self.deliver, self.decide, self.decide, self.decide, self.undo,
            self.propose, self.propose, self.judge, self.judge, self.send, self.send, self.queue, self.pause, self.take,
            self.let_go,
        )  # fmt: skip
        with suppress(Halt):
            self.chance.choice(verbs)(self.chance.choice(self.batches))

    def claim(self) -> None:
        batch = f"bank.stands-{len(self.batches)}"
        self.register.claim(batch, "bank", "a" * 64, [FileRecord("manifest", f"{batch}.json", "a" * 64, 10)], now())
        self.batches.append(batch)

    def accept(self, batch: str) -> None:
        if self.chance.random() < 0.1:
            self.register.refuse(batch, "signature_invalid", row=None, column=None)
            return
        answered = [each for each in self.batches if self.register.batch(each).state is State.CLOSED]
        first = self.chance.choice([None, *answered])
        objects_to = None if first is None or self.register.batch(first).objects_to else first
        changed = {"batch": batch, "objects_to": objects_to, "cycle": "objection" if objects_to else "annual"}
        signed = [FileRecord(Role.SIGNATURE, f"{batch}.p7s", "d" * 64, 3)]
        due = due_date("annual", office_day(now()))
        files = signed if objects_to is None or self.chance.random() < 0.5 else []
        self.register.accept(batch, self.manifest.model_copy(update=changed), due, files=files)

    def prepare(self, batch: str) -> None:
        reviews = [
            NewReview(row, self.chance.choice(PLACES), ("name",), None, BEFORE if self.chance.random() < 0.3 else None)
            for row in QUEUED
        ]
        holds = self.chance.random() < 0.4
        evidence = Evidence(1, Counts(6), Failed(), [Trip("volume", 6, 6)] if holds else (), holds=holds)
        counts = {"identity": {"consistent": 1, "under_review": 3, "source_not_ready": 2}}
        files = [FileRecord(Role.RESULT_DATA, f"{batch}.result", "1" * 64, 5)]
        self.register.prepared(batch, counts, files, len(ROWS) - 1, reviews, judge=lambda: evidence)

    def let_go(self, batch: str) -> None:
        guard = self.register.guard
        if self.chance.random() < 0.4:
            guard.release(batch, "误触发")
        else:
            guard.refuse(batch, "无依据", "not_released")

    def deliver(self, batch: str) -> None:
        if batch not in {hold.batch for hold in self.register.guard.holds()}:
            self.register.delivered(batch, now())

    def queue(self, batch: str) -> None:
        if self.register.batch(batch).state is State.DELIVERED:
            new = [NewReview(row, PLACES[0], ("criminal_record",)) for row in LATER if self.chance.random() < 0.5]
            self.register.reviews.add(batch, new)

    def decide(self, batch: str) -> None:
        reviews = Reviews(self.register.engine, self.chance.choice(("p-1", "p-2", "p-3")))
        known = [row for row in reviews.among(batch, ROWS) if row.state in (ReviewState.OPEN, ReviewState.DECIDED)]
        review = self.chance.choice(known or [reviews.get(batch, 1)])
        answers = {"name": self.chance.choice(("consistent", "inconsistent"))}
        two = self.chance.random() < 0.3
        reviews.decide(batch, [Decision(review.row, review.version, answers, "archive")], two=two)

    def undo(self, batch: str) -> None:
        Reviews(self.register.engine, self.chance.choice(("p-1", "p-2"))).undo(batch, self.chance.choice(QUEUED))

    def propose(self, batch: str) -> None:
        decided = self.register.reviews.find(ReviewFilter(batch=batch, state=ReviewState.DECIDED))
        rows = [review.row for review in decided if self.chance.random() < 0.7]
        if rows and self.register.batch(batch).state is State.DELIVERED:
            told = {"identity": {"consistent": len(rows)}}
            upheld = None if self.register.batch(batch).objects_to is None else self.chance.choice((0, len(rows)))
            summary = ReleaseSummary(told, told, upheld, SHA)
            self.register.releases.propose(batch, rows, summary, needs_approval=self.chance.random() < 0.7)

    def judge(self, batch: str) -> None:
        leader = Releases(self.register.engine, "leader")
        release = self.chance.choice(leader.of(batch) or [None])
        if release is not None:
            verbs: tuple[Callable[[], None], ...] = (
                lambda: leader.approve(batch, release.number, SHA),
                lambda: leader.reject(batch, release.number, "再查"),
                lambda: leader.reopen(batch, release.number, "已查"),
                lambda: leader.withdraw(batch, release.number, "有变"),
            )
            self.chance.choice(verbs)()

    def send(self, batch: str) -> None:
        for release in self.register.releases.of(batch):
            if release.may_leave_since is not None:
                name = f"{batch}.result-{release.number + 1}"
                data = FileRecord(f"{Role.RESULT_DATA}-{release.number + 1}", name, "2" * 64, 5)
                self.register.releases.prepared(batch, release.number, [data])
                self.register.releases.delivered(batch, release.number)

    def pause(self, batch: str) -> None:
        if self.chance.random() < 0.5:
            self.register.clock.start(batch, now(), NO_DAYS)
        elif self.register.clock.propose(batch, now(), "record_unclear"):
            Clock(self.register.engine, "leader").approve(batch, now())

    def take(self, batch: str) -> None:
        number = self.chance.choice((1, 2))
        if self.chance.random() < 0.3:
            self.register.pickups.put_again(batch, number, now())
        elif (batch, number) in {(result.batch, result.number) for result in self.register.pickups.uncollected()}:
            self.register.pickups.taken(batch, number, PickupEvidence.REMOVED, now())


def moments(walk: Walk, steps: int) -> Iterator[datetime]:
    """A moment between each two steps."""
    for _ in range(steps):
        walk.step()
        yield now()


def in_queue(told: Lines) -> list[tuple[str, str, str]]:
    return sorted(told.reviews.select("batch", "division", "state").rows())


def now_in_queue(register: Register) -> list[tuple[str, str, str]]:
    """What the queue holds now, of batches that were not refused, or decided in those; not what was decided as
    before.
    """
    query = select(ReviewRow.batch_id, ReviewRow.division, ReviewRow.state, BatchRow.state).join(BatchRow)
    with reading(register.engine) as session:
        rows = session.execute(query.where(ReviewRow.as_before.is_(None))).all()
    return sorted(
        (batch, division, "open" if state == ReviewState.OPEN else "decided")
        for batch, division, state, of_batch in rows
        if not (state == ReviewState.OPEN and of_batch == State.REFUSED)
    )


@pytest.mark.parametrize("seed", range(2))
def test_what_is_said_of_a_moment_does_not_change_by_what_comes_after_it(
    register: Register, manifest: RequestManifest, seed: int
) -> None:
    walk, said = Walk(register, manifest, seed), dict[datetime, Lines]()
    for moment in moments(walk, 180):
        if walk.chance.random() < 0.15:
            said[moment] = lines(register, START, moment)
            assert in_queue(said[moment]) == now_in_queue(register)
    for moment, before in said.items():
        again = lines(register, START, moment)
        for name in Lines.__dataclass_fields__:
            assert getattr(again, name).equals(getattr(before, name)), name
    register.verify()


def test_of_a_refused_batch_no_row_waits_for_anybody(register: Register, prepared: Callable[..., str]) -> None:
    held = prepared(Evidence(1, Counts(9, 9, 9), Failed(), [Trip("volume", 9, 9)], holds=True))
    assert [line.row for line in queue_lines(register.engine, ["220000"], "p-1", 9)] == [1, 2, 3]
    register.guard.refuse(held, "无依据", "not_released")
    officer = Reviews(register.engine, "p-1")
    assert queue_lines(register.engine, ["220000"], "p-1", 9) == []
    assert officer.find(ReviewFilter()) == []
    assert not any(officer.count(held).values())
    with pytest.raises(Halt, match="was refused"):
        officer.opened(held, [1], hold=True)
    with pytest.raises(Halt, match="was refused"):
        officer.decide(held, [Decision(1, 1, {"name": "consistent"}, "archive")])
    assert lines(register, START, now() + timedelta(days=1)).reviews.is_empty()


def test_rows_of_a_fact_are_read_as_they_were_written() -> None:
    for seed in range(50):
        rows = sorted(Random(seed).sample(range(1, 60), seed))  # noqa: S311
        assert list(read(written(rows))) == rows
    assert (written([9, 3, 8, 7]), written([])) == ("3,7-9", "")


def test_what_a_leader_returned_of_a_test_is_on_no_officers_page(
    register: Register, manifest: RequestManifest, due: Due, result_files: list[FileRecord]
) -> None:
    batches = {"bank.live": None, "bank.test": "test"}
    for batch, stage in batches.items():
        register.claim(batch, "bank", "a" * 64, [FileRecord("manifest", "m.json", "a" * 64, 10)], now(), stage=stage)
        register.accept(batch, manifest, due, stage=stage)
        register.prepared(batch, {}, result_files, 1, [NewReview(1, "220100", ("name",))])
        register.delivered(batch)
        register.reviews.decide(batch, [Decision(1, 1, {"name": "consistent"}, "archive")])
        register.releases.propose(batch, [1], ReleaseSummary({}), needs_approval=True)
        Releases(register.engine, "leader").reject(batch, 1, "再查")
    shown = returned_releases(register.engine, ["220000"])
    assert [each.batch.id for each in shown] == ["bank.live"]
    assert all(returned_release(register.engine, ["220000"], batch, 1) for batch in batches), "by its batch it is found"
