"""What two acts are about that are tried at once (``test_between.py``), and the acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import select

from exchange import retention
from exchange.app import App
from exchange.calendar.working_days import due_date
from exchange.register import Decision, FileRecord, NewReview, Register, ReleaseSummary
from exchange.register.database import reading
from exchange.register.told_uses import ToldUseRow
from exchange.review import second_eyes
from exchange.steps.objection import check_objection
from exchange.wire.manifest import RequestManifest

from .between import Act
from .conftest import AT
from .desk import Desk

InNameOf = Callable[[str], Register]
DAY: Final = timedelta(days=1)
ONE, TWO, OBJECTION, HIT = "bank.b1", "bank.b2", "bank.o1", "bank.h1"
SHOWN: Final = "f" * 64
ROWS: Final = b"rows"
OUTCOME: Final = ReleaseSummary({"name": {"consistent": 1}}, answers_sha256=SHOWN)
KEY: Final = ("monthly", "2026-10", "")
HASHES: Final = np.array([7, 8], np.uint64)


@dataclass
class Ground:
    """An office with a register and an archive, and what the acts are about. ``manifest``: of a set of this month."""

    desk: Desk
    manifest: RequestManifest
    in_name_of: InNameOf
    result_files: list[FileRecord]

    def app(self, register: Register, days: int = 0) -> App:
        moment = datetime.now(UTC) + timedelta(days=days)
        return App(self.desk.app.settings, register, lambda: moment)

    def set_of(self, batch: str, **changed: object) -> RequestManifest:
        return self.manifest.model_copy(update={"batch": batch, **changed})

    # ── what stands there before ─────────────────────────────────────────────────────────────────────────

    def two_claimed(self) -> None:
        for batch in (ONE, TWO):
            self.desk.register.claim(batch, "bank", "a" * 64, [], AT)

    def closed(self) -> None:
        self.desk.closed(self.manifest, "b1", ROWS)

    def objected(self) -> None:
        """An answered set, and an objection to it that was claimed."""
        self.closed()
        self.desk.register.claim(OBJECTION, "bank", "c" * 64, [], AT)

    def objection(self) -> None:
        """One that is accepted, with a row for an officer."""
        register = self.desk.register
        self.objected()
        made = self.set_of(OBJECTION, cycle="objection", objects_to=ONE)
        register.accept(OBJECTION, made, due_date("objection", date(2026, 11, 23)))
        register.prepared(OBJECTION, {}, [], 1, [NewReview(1, "220100", ("objection",))])

    def queued(self) -> None:
        """A delivered set with three open rows."""
        register = self.desk.register
        register.claim(ONE, "bank", "a" * 64, [], AT)
        register.accept(ONE, self.manifest, self.desk.due)
        register.prepared(ONE, {}, self.result_files, 3, [NewReview(row, "220100", ("name",)) for row in (1, 2)])
        register.delivered(ONE, AT)

    def decided(self) -> None:
        self.queued()
        said = [Decision(row, 1, {"name": "consistent"}, "archive") for row in (1, 2)]
        self.in_name_of("officer").reviews.decide(ONE, said)

    def proposed(self) -> None:
        self.decided()
        self.desk.register.releases.propose(ONE, [1, 2], OUTCOME, needs_approval=True)

    def two_on_their_way(self) -> None:
        """Two releases that are made; with the last one the set is closed."""
        self.decided()
        releases = self.desk.register.releases
        for number, rows in enumerate(([1, 2], [3]), 1):
            releases.propose(ONE, rows, OUTCOME, needs_approval=False)
            releases.prepared(ONE, number, [])
            if number == 1:
                releases.delivered(ONE, 1)

    def two_may_leave(self) -> None:
        self.decided()
        for rows in ([1, 2], [3]):
            self.desk.register.releases.propose(ONE, rows, OUTCOME, needs_approval=False)

    def running(self) -> None:
        self.desk.register.claim(ONE, "bank", "a" * 64, [], AT)
        self.desk.register.accept(ONE, self.manifest, self.desk.due)

    def pausing(self) -> None:
        self.running()
        self.in_name_of("officer").clock.propose(ONE, AT, "other")

    def paused(self) -> None:
        self.pausing()
        self.in_name_of("leader").clock.approve(ONE, AT)

    def asked(self) -> None:
        """Somebody asks who was told about a person, of whom two sets asked."""
        self.two_claimed()
        self.in_name_of("asker").told_uses.ask(HASHES, "本人查询", "函7号", AT)

    def missing(self) -> None:
        self.desk.register.missing.notice("bank", KEY, date(2026, 11, 6), AT)

    def lacking(self) -> None:
        self.desk.register.unfinished.see("bank", "s", "f", "data_missing", AT)

    def nothing(self) -> None:
        """An empty register."""


def decide(row: int, *, two: bool = False, code: str = "consistent") -> Act:
    return lambda register: register.reviews.decide(ONE, [Decision(row, 1, {"name": code}, "archive")], two=two)


def accept(ground: Ground, batch: str) -> Act:
    return lambda register: register.accept(batch, ground.set_of(batch), ground.desk.due, at_most=1)


def object_to(ground: Ground) -> Act:
    """As the intake does: looked at, then accepted."""

    def act(register: Register) -> None:
        made = ground.set_of(OBJECTION, cycle="objection", objects_to=ONE)
        check_objection(register, made)
        register.accept(OBJECTION, made, due_date("objection", date(2026, 11, 23)))

    return act


def destroy(ground: Ground, days: int) -> Act:
    """A night's run: several have one account."""
    return as_person("night", lambda register: retention.run(ground.app(register, days)) and None)


def confirm(ground: Ground) -> Act:
    def act(register: Register) -> None:
        with reading(register.engine) as session:
            number = session.scalars(select(ToldUseRow.id)).one()
        question = register.told_uses.question(number, AT)
        register.told_uses.confirm(question, [ONE, TWO], AT)

    return act


def left_over(register: Register) -> int:
    """How many files that no batch names are intended then."""
    register.retention.intend_nameless({"d" * 64: True}, "20 days", AT)
    return len(register.retention.intended())


def exports(register: Register) -> int:
    """How many are intended then."""
    register.retention.intend_exports([("population/x", "a")], "30 days", AT)
    return len(register.retention.intended_exports())


def as_person(person: str, act: Act) -> Act:
    return lambda register: act(Register(register.engine, person))


def undo(ground: Ground) -> Act:
    return as_person("officer", lambda register: second_eyes.undo(ground.app(register), ONE, 1))


def releases(verb: str, *given: object, **named: object) -> Act:
    return lambda register: getattr(register.releases, verb)(ONE, *given, **named)


def propose(*rows: int) -> Act:
    """Whether there was something to propose."""
    return lambda register: register.releases.propose(ONE, rows, OUTCOME, needs_approval=True) is not None


def prepare(number: int) -> Act:
    """As the step does: how many rows are open after it is said in what is made, before it is recorded."""

    def act(register: Register) -> None:
        rows_open = (register.batch(ONE).rows_open or 0) - len(register.releases.get(ONE, number).rows)
        register.releases.prepared(ONE, number, [], rows_open)

    return act


def clock(verb: str, *given: object) -> Act:
    return lambda register: getattr(register.clock, verb)(ONE, *given)
