"""A partner that tries to get the one by way of the other: with what is under way when its stage changes, with ids and
papers that it used before.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import select

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import Role, State
from exchange.register.database import reading
from exchange.register.guard import GuardEvidenceRow
from exchange.register.told import ToldRow
from exchange.review.case import load_cases
from exchange.snapshots.versions import Snapshots
from exchange.status.publish import publish
from exchange.watch.due import recompute
from exchange.wire.envelope import sign
from tests.steps.releases import approve, decide, proposed, sent, supplement
from tests.steps.stages import at_stage

Ask = Callable[..., Request]
BORDERS = [("", "test"), ("test", "")]


@pytest.fixture
def real(clean: pl.DataFrame) -> dict[str, Any]:
    """Somebody of the real register, whom the invented province does not know."""
    return clean.row(0, named=True)


def about(person: dict[str, Any]) -> bytes:
    return f"row_ref,id_number,name,sex\nR1,{person['id_number']},{person['name']},{person['sex']}\n".encode()


def receipt(partner: DemoPartner, batch: str, number: int = 1) -> dict[str, Any]:
    return partner.verified(f"{batch}.receipt.json" if number == 1 else f"{batch}.receipt-{number}.json")


def claimed_now(app: App) -> str:
    """The one set that a look into the folders finds."""
    waited = set(app.register.waiting())
    poll(app)
    (claimed,) = set(app.register.waiting()) - waited
    return claimed


@pytest.mark.parametrize(("first", "then"), BORDERS)
def test_what_is_under_way_ends_at_its_own_stage(
    app: App,
    leader: App,
    court: DemoPartner,
    ask: Ask,
    installed: Snapshots,
    real: dict[str, Any],
    first: str,
    then: str,
) -> None:
    """An objection that is open when the stage changes: what the officer sees, its further receipt, its supplement, and
    how the partner stands. In the invented province nobody bears this person's number.
    """
    with at_stage(app, court, first):
        answered = sent(app, court, ask(about(real)))
        again = {"cycle": "objection", "items": ("sex",), "objects_to": answered}
        objection = sent(app, court, ask(b"row_ref\nR1\n", 1, **again))
    with at_stage(app, court, then):
        seen = load_cases(app, objection, [app.register.reviews.get(objection, 1)])[0]
        assert (seen.people.height, seen.is_test) == (0 if first else 1, bool(first))
        app.register.clock.propose(objection, app.now(), "record_unclear")
        leader.register.clock.approve(objection, app.now())
        assert objection in recompute(app).informed
        leader.register.clock.start(objection, app.now(), app.office_days)
        decide(app, objection, 1, identity="consistent", sex="consistent")
        for release in proposed(app, objection):
            if release.needs_approval:
                approve(leader, release)
            pipeline.issue(app, release.id)
        (app.settings.home / "status" / court.id / "status.json").unlink(missing_ok=True)  # of less than a minute ago
        publish(app, court.id, again=True)
    assert receipt(court, objection, 2).get("stage") == (first or None)
    (row,) = supplement(court, objection, 2).values()
    assert ("test_data" in row["note"]) is bool(first)
    assert court.result(objection, 2).manifest.get("stage") == (first or None)
    stands = court.verified("status.json")
    marks = {each["batch"]: each.get("test", False) for each in [*stands["batches"], *stands["results"]]}
    assert (marks[answered], marks[objection]) == (bool(first), bool(first))
    assert stands.get("stage") == (then or None)


@pytest.mark.parametrize(("first", "then"), BORDERS)
def test_an_id_that_was_used_at_the_other_stage_is_refused(
    app: App,
    court: DemoPartner,
    ask: Ask,
    installed: Snapshots,
    real: dict[str, Any],
    first: str,
    then: str,
) -> None:
    """Its receipt is of the stage of today; what was answered under the id stays what it was."""
    with at_stage(app, court, first):
        used = sent(app, court, ask(about(real)))
    before = court.result(used).manifest
    with at_stage(app, court, then):
        court.drop(court.make_set(ask(about(real), batch=used, letter="介字〔虚构〕2号")))
        claimed = claimed_now(app)
        assert not pipeline.run(app, claimed)
    second = app.register.batch(claimed)
    assert (second.refusal_code, second.is_test) == ("batch_id_reused", bool(then))
    (name,) = [each.name for each in app.register.files(claimed) if each.role == Role.RECEIPT]
    assert court.verified(name).get("stage") == (then or None)
    assert court.result(used).manifest == before
    assert app.register.batch(used).is_test is bool(first)


def test_tests_leave_nothing_by_which_a_person_or_a_guess_is_found(
    app: App, court: DemoPartner, ask: Ask, installed: Snapshots, real: dict[str, Any]
) -> None:
    """Nor where the agreement is live again by the time of the answer."""
    with at_stage(app, court, "test"):
        whole = sent(app, court, ask(about(real)))
        court.drop(court.make_set(request := ask(about(real))))
        assert request.batch == claimed_now(app)
        pipeline.receive(app, request.batch)
    pipeline.run(app, request.batch)
    live = sent(app, court, ask(about(real)))
    with reading(app.register.engine) as session:
        kept = {
            table: set(session.scalars(select(table.batch_id).where(table.batch_id.in_([whole, request.batch, live]))))
            for table in (ToldRow, GuardEvidenceRow)
        }
    assert kept == {ToldRow: {live}, GuardEvidenceRow: {live}}


def test_no_paper_but_the_offices_own_register_lets_a_partner_be_live(
    app: App, education: DemoPartner, court: DemoPartner, ask: Ask, installed: Snapshots
) -> None:
    """Neither a certificate that it writes itself, nor the office's own about another partner under its name: whatever
    lies in its folders is read by nobody.
    """
    assert app.register.conformance.newest(court.id) is not None
    assert app.register.conformance.newest(education.id) is None
    certificate = {"format": "exchange-conformance/1", "partner": education.id, "certified_on": "2026-11-01"}
    content = json.dumps(certificate).encode()
    name = f"{education.id}.conformance.json"
    education.drop({name: content, f"{name}.p7s": sign(content, app.signing)})
    there = Path(education.server.home) / "from-office"
    (there / name).write_bytes(content)
    (there / f"{name}.p7s").write_bytes(sign(content, app.signing))
    with at_stage(app, education, "live"):
        education.drop(education.make_set(request := ask(batch=f"{education.id}.forged-paper")))
        assert request.batch == claimed_now(app)
        with pytest.raises(Halt, match="needs a certificate of conformance"):
            pipeline.receive(app, request.batch)
    assert app.register.batch(request.batch).state is State.CLAIMED
