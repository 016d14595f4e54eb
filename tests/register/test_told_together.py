"""What is told in the transaction that judges a set: the receipt that says so, the snapshots that answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import pytest

from exchange.base.errors import Halt
from exchange.calendar.working_days import Due
from exchange.register import Batch, FileRecord, Register, Role, State
from exchange.register.register import ReceiptOf
from exchange.wire.manifest import RequestManifest

from .conftest import Database

PINS = {"population": ("2026-11-22.1", date(2026, 11, 22)), "drug_control": ("2026-11-20.1", date(2026, 11, 20))}
DATA = FileRecord(Role.DATA, "data.csv.p7m", "d" * 64, 7)
MADE = [FileRecord(Role.RECEIPT, "r.json", "e" * 64, 8), FileRecord(Role.RECEIPT_SIGNATURE, "r.json.p7s", "f" * 64, 9)]

Judge = Callable[[Register, str, ReceiptOf], None]


@pytest.fixture(params=["accepted", "refused"])
def judge(request: pytest.FixtureRequest, manifest: RequestManifest, due: Due) -> Judge:
    def accept(register: Register, batch: str, receipt: ReceiptOf) -> None:
        register.accept(batch, manifest, due, files=[DATA], receipt=receipt, pins=PINS)

    def refuse(register: Register, batch: str, receipt: ReceiptOf) -> None:
        register.refuse(batch, "signature", row=None, column=None, files=[DATA], receipt=receipt)

    return accept if request.param == "accepted" else refuse


def test_the_receipt_is_made_of_what_the_line_tells_and_is_told_with_it(
    database: Database, register: Register, new_batch: Callable[[Register], str], judge: Judge
) -> None:
    batch, seen = new_batch(register), list[tuple[Batch, Mapping[str, FileRecord]]]()

    def receipt(judged: Batch, files: Mapping[str, FileRecord]) -> list[FileRecord]:
        seen.append((judged, files))
        return MADE

    for _ in range(2):  # killed and run again
        judge(register, batch, receipt)
    told = register.attested(batch)
    [(judged, files)] = seen
    assert judged == told.batch
    assert {**files, **{file.role: file for file in MADE}} == told.files
    assert told.pins == (PINS if told.batch.state is State.ACCEPTED else {})
    with database.server.connected("postgres", "exchange") as connection:
        written = connection.execute("SELECT DISTINCT xmin::text FROM ledger WHERE batch_id = %s", [batch]).fetchall()
    assert len(written) == 2, "one claims, one judges"
    register.verify()


@pytest.mark.parametrize(
    "altered",
    ["UPDATE batch SET received_at = received_at - interval '9 days'", "UPDATE file SET sha256 = repeat('9', 64)"],
)
def test_of_what_was_altered_no_receipt_is_made(
    database: Database, register: Register, new_batch: Callable[[Register], str], judge: Judge, altered: str
) -> None:
    batch = new_batch(register)
    database.tamper(f"{altered} WHERE {'id' if 'batch SET' in altered else 'batch_id'} = %s", batch)

    def receipt(_batch: Batch, _files: Mapping[str, FileRecord]) -> list[FileRecord]:
        pytest.fail("made of altered rows")

    with pytest.raises(Halt, match="was altered"):
        judge(register, batch, receipt)
    assert register.batch(batch).state is State.CLAIMED


def test_where_no_receipt_can_be_made_nothing_is_judged(
    register: Register, new_batch: Callable[[Register], str], judge: Judge
) -> None:
    batch = new_batch(register)
    lines = register.steps(batch)

    def receipt(_batch: Batch, _files: Mapping[str, FileRecord]) -> list[FileRecord]:
        raise Halt("no key")

    with pytest.raises(Halt, match="no key"):
        judge(register, batch, receipt)
    assert (register.batch(batch).state, register.steps(batch)) == (State.CLAIMED, lines)
    judge(register, batch, lambda *_: MADE)
    assert Role.RECEIPT in register.attested(batch).files
