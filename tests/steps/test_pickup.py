"""When a partner took its result: seen once, registered once, never sent again."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import PickupEvidence, Register, Role
from exchange.register import register as register_module
from exchange.register.pickups import Pickups
from exchange.retention import SETTLED
from tests.steps.odd_servers import Unremoving, served_by

Ask = Callable[..., Request]


@pytest.fixture
def answered(app: App, court: DemoPartner, ask: Ask) -> str:
    """A batch whose result lies in the court's folder."""
    return answer(app, court, ask)


def answer(app: App, court: DemoPartner, ask: Ask) -> str:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request.batch


def uncollected(app: App, batch: str) -> bool:
    return batch in {each.batch for each in app.register.pickups.uncollected()}


def test_a_result_that_the_partner_took_away(app: App, court: DemoPartner, answered: str) -> None:
    poll(app)
    assert uncollected(app, answered)
    assert app.register.pickups.of(answered) == []
    folder = court.server.home / "from-office"
    (folder / f"{answered}.result.json").unlink()
    poll(app)
    assert uncollected(app, answered), "the data file is still there"
    (folder / f"{answered}.result.csv.p7m").unlink()
    poll(app)
    (pickup,) = app.register.pickups.of(answered)
    assert (pickup.number, pickup.how) == (1, PickupEvidence.REMOVED)
    assert not uncollected(app, answered)
    lines = len(app.register.steps(answered))
    poll(app)
    pipeline.run(app, answered)
    assert len(app.register.steps(answered)) == lines
    assert f"{answered}.result.csv.p7m" not in court.answers(), "it is not sent again"
    app.register.verify()


def test_a_result_that_the_partner_acknowledged(app: App, court: DemoPartner, answered: str) -> None:
    court.drop({f"{answered}.result.ack": b""})
    poll(app)
    (pickup,) = app.register.pickups.of(answered)
    assert pickup.how is PickupEvidence.ACKNOWLEDGED
    assert not (court.server.home / "to-office" / f"{answered}.result.ack").exists()
    assert f"{answered}.result.csv.p7m" in court.answers(), "what lies there is the partner's to remove"
    (court.server.home / "from-office" / f"{answered}.result.csv.p7m").unlink()
    poll(app)
    assert app.register.pickups.of(answered) == [pickup], "the first telling stands"
    court.drop({f"{answered}.result.ack": b""})
    poll(app)
    assert not (court.server.home / "to-office" / f"{answered}.result.ack").exists(), "said again: cleared away"


def test_an_acknowledgement_before_the_result_acknowledges_nothing(
    app: App, court: DemoPartner, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask()
    said = f"{request.batch}.result.ack"
    court.drop(court.make_set(request) | {said: b""})
    poll(app)
    with monkeypatch.context() as killed:
        killed.setattr(Register, "delivered_and_closed", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pipeline.run(app, request.batch)
    assert not (court.server.home / "to-office" / said).exists()
    court.drop({said: b""})  # now it is one, though the run was killed before it said that the result lies there
    assert pipeline.run(app, request.batch)
    poll(app)
    assert [each.how for each in app.register.pickups.of(request.batch)] == [PickupEvidence.ACKNOWLEDGED]


def test_nor_does_one_that_may_not_be_removed_hold_the_result_up(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    court.drop(court.make_set(request) | {f"{request.batch}.result.ack": b""})
    poll(app)
    with served_by(app, court, Unremoving):
        assert pipeline.run(app, request.batch)
    court.verified(f"{request.batch}.result.json")


@pytest.mark.parametrize("name", ["{batch}.result-2.ack", "{batch}.ack", "x.ack", "education-jilin.q.result.ack"])
def test_an_acknowledgement_of_nothing_is_left_alone(app: App, court: DemoPartner, answered: str, name: str) -> None:
    named = name.format(batch=answered)
    court.drop({named: b""})
    assert poll(app).troubles == []
    assert app.register.pickups.of(answered) == []
    assert (court.server.home / "to-office" / named).exists()


def lose(court: DemoPartner, batch: str) -> None:
    for path in (court.server.home / "from-office").glob(f"{batch}.result*"):
        path.unlink()


def test_what_is_gone_and_was_never_seen_was_not_taken(
    app: App, court: DemoPartner, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a batch that was delivered before sightings were written down."""
    with monkeypatch.context() as before:
        before.setattr(register_module, "seen", lambda *_: None)
        answered = answer(app, court, ask)
    lose(court, answered)
    (trouble,) = poll(app).troubles
    assert f"exchange batch redeliver {answered}" in trouble
    assert app.register.pickups.of(answered) == []
    assert pipeline.redeliver(app, answered) == [1]
    court.verified(f"{answered}.result.json")
    assert poll(app).troubles == []
    lose(court, answered)
    poll(app)
    assert [each.how for each in app.register.pickups.of(answered)] == [PickupEvidence.REMOVED]


def test_a_result_that_the_partner_has_not_is_delivered_again_on_record(
    app: App, court: DemoPartner, answered: str
) -> None:
    assert pipeline.redeliver(app, answered) == [], "it lies there"
    lose(court, answered)
    poll(app)
    assert not uncollected(app, answered)
    assert pipeline.redeliver(app, answered) == [1]
    assert uncollected(app, answered)
    (line,) = [line for line in app.register.steps(answered) if "redelivered.1" in line.facts]
    assert line.actor == "test"
    app.register.verify()
    assert pipeline.redeliver(app, answered) == []


def test_no_night_destroys_what_is_about_to_be_delivered_again(
    app: App, court: DemoPartner, answered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stand as not taken for good: a night's run comes between its record and its files."""
    lose(court, answered)
    poll(app)
    digests = [file.sha256 for file in app.register.files(answered) if file.role.startswith("result")]
    for digest in digests:
        os.utime(app.archive.path(digest), (0, 0))
    record = Pickups.put_again

    def put_again(self: Pickups, *given: Any) -> None:
        assert [app.archive.destroy(digest, app.now() - SETTLED) for digest in digests] == [False] * len(digests)
        record(self, *given)

    monkeypatch.setattr(Pickups, "put_again", put_again)
    assert digests
    assert pipeline.redeliver(app, answered) == [1]
    court.verified(f"{answered}.result.json")


def test_what_is_not_in_the_archive_is_not_recorded_as_delivered_again(
    app: App, court: DemoPartner, answered: str
) -> None:
    lose(court, answered)
    poll(app)
    aside = app.archive.path(app.register.file(answered, Role.RESULT).sha256)
    lines, content = app.register.steps(answered), aside.read_bytes()
    aside.unlink()
    try:
        with pytest.raises(Halt, match="cannot be delivered again"):
            pipeline.redeliver(app, answered)
    finally:
        aside.write_bytes(content)
    assert app.register.steps(answered) == lines


def test_what_was_never_delivered_is_not_delivered_again(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    with pytest.raises(Halt, match="no result was delivered yet"):
        pipeline.redeliver(app, request.batch)


def test_results_that_nobody_takes_cost_a_sweep_no_question_each(app: App, court: DemoPartner, ask: Ask) -> None:
    """Of the register; at the server they are names in one listing. A partner may let them lie for years."""
    asked = list[str]()
    event.listen(app.register.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))

    def questions() -> int:
        """Of a sweep in which nothing is new; another one now and then asks for what has not moved."""
        poll(app)
        counts = list[int]()
        for _ in range(2):
            asked.clear()
            assert poll(app).troubles == []
            counts.append(len(asked))
        return min(counts)

    batches = [answer(app, court, ask)]
    few = questions()
    batches += [answer(app, court, ask) for _ in range(5)]
    assert questions() == few
    assert all(uncollected(app, batch) for batch in batches)
