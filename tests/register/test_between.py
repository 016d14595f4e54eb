"""Every rule that looks at something before it acts: whoever acts meanwhile changes nothing of it.

Each pair of acts is tried with the second one between any two questions of the first (``between.py``): what comes of it
is what comes of one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from sqlalchemy import select

from exchange import retention
from exchange.app import App
from exchange.calendar.working_days import NO_DAYS, Due, due_date
from exchange.register import (
    Decision,
    FileRecord,
    NewAlert,
    NewReview,
    PickupEvidence,
    Register,
    ReleaseSummary,
)
from exchange.register.database import reading
from exchange.register.told_uses import ToldUseRow
from exchange.review import second_eyes
from exchange.steps.objection import check_objection
from exchange.wire.manifest import RequestManifest

from .between import Act, Two, difference
from .conftest import AT, Database
from .test_retention import Desk, settings

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
        found = [ONE, TWO]
        withheld = register.told_uses.withheld(found)
        register.told_uses.confirm(question, [batch for batch in found if batch not in withheld], AT)

    return act


def left_over(register: Register) -> int:
    """How many files that no batch names are intended then."""
    register.retention.intend_nameless(["d" * 64], "20 days", AT)
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


def clock(verb: str, *given: object) -> Act:
    return lambda register: getattr(register.clock, verb)(ONE, *given)


Acts = tuple[Callable[[Ground], None], Callable[[Ground], Act], Callable[[Ground], Act]]
approve, reject = releases("approve", 1, SHOWN), releases("reject", 1, "no")
RULES: Final[Mapping[str, Acts]] = {
    "a set for a period": (Ground.two_claimed, lambda ground: accept(ground, ONE), lambda ground: accept(ground, TWO)),
    "a batch id": (
        Ground.nothing,
        lambda _: lambda register: register.claim(ONE, "bank", "a" * 64, [], AT),
        lambda _: lambda register: register.claim(ONE, "bank", "b" * 64, [], AT),
    ),
    "objection, destruction": (Ground.objected, object_to, lambda ground: destroy(ground, 31)),
    "destruction, objection": (Ground.objected, lambda ground: destroy(ground, 31), object_to),
    "hold, destruction": (
        Ground.closed,
        lambda ground: lambda register: retention.hold(ground.app(register), ONE, "案件需要"),
        lambda ground: destroy(ground, 31),
    ),
    "destruction, hold": (
        Ground.closed,
        lambda ground: destroy(ground, 31),
        lambda ground: lambda register: retention.hold(ground.app(register), ONE, "案件需要"),
    ),
    "two nights": (Ground.closed, lambda ground: destroy(ground, 31), lambda ground: destroy(ground, 31)),
    "what is left": (Ground.nothing, lambda _: left_over, lambda _: left_over),
    "exports": (Ground.nothing, lambda _: exports, lambda _: exports),
    "told, withheld": (
        Ground.asked,
        confirm,
        lambda _: lambda register: register.told_uses.withhold(TWO, "办案需要", AT),
    ),
    "told twice": (Ground.asked, confirm, confirm),
    "approve, undo": (Ground.proposed, lambda _: approve, undo),
    "undo, approve": (Ground.proposed, undo, lambda _: approve),
    "approve, reject": (Ground.proposed, lambda _: approve, lambda _: reject),
    "approve twice": (Ground.proposed, lambda _: approve, lambda _: approve),
    "propose twice": (
        Ground.decided,
        lambda _: propose(1, 2),
        lambda _: propose(2),
    ),
    "delivered, delivered": (
        Ground.two_on_their_way,
        lambda _: releases("delivered", 2),
        lambda _: lambda register: register.closed(ONE),
    ),
    "decide, decide": (Ground.queued, lambda _: decide(1), lambda _: decide(1, code="inconsistent")),
    "two words of one": (
        Ground.queued,
        lambda _: as_person("officer", decide(1, two=True)),
        lambda _: as_person("officer", decide(1, two=True)),
    ),
    "decide, open": (
        Ground.queued,
        lambda _: decide(1),
        lambda _: lambda register: register.reviews.opened(ONE, [1], hold=True),
    ),
    "open, open": (
        Ground.queued,
        lambda _: lambda register: register.reviews.opened(ONE, [1, 2], hold=True),
        lambda _: lambda register: register.reviews.opened(ONE, [2], hold=True),
    ),
    "pause asked twice": (
        Ground.running,
        lambda _: clock("propose", AT, "other"),
        lambda _: clock("propose", AT, "other"),
    ),
    "pause approved twice": (Ground.pausing, lambda _: clock("approve", AT), lambda _: clock("approve", AT)),
    "pause approved, returned": (Ground.pausing, lambda _: clock("approve", AT), lambda _: clock("reject", AT, "no")),
    "continued twice": (
        Ground.paused,
        lambda _: clock("start", AT + DAY, NO_DAYS),
        lambda _: clock("start", AT + DAY, NO_DAYS),
    ),
    "continued, counted": (
        Ground.paused,
        lambda _: clock("start", AT + DAY, NO_DAYS),
        lambda _: clock("recompute", NO_DAYS),
    ),
    "extended, decided": (
        Ground.objection,
        lambda _: as_person("leader", lambda register: register.extensions.extend(OBJECTION, NO_DAYS, "档案在外地")),
        lambda _: as_person(
            "leader",
            lambda register: register.reviews.decide(OBJECTION, [Decision(1, 1, {"name": "consistent"}, "archive")]),
        ),
    ),
    "extended, asked for": (
        Ground.objection,
        lambda _: lambda register: register.extensions.extend(OBJECTION, NO_DAYS, "档案在外地"),
        lambda _: lambda register: register.extensions.propose(OBJECTION, AT, "档案在外地"),
    ),
    "noticed missing twice": (
        Ground.nothing,
        lambda _: lambda register: register.missing.notice("bank", KEY, date(2026, 11, 6), AT).reminders,
        lambda _: lambda register: register.missing.notice("bank", KEY, date(2026, 11, 6), AT).reminders,
    ),
    "reminded twice": (
        Ground.missing,
        lambda _: lambda register: register.missing.reminded("bank", KEY, 1, AT),
        lambda _: lambda register: register.missing.reminded("bank", KEY, 1, AT),
    ),
    "arrived twice": (
        Ground.missing,
        lambda _: lambda register: register.missing.arrived("bank", KEY, AT),
        lambda _: lambda register: register.missing.arrived("bank", KEY, AT),
    ),
    "notice, gone": (
        Ground.lacking,
        lambda _: lambda register: register.unfinished.noticed("bank", "s", AT),
        lambda _: lambda register: register.unfinished.finished("bank", []),
    ),
    "alert twice": (
        Ground.nothing,
        lambda _: (
            lambda register: (
                register.alerts.add(NewAlert("bank", "x", "missing", 0, date(2026, 11, 6), date(2026, 11, 7)), AT)
                is None
            )
        ),
        lambda _: (
            lambda register: (
                register.alerts.add(NewAlert("bank", "x", "missing", 0, date(2026, 11, 6), date(2026, 11, 7)), AT)
                is None
            )
        ),
    ),
    "certified twice": (
        Ground.nothing,
        lambda _: lambda register: register.conformance.certify("bank", "a" * 64, AT),
        lambda _: lambda register: register.conformance.exempt("bank", "known", AT),
    ),
    "taken, put again": (
        Ground.closed,
        lambda _: lambda register: register.pickups.taken(ONE, 1, PickupEvidence.REMOVED, AT),
        lambda _: lambda register: register.pickups.put_again(ONE, 1, AT),
    ),
    "receipt twice": (
        Ground.running,
        lambda _: lambda register: register.record_file(ONE, "receipt", "r", "e" * 64, 1).sha256,
        lambda _: lambda register: register.record_file(ONE, "receipt", "r", "f" * 64, 1).sha256,
    ),
    "pinned twice": (
        Ground.running,
        lambda _: lambda register: register.snapshots.pin(ONE, {"population": ("2026-11-22.1", date(2026, 11, 22))}),
        lambda _: lambda register: register.snapshots.pin(ONE, {"population": ("2026-11-23.1", date(2026, 11, 23))}),
    ),
    "configuration twice": (
        Ground.nothing,
        lambda _: lambda register: register.configuration.record({"settings": "a" * 64}, AT),
        lambda _: lambda register: register.configuration.record({"settings": "a" * 64}, AT),
    ),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def ground(
    home: Path,
    database: Database,
    register: Register,
    in_name_of: InNameOf,
    manifest: RequestManifest,
    due: Due,
    result_files: list[FileRecord],
) -> Ground:
    return Ground(Desk(App(settings(home, database), register), due), manifest, in_name_of, result_files)


@pytest.mark.parametrize("rule", RULES)
def test_whoever_acts_in_between_changes_nothing_of_it(ground: Ground, database: Database, rule: str) -> None:
    begin, first, other = RULES[rule]

    def laid() -> None:
        ground.desk.app.archive.keep(ROWS)  # which a night before took away
        database.made(f"between_{begin.__name__}", lambda: f"{begin(ground)}")

    two = Two(database, ground.in_name_of, laid, first(ground), other(ground))
    allowed, tried = two.one_after_another(), 0
    for after, found in two.between():
        assert found in allowed, (after, difference(found, allowed))
        tried = after
    assert tried
