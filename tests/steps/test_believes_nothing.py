"""A server's *ok* is not believed: a file is delivered when it is seen under its final name."""

from __future__ import annotations

from collections.abc import Callable

import asyncssh
import pytest

from exchange import pipeline
from exchange.collect import sweep
from exchange.demo.partner import DemoPartner, Request
from exchange.errors import Retryable
from exchange.office import Office
from exchange.register import State
from tests.steps.odd_servers import Cutting, Losing, served_by

Ask = Callable[..., Request]


@pytest.mark.parametrize("kind", [Losing, Cutting])
def test_what_a_server_loses_is_delivered_again_and_never_counts_as_taken(
    office: Office, court: DemoPartner, ask: Ask, kind: type[asyncssh.SFTPServer]
) -> None:
    request = ask()
    for name, content in court.make_set(request).items():
        (court.server.home / "to-office" / name).write_bytes(content)
    sweep(office)
    assert pipeline.receive(office, request.batch)
    pipeline.process(office, request.batch)
    with served_by(office, court, kind):
        with pytest.raises(Retryable):
            pipeline.deliver(office, request.batch)
        sweep(office)
    assert office.register.batch(request.batch).state is State.SEALED
    assert office.register.pickups.of(request.batch) == []
    pipeline.deliver(office, request.batch)
    assert office.register.batch(request.batch).state is State.CLOSED
    assert f"{request.batch}.result.csv.p7m" in court.answers()
