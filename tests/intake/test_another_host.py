"""A server that shows another host key: it is given nothing, however it stood before, and others are looked into."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.servers.processes import wait_for
from exchange.intake import rounds
from exchange.intake.collect import poll
from exchange.intake.lookout import monitor
from exchange.register import State
from exchange.wire.keys import make_ssh_key
from exchange.wire.pool import pooled
from tests.campaign.gate import Gate
from tests.steps.odd_servers import reached_at, serving

Ask = Callable[..., Request]
SECONDS = 90.0
WRONG = "its host key is not the one that the agreement pins"


@pytest.fixture
def gate(app: App, court: DemoPartner) -> Iterator[Gate]:
    """The door before the court's server."""
    door = Gate(court.server.port)
    with door.watched(), reached_at(app, court, door.port):
        yield door


@pytest.fixture
def impostor(app: App, court: DemoPartner, tmp_path: Path) -> Iterator[int]:
    """The port of another server with the court's files, and a key of its own."""
    make_ssh_key(tmp_path / "other")
    with serving(app.settings, court, asyncssh.SFTPServer, host_key=tmp_path / "other") as port:
        yield port


def put(partner: DemoPartner, request: Request) -> None:
    for name, content in partner.make_set(request).items():
        (partner.server.home / "to-office" / name).write_bytes(content)


def test_between_two_looks_and_back(
    app: App,
    court: DemoPartner,
    gate: Gate,
    impostor: int,
    ask: Ask,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is tried with growing pauses, not at each look; the minute's look names it once, for a person."""
    monkeypatch.setattr(rounds, "_LONGEST_PAUSE_SECONDS", 2.0)
    before, meanwhile = ask(), ask()
    seen = monitor(app, SECONDS)
    put(court, before)
    assert next(seen)[0] == before.batch
    with gate.leading_to(impostor), caplog.at_level(logging.WARNING):
        put(court, meanwhile)
        assert wait_for(lambda: WRONG in caplog.text, 60)
        troubles = poll(app).troubles
        assert [WRONG in trouble for trouble in troubles if trouble.startswith(court.id)] == [True]
        assert app.register.find_batch(meanwhile.batch) is None
    assert next(seen)[0] == meanwhile.batch
    seen.close()


def test_over_a_connection_that_was_kept(app: App, court: DemoPartner, gate: Gate, impostor: int, ask: Ask) -> None:
    """A result is given to nobody there, and to the partner once it is back."""
    request = ask()
    put(court, request)
    poll(app)
    with pooled():
        assert pipeline.receive(app, request.batch)
        pipeline.process(app, request.batch)
        with gate.leading_to(impostor):
            for _ in range(2):
                with pytest.raises(Halt, match=WRONG):
                    pipeline.deliver(app, request.batch)
            assert app.register.batch(request.batch).state is State.PREPARED
            assert not [name for name in court.answers() if name.startswith(f"{request.batch}.result")]
        pipeline.deliver(app, request.batch)
    assert f"{request.batch}.result.json" in court.answers()
