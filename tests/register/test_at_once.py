"""The register used by several at once: two tries of one batch, two who verify, many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import event, select

from exchange.register import FileRecord, Register

AT = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)


@pytest.mark.parametrize("number", range(10))
def test_two_tries_of_all_steps_at_once_end_without_a_halt(
    register: Register, manifest: Any, due: Any, result_files: Any, number: int
) -> None:
    """Each try has files of its own, as drawn anew; one of the two is kept."""
    batch_id, ready = f"bank.b{number}", Barrier(2)
    register.claim(batch_id, "bank", "a" * 64, [], AT)

    def all_the_way(mark: str) -> str:
        ready.wait(30)
        register.accept(batch_id, manifest, due)
        receipt = register.record_file(batch_id, "receipt", "r", mark * 64, 1).sha256
        files = [FileRecord(file.role, file.name, mark * 64, 1) for file in result_files]
        register.prepared(batch_id, {"name": {"consistent": 3}}, files)
        register.delivered(batch_id)
        register.closed(batch_id)
        return receipt

    with ThreadPoolExecutor(2) as workers:
        assert len(set(workers.map(all_the_way, "ef"))) == 1
    assert [step.to_state for step in register.steps(batch_id) if step.from_state != step.to_state] == [
        "claimed", "accepted", "sealed", "delivered", "closed",
    ]  # fmt: skip
    assert register.verify()[0] == len(register.steps(batch_id))


def test_two_verify_at_once_while_work_goes_on(register: Register, database: Any) -> None:
    others, ready = [database.open(f"verifier {number}") for number in range(2)], Barrier(3)

    def verify(other: Register) -> list[int]:
        ready.wait(60)
        return [other.verify()[0] for _ in range(5)]

    with ThreadPoolExecutor(2) as workers:
        found = workers.map(verify, others)
        ready.wait(60)
        for number in range(30):
            register.claim(f"bank.b{number}", "bank", "a" * 64, [], AT)
        for lines in found:
            assert lines == sorted(lines)
    for other in others:
        other.close()
    assert register.verify()[0] == 30


def test_what_many_threads_needed_at_once_stays_open(register: Register, database: Any) -> None:
    """A lookout would otherwise open and close connections all the time."""
    opened, meeting = list[object](), Barrier(12)
    own = database.open()
    event.listen(own.engine, "connect", lambda connection, _: opened.append(connection))

    def ask() -> None:
        with own.engine.connect() as connection:
            connection.execute(select(1))
            meeting.wait(60)

    with ThreadPoolExecutor(12) as threads:
        for _ in range(2):
            for each in [threads.submit(ask) for _ in range(12)]:
                each.result()
    own.close()
    assert len(opened) == 12
