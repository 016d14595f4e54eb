"""When a partner took a result: once for each, and anew where it is put there again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from exchange.register import PickupEvidence, Register
from exchange.register.standing import standing_of
from tests.register.conftest import AT

LATER = AT + timedelta(hours=1)
Done = Callable[[Register, str], None]


def see(register: Register, batch: str) -> None:
    register.pickups.seen(batch, 1, AT)


def take(register: Register, batch: str) -> None:
    register.pickups.taken(batch, 1, PickupEvidence.REMOVED, AT)


def take_later(register: Register, batch: str) -> None:
    register.pickups.taken(batch, 1, PickupEvidence.ACKNOWLEDGED, LATER)


def put_again(register: Register, batch: str) -> None:
    register.pickups.put_again(batch, 1, LATER)


@pytest.mark.parametrize(
    ("done", "seen", "taken"),
    [
        ([], False, None),
        ([see], True, None),
        ([see, see], True, None),
        ([see, take], True, (PickupEvidence.REMOVED, AT)),
        ([take, take_later], False, (PickupEvidence.REMOVED, AT)),  # the first telling stands
        ([see, take, put_again], False, None),
        ([see, take, put_again, take_later], False, (PickupEvidence.ACKNOWLEDGED, LATER)),
    ],
)
def test_what_is_known_of_a_result(
    register: Register, delivered: str, done: list[Done], seen: bool, taken: tuple[PickupEvidence, object] | None
) -> None:
    for each in done:
        each(register, delivered)
    assert [(each.how, each.noticed_at) for each in register.pickups.of(delivered)] == ([taken] if taken else [])
    lies = [(each.batch, each.number, each.seen) for each in register.pickups.uncollected("bank")]
    assert lies == ([] if taken else [(delivered, 1, seen)])
    assert standing_of(register.engine, "bank", AT, 10).uncollected == register.pickups.uncollected()
    assert register.pickups.uncollected("court") == []
    assert register.pickups.had([delivered, "bank.b9"]) == ({(delivered, 1)} if taken else set())
    assert register.pickups.awaited([delivered, "bank.b9"]) == {delivered}, "three rows are with officers"
    register.verify()


def test_nothing_is_asked_of_no_batch(register: Register, delivered: str) -> None:
    take(register, delivered)
    assert register.pickups.had([]) == set()
    assert register.pickups.awaited([]) == set()


def test_a_repeated_telling_adds_no_line(register: Register, delivered: str) -> None:
    see(register, delivered)
    take(register, delivered)
    lines = register.steps(delivered)
    see(register, delivered)
    take_later(register, delivered)
    assert register.steps(delivered) == lines


@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_a_partner_is_told_the_newest(register: Register, prepared: Callable[..., str], most: int) -> None:
    """The oldest of them first, as everybody else hears of all."""
    batches = [prepared() for _ in range(3)]
    for batch in batches:
        register.delivered(batch)
    told = standing_of(register.engine, "bank", AT, most)
    assert [each.batch for each in told.uncollected] == batches[-most:]
    assert [each.batch for each in register.pickups.uncollected()] == batches
