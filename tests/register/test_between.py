"""Every rule that looks at something before it acts: whoever acts meanwhile changes nothing of it.

Each pair of acts is tried with the second one between any two questions of the first (``between.py``): what comes of it
is what comes of one after another. What is looked at in one transaction and acted upon in another fails here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from exchange import retention
from exchange.app import App
from exchange.calendar.working_days import NO_DAYS, Due
from exchange.register import Decision, FileRecord, NewAlert, PickupEvidence, Register
from exchange.wire.manifest import RequestManifest

from .between import Act, Two, difference
from .conftest import AT, Database
from .desk import Desk, settings
from .grounds import (
    DAY,
    KEY,
    OBJECTION,
    ONE,
    ROWS,
    SHOWN,
    TWO,
    Ground,
    InNameOf,
    accept,
    as_person,
    clock,
    confirm,
    decide,
    destroy,
    exports,
    left_over,
    object_to,
    prepare,
    propose,
    releases,
    undo,
)

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
    "undo, propose": (Ground.decided, undo, lambda _: propose(1, 2)),
    "propose, undo": (Ground.decided, lambda _: propose(1, 2), undo),
    "approve, reject": (Ground.proposed, lambda _: approve, lambda _: reject),
    "approve twice": (Ground.proposed, lambda _: approve, lambda _: approve),
    "propose twice": (
        Ground.decided,
        lambda _: propose(1, 2),
        lambda _: propose(2),
    ),
    "two that may leave": (Ground.two_may_leave, lambda _: prepare(1), lambda _: prepare(2)),
    "delivered, closed": (
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
        lambda _: lambda register: register.configuration.record(lambda _: {"settings": "a" * 64}, lambda: AT),
        lambda _: lambda register: register.configuration.record(lambda _: {"settings": "a" * 64}, lambda: AT),
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
