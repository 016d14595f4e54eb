"""A set that the register has lost keeps the first day of receipt that our own signed receipt names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt, Retryable
from exchange.base.explained import explained
from exchange.base.files import sha256
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import State
from exchange.wire.envelope import KeyPair, load_key_pair, sign
from exchange.wire.manifest import File, Receipt, write

EARLIER = timedelta(days=9, seconds=7)


@dataclass
class Left:
    """A receipt that lies at the partner's, about a set of which the register knows nothing."""

    batch: str
    manifest: bytes
    received_at: datetime
    signing: KeyPair
    altered: bytes = b""
    of_bytes: bytes | None = None
    stage: Literal["test"] | None = None

    def files(self, stem: str, partner: str) -> dict[str, bytes]:
        named = File(name=f"{stem}.request.json", size=1, sha256=sha256(self.of_bytes or self.manifest))
        receipt = Receipt(
            batch=self.batch,
            partner=partner,
            outcome="accepted",
            received_at=self.received_at,
            files=[named],
            stage=self.stage,
        )
        content = write(receipt)
        signature = sign(content, self.signing)
        return {f"{stem}.receipt.json": content + self.altered, f"{stem}.receipt.json.p7s": signature}


def other_key(left: Left, world: World, court: DemoPartner) -> None:
    keys = world.partner_keys(court.id)
    left.signing = load_key_pair(keys / "sign.key", keys / "sign.pem")


Change = Callable[[Left, World, DemoPartner], None]
CASES: dict[str, tuple[Change, bool]] = {
    "ours": (lambda _left, _world, _court: None, True),
    "another-key": (other_key, False),
    "altered": (lambda left, _world, _court: setattr(left, "altered", b" "), False),
    "other-manifest": (lambda left, _world, _court: setattr(left, "of_bytes", b"other"), False),
    "other-batch": (lambda left, _world, _court: setattr(left, "batch", left.batch + "0"), False),
    "of-its-tests": (lambda left, _world, _court: setattr(left, "stage", "test"), False),
    "in-the-future": (lambda left, _world, _court: setattr(left, "received_at", left.received_at + 2 * EARLIER), False),
}


@pytest.mark.parametrize("case", CASES)
def test_only_our_own_receipt_of_these_bytes_says_when_it_was_first_received(
    app: App, world: World, court: DemoPartner, ask: Callable[..., Request], case: str
) -> None:
    change, counts = CASES[case]
    request, now = ask(cycle="monthly", period="2026-11"), app.now()
    files = court.make_set(request)
    left = Left(request.batch, files[f"{request.batch}.request.json"], now - EARLIER, app.signing)
    change(left, world, court)
    for name, content in left.files(request.batch, court.id).items():
        (court.server.home / "from-office" / name).write_bytes(content)
    court.drop(files)
    poll(app)
    batch = app.register.batch(request.batch)
    assert (batch.received_at == now - EARLIER) == counts
    assert counts or now <= batch.received_at <= app.now()
    app.register.verify()
    pipeline.receive(app, request.batch)
    after = app.register.batch(request.batch)
    assert after.state is State.ACCEPTED
    assert court.verified(f"{request.batch}.receipt.json")["received_at"][:19] == _beijing(batch.received_at)


def test_a_set_that_this_office_had_and_lost_is_asked_for_again_and_keeps_its_first_day(
    app: App, later: Callable[[timedelta], App], court: DemoPartner, ask: Callable[..., Request]
) -> None:
    """As a restore leaves it: claimed, its files fetched behind the backup, our receipt at the partner's."""
    request = ask()
    files, patience = court.make_set(request), timedelta(minutes=31)
    court.drop(files)
    poll(app)
    received = app.register.batch(request.batch).received_at
    left = Left(request.batch, files[f"{request.batch}.request.json"], received, app.signing)
    for name, content in left.files(request.batch, court.id).items():
        (court.server.home / "from-office" / name).write_bytes(content)
    for name in files:
        (court.server.home / "to-office" / name).unlink()
    with pytest.raises(Retryable):
        pipeline.receive(app, request.batch)
    with pytest.raises(Halt) as caught:
        pipeline.receive(later(patience), request.batch)
    assert explained(caught.value).code == "lost"
    assert app.register.batch(request.batch).state is State.CLAIMED, "it is not refused"
    court.drop(files)
    assert pipeline.run(later(patience), request.batch)
    assert app.register.batch(request.batch).received_at == received


def _beijing(moment: datetime) -> str:
    return (moment + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S")
