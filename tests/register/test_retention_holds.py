"""What is held, objected to, or answered a batch that may be looked at again, is not destroyed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from exchange import retention
from exchange.app import App
from exchange.base.errors import Halt, Refused
from exchange.base.files import sha256
from exchange.steps.objection import check_objection
from exchange.wire.manifest import RequestManifest

from .desk import Desk, roles


def about_to_go(desk: Desk) -> App:
    """A run was killed between moving ``b"rows"`` aside and deleting it; the office on that day."""
    app, archive = desk.later(31), desk.app.archive
    desk.register.retention.intend(retention.due(app), app.now())
    aside = archive.folder / ".destroying" / sha256(b"rows")
    aside.parent.mkdir()
    archive.path(sha256(b"rows")).rename(aside)
    return app


def test_a_batch_that_is_held(desk: Desk, manifest: RequestManifest) -> None:
    batch = desk.closed(manifest, "held", b"rows")
    assert retention.hold(desk.app, batch, "案件需要")
    assert not retention.hold(desk.app, batch, "again")
    (held,) = desk.register.retention.holds()
    assert (held.batch, held.reason, held.held_by) == (batch, "案件需要", "tests")
    retention.run(desk.later(999))
    assert desk.there(b"rows")
    desk.register.retention.release_hold(batch, desk.app.now())
    with pytest.raises(Halt, match="is not held"):
        desk.register.retention.release_hold(batch, desk.app.now())
    retention.run(desk.later(31))
    assert not desk.there(b"rows")
    assert retention.hold(desk.app, batch, "later"), "it may be held again"
    desk.register.verify()


def test_what_a_held_batch_rests_on_is_held_with_it(desk: Desk, manifest: RequestManifest) -> None:
    """Whom an objection means stands in the earlier batch alone, and what was answered, in the snapshots."""
    retention_, uses = desk.register.retention, desk.register.snapshots
    first = desk.closed(manifest, "first", b"rows")
    objection = desk.batch(manifest, "objection", b"refs", objects_to=first)
    uses.pin(first, pinned := {"population": ("v1", datetime.now(UTC).date())})
    desk.close(objection)
    ended = datetime.now(UTC)
    for held in (objection, first):
        assert uses.in_use() == set()
        assert retention.hold(desk.app, held, "案件需要")
        assert uses.in_use() == {("population", pinned["population"][0])}, held
        retention.run(desk.later(999))
        assert desk.there(b"rows"), held
        retention_.release_hold(held, desk.app.now())
    assert uses.needed(ended) == set(), "what was noted of it later does not end it anew"
    retention.run(desk.later(999))
    assert not desk.there(b"rows")


def test_an_earlier_batch_about_to_go_when_an_objection_to_it_is_held(desk: Desk, manifest: RequestManifest) -> None:
    first = desk.closed(manifest, "first", b"rows")
    objection = desk.batch(manifest, "objection", b"refs", objects_to=first)
    desk.close(objection)
    app = about_to_go(desk)
    retention.hold(desk.app, objection, "案件需要")
    assert desk.there(b"rows")
    retention.run(app)
    assert desk.there(b"rows")


def test_held_when_it_was_about_to_go(desk: Desk, manifest: RequestManifest) -> None:
    batch = desk.closed(manifest, "late", b"rows")
    app = about_to_go(desk)
    retention.hold(desk.app, batch, "案件需要")
    assert desk.there(b"rows")
    retention.run(app)
    assert desk.there(b"rows")
    assert roles(desk, batch) == set()


def test_a_batch_to_which_an_objection_is_open(desk: Desk, manifest: RequestManifest) -> None:
    first = desk.closed(manifest, "first", b"rows")
    objection = desk.batch(manifest, "objection", b"refs", objects_to=first)
    retention.run(desk.later(999))
    assert desk.there(b"rows")
    desk.close(objection)
    retention.run(desk.later(31))
    assert not desk.there(b"rows")
    again = manifest.model_copy(update={"objects_to": first, "purpose": manifest.purpose})
    with pytest.raises(Refused, match="objection_past"):
        check_objection(desk.register, again)


def test_what_answered_a_batch_stays_while_it_may_be_looked_at_again(desk: Desk, manifest: RequestManifest) -> None:
    """An objection is looked into with the snapshots of the earlier batch, which ended long ago."""
    register, uses = desk.register, desk.register.snapshots
    first = desk.batch(manifest, "first", b"rows")
    uses.pin(first, {"population": ("v1", datetime.now(UTC).date())})
    desk.close(first)
    assert uses.in_use() == set()
    for days, needed in ((29, {("population", "v1")}), (31, set())):
        assert uses.needed(desk.later(days).now() - timedelta(days=30)) == needed, days
    objection = desk.batch(manifest, "objection", b"refs", objects_to=first)
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: register.prepared(objection, {"identity": {"under_review": 1}}, [], 1),
        lambda: register.delivered(objection),
    ]
    for step in steps:
        step()
        state = register.batch(objection).state
        assert uses.in_use() == uses.needed(desk.later(999).now()) == {("population", "v1")}, state
    desk.batch(manifest, "another", b"others", objects_to=objection)
    register.closed(objection)
    assert uses.in_use() == set(), "closed"
