"""What is asked of the register about batches: each field of a filter by itself and together, beside all batches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from exchange.base.errors import Halt
from exchange.calendar.working_days import Due
from exchange.register import BatchFilter, Register, State
from exchange.wire.manifest import RequestManifest
from tests.register.conftest import AT, Database

BATCHES = {
    "bank.b1": ("bank", "2026-11", "介〔2026〕7号"),
    "bank.b2": ("bank", "2026-Q4", None),
    "bank.b_3": ("bank", "2025-11", "介〔2025〕7号"),
    "court.b1": ("court", "2026-11", "函9%"),
}
"""Batch → partner, period, letter; the newest last. One of them is never accepted: ``court.waits``."""


@pytest.fixture
def filled(register: Register, database: Database, manifest: RequestManifest, due: Due) -> Register:
    def make() -> str:
        for day, (batch, (partner, period, letter)) in enumerate(BATCHES.items()):
            register.claim(batch, partner, "a" * 64, [], AT + timedelta(days=day))
            asked = {"partner": partner, "batch": batch, "period": period, "letter": letter}
            register.accept(batch, manifest.model_copy(update=asked), due)
        register.claim("court.waits", "court", "a" * 64, [], AT + timedelta(days=9))
        return "court.waits"

    database.made("of_each_kind", make)
    return register


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["court.waits", "court.b1", "bank.b_3", "bank.b2", "bank.b1"]),
        ({"limit": 2}, ["court.waits", "court.b1"]),
        ({"partner": "bank"}, ["bank.b_3", "bank.b2", "bank.b1"]),
        ({"state": State.CLAIMED}, ["court.waits"]),
        ({"state": State.ACCEPTED, "partner": "court"}, ["court.b1"]),
        ({"batch": "B1"}, ["court.b1", "bank.b1"]),
        ({"batch": "_3"}, ["bank.b_3"]),  # as it is written: no sign stands for others
        ({"period": "2026"}, ["court.b1", "bank.b2", "bank.b1"]),
        ({"period": "2026-11"}, ["court.b1", "bank.b1"]),
        ({"period": "-11"}, []),
        ({"letter": "7号"}, ["bank.b_3", "bank.b1"]),
        ({"letter": "%"}, ["court.b1"]),
        ({"partner": "bank", "period": "2026", "letter": "介"}, ["bank.b1"]),
    ],
)
def test_the_newest_that_fit(filled: Register, wanted: dict[str, Any], found: list[str]) -> None:
    assert [each.id for each in filled.batches(BatchFilter(**wanted))] == found


def test_one_batch_by_its_id(filled: Register) -> None:
    assert filled.batch("bank.b1") == filled.find_batch("bank.b1")
    assert filled.find_batch("bank.b9") is None
    with pytest.raises(Halt, match="is not in the register"):
        filled.batch("bank.b9")
    assert filled.waiting() == ["court.waits"]
