"""When a partner took its result: seen once, registered once, never sent again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exchange import pipeline
from exchange.collect import sweep
from exchange.demo.partner import DemoPartner, Request
from exchange.office import Office
from exchange.register import How

Ask = Callable[..., Request]


@pytest.fixture
def answered(office: Office, court: DemoPartner, ask: Ask) -> str:
    """A batch whose result lies in the court's folder."""
    request = ask()
    court.drop(court.make_set(request))
    sweep(office)
    assert pipeline.run(office, request.batch)
    return request.batch


def lying(office: Office, batch: str) -> bool:
    return batch in {each.batch for each in office.register.pickups.lying()}


def test_a_result_that_the_partner_took_away(office: Office, court: DemoPartner, answered: str) -> None:
    sweep(office)
    assert lying(office, answered)
    assert office.register.pickups.of(answered) == []
    folder = court.server.home / "from-office"
    (folder / f"{answered}.result.json").unlink()
    sweep(office)
    assert lying(office, answered), "the data file is still there"
    (folder / f"{answered}.result.csv.p7m").unlink()
    sweep(office)
    (pickup,) = office.register.pickups.of(answered)
    assert (pickup.number, pickup.how) == (1, How.REMOVED)
    assert not lying(office, answered)
    lines = len(office.register.steps(answered))
    sweep(office)
    pipeline.run(office, answered)
    assert len(office.register.steps(answered)) == lines
    assert f"{answered}.result.csv.p7m" not in court.answers(), "it is not sent again"
    office.register.verify()


def test_a_result_that_the_partner_acknowledged(office: Office, court: DemoPartner, answered: str) -> None:
    court.drop({f"{answered}.result.ack": b""})
    sweep(office)
    (pickup,) = office.register.pickups.of(answered)
    assert pickup.how is How.ACKNOWLEDGED
    assert not (court.server.home / "to-office" / f"{answered}.result.ack").exists()
    assert f"{answered}.result.csv.p7m" in court.answers(), "what lies there is the partner's to remove"
    (court.server.home / "from-office" / f"{answered}.result.csv.p7m").unlink()
    sweep(office)
    assert office.register.pickups.of(answered) == [pickup], "the first telling stands"
    court.drop({f"{answered}.result.ack": b""})
    sweep(office)
    assert not (court.server.home / "to-office" / f"{answered}.result.ack").exists(), "said again: cleared away"


@pytest.mark.parametrize("name", ["{batch}.result-2.ack", "{batch}.ack", "x.ack", "education-jilin.q.result.ack"])
def test_an_acknowledgement_of_nothing_is_left_alone(
    office: Office, court: DemoPartner, answered: str, name: str
) -> None:
    named = name.format(batch=answered)
    court.drop({named: b""})
    assert sweep(office).troubles == []
    assert office.register.pickups.of(answered) == []
    assert (court.server.home / "to-office" / named).exists()
