"""A server's *ok* is not believed: a file is delivered when it is seen under its final name."""

from __future__ import annotations

from collections.abc import Callable

import asyncssh
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Retryable
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import State
from tests.steps.odd_servers import Cutting, Losing, served_by

Ask = Callable[..., Request]


@pytest.mark.parametrize("kind", [Losing, Cutting])
def test_what_a_server_loses_is_delivered_again_and_never_counts_as_taken(
    app: App, court: DemoPartner, ask: Ask, kind: type[asyncssh.SFTPServer]
) -> None:
    request = ask()
    for name, content in court.make_set(request).items():
        (court.server.home / "to-office" / name).write_bytes(content)
    poll(app)
    assert pipeline.receive(app, request.batch)
    pipeline.process(app, request.batch)
    with served_by(app, court, kind):
        with pytest.raises(Retryable):
            pipeline.deliver(app, request.batch)
        poll(app)
    assert app.register.batch(request.batch).state is State.PREPARED
    assert app.register.pickups.of(request.batch) == []
    pipeline.deliver(app, request.batch)
    assert app.register.batch(request.batch).state is State.CLOSED
    assert f"{request.batch}.result.csv.p7m" in court.answers()
