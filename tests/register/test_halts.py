"""Who asks for what cannot be is told so, and nothing has changed behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.base.files import write_atomically
from exchange.register import Decision, LedgerKey, Register
from exchange.register.database import transaction
from exchange.register.ledger import touched
from exchange.register.models import ReleaseRow
from exchange.register.signing import Checkpoint
from exchange.wire.keys import make_register_key

from .test_forged import BATCH, waiting

__all__ = ["waiting"]


def change_alone(register: Register) -> None:
    with transaction(register.engine) as session:
        touched(session, session.get_one(ReleaseRow, (BATCH, 1)))


ASKED: dict[str, tuple[Callable[[Register], object], str]] = {
    "a release that nobody proposed": (lambda register: register.releases.get(BATCH, 9), "has no release 9"),
    "approved": (lambda register: register.releases.approve(BATCH, 9, "f" * 64), "has no release 9"),
    "to be sent": (lambda register: register.attested(BATCH).release(9), "has no release 9"),
    "prepared before the leader's word": (
        lambda register: register.releases.prepared(BATCH, 1, []),
        r"is proposed; it cannot become sealed",
    ),
    "a batch that is claimed again": (lambda register: register.delivered("bank.b2"), "bank.b2 is not in the register"),
    "a decision of what was decided since": (
        lambda register: register.reviews.decide(BATCH, [Decision(3, 1, {"name": "consistent"}, "archive")]),
        "was changed since it was seen; look again",
    ),
    "a row that is not in the queue": (lambda register: register.reviews.get(BATCH, 9), "has no row 9 for an officer"),
    "a batch that nobody claimed": (lambda register: register.attested("bank.b9"), "bank.b9 is not in the register"),
    "a row changed without a line": (change_alone, "were changed without a line in the ledger"),
    "what is not withheld": (lambda register: register.told_uses.disclose(BATCH), "is not withheld"),
}


@pytest.mark.parametrize("what", ASKED)
def test_it_is_said_and_nothing_is_written(waiting: Register, what: str) -> None:
    ask, words = ASKED[what]
    before = waiting.verify()
    with pytest.raises(Halt, match=words):
        ask(waiting)
    assert waiting.verify() == before


def test_a_key_that_is_not_the_registers_signs_nothing(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        make_register_key(folder)
    checkpoint = Checkpoint(1, "cm9vdA==", "a" * 64)
    with pytest.raises(Halt, match="belongs to no key in"):
        LedgerKey(one / "register.key", other / "register.pem").sign(checkpoint)
    write_atomically(tmp_path / "none.key", b"no key")
    with pytest.raises(Halt, match="is no Ed25519 key without a password"):
        LedgerKey(tmp_path / "none.key", one / "register.pem").sign(checkpoint)
    (one / "register.pem").unlink()
    with pytest.raises(Halt, match=r"register\.pem: No such file.*exchange keys make"):
        LedgerKey(one / "register.key", one / "register.pem").sign(checkpoint)
