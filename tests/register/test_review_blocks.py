"""The queue's rows are held against the ledger block by block; what is altered where nobody looks is found later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.calendar.working_days import Due
from exchange.register import Decision, FileRecord, NewReview, Register, ReviewFilter
from exchange.register import ledger as lines
from exchange.register.database import transaction
from exchange.register.digests import of_batches, of_queue
from exchange.register.lines import append_event, get_batch
from exchange.register.merkle import Tree
from exchange.register.models import LedgerHeadRow
from exchange.register.queued import add_reviews
from exchange.register.review_blocks import BLOCK, altered, changed, lock, named, of_rows
from exchange.wire.manifest import RequestManifest

from .conftest import AT, Database
from .plans import EXPLAIN, looked_at

BATCH = "bank.b1"
ROW, BESIDE, FAR = 2 * BLOCK, 2 * BLOCK + 1, 5 * BLOCK
"""The row that a verb is about, one of its block, and one of another."""
ON_BORDERS = (1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK - 1, ROW, BESIDE, FAR)

Verb = Callable[[Register], object]
VERBS: dict[str, Verb] = {
    "opened": lambda register: register.reviews.opened(BATCH, [ROW], hold=True),
    "left": lambda register: register.reviews.left(BATCH, ROW),
    "decided": lambda register: register.reviews.decide(BATCH, [decision(register, ROW)]),
    "undone": lambda register: register.reviews.undo(BATCH, ROW),
}
"""In this order each has something to do."""


def decision(register: Register, row: int) -> Decision:
    return Decision(row, register.reviews.get(BATCH, row).version, {"name": "consistent"}, "archive", None)


@pytest.fixture
def accepted(register: Register, manifest: RequestManifest, due: Due) -> Register:
    register.claim(BATCH, "bank", "a" * 64, [], AT)
    register.accept(BATCH, manifest, due)
    return register


@pytest.fixture
def queued(
    register: Register, database: Database, manifest: RequestManifest, due: Due, result_files: list[FileRecord]
) -> Register:
    """A delivered batch with rows in four blocks of the queue."""

    def make() -> str:
        register.claim(BATCH, "bank", "a" * 64, [], AT)
        register.accept(BATCH, manifest, due)
        waiting = [NewReview(row, "220100", ("name",)) for row in ON_BORDERS]
        register.prepared(BATCH, {}, result_files, len(waiting), waiting)
        register.delivered(BATCH)
        return BATCH

    database.made("queued", make)
    return register


def before(register: Register, name: str) -> None:
    """All that comes before this verb."""
    for other, verb in VERBS.items():
        if other == name:
            return
        verb(register)


def blocks(database: Database) -> dict[int, str]:
    with database.server.connected("postgres", "exchange") as connection:
        return dict(connection.execute(b"SELECT block, digest FROM review_block").fetchall())


@pytest.mark.parametrize("name", VERBS)
def test_what_a_verb_does_to_a_row_is_told_in_its_block_alone(queued: Register, database: Database, name: str) -> None:
    before(queued, name)
    were = blocks(database)
    VERBS[name](queued)
    now = blocks(database)
    assert {block for block in now if now[block] != were.get(block)} == {ROW // BLOCK}
    assert were.keys() == now.keys() == {row // BLOCK for row in ON_BORDERS}
    assert queued.verify()[0] > 0


@pytest.mark.parametrize("row", ON_BORDERS)
def test_a_row_on_the_border_of_a_block_is_decided_and_told(queued: Register, row: int) -> None:
    queued.reviews.opened(BATCH, [row], hold=True)
    queued.reviews.decide(BATCH, [decision(queued, row)])
    assert [each.row for each in queued.reviews.decided(BATCH, [row])] == [row]
    assert queued.verify()[0] > 0


_ANOTHERS = "UPDATE review SET division = '110000' WHERE row = %s"
_LESS = "DELETE FROM review WHERE row = %s"
_MORE = (
    "INSERT INTO review (batch_id, row, division, causes, state, version)"
    " VALUES ('bank.b1', %s, '220100', '{name}', 'open', 1)"
)
_DIGEST = "UPDATE review_block SET digest = repeat('0', 64) WHERE block = %s"
ALTER: dict[str, tuple[str, int]] = {
    "the row": (_ANOTHERS, ROW),
    "a row of its block": (_ANOTHERS, BESIDE),
    "a row more in its block": (_MORE, ROW + 9),
    "a row less in its block": (_LESS, BESIDE),
    "its block's digest": (_DIGEST, ROW // BLOCK),
    "another block's digest": (_DIGEST, FAR // BLOCK),
    "no digest of its block": ("DELETE FROM review_block WHERE block = %s", ROW // BLOCK),
}
UNSEEN: dict[str, tuple[str, int]] = {
    "a row of another block": (_ANOTHERS, FAR),
    "a row in a block that had none": (_MORE, 9 * BLOCK),
    "a block that lost its rows": (_LESS, FAR),
}


@pytest.mark.parametrize("altered", ALTER)
@pytest.mark.parametrize("name", VERBS)
def test_a_verb_does_nothing_where_its_block_is_not_as_told(
    queued: Register, database: Database, name: str, altered: str
) -> None:
    before(queued, name)
    database.tamper(*ALTER[altered])
    with pytest.raises(Halt, match="is not what the ledger says"):
        VERBS[name](queued)


@pytest.mark.parametrize("altered", UNSEEN)
@pytest.mark.parametrize("name", VERBS)
def test_no_line_takes_for_true_what_was_altered_in_another_block(
    queued: Register, database: Database, name: str, altered: str
) -> None:
    before(queued, name)
    database.tamper(*UNSEEN[altered])
    VERBS[name](queued)
    reads: list[Callable[[], object]] = [
        queued.verify,
        lambda: queued.attested(BATCH),
        lambda: queued.reviews.find(ReviewFilter(batch=BATCH)),
        lambda: queued.reviews.decided(BATCH),
        lambda: queued.closed(BATCH),
        lambda: queued.reviews.add(BATCH, [NewReview(7, "220100", ("name",))]),
    ]
    for read in reads:
        with pytest.raises(Halt, match="is not what the ledger says"):
            read()


def as_an_earlier_version(register: Register, database: Database) -> None:
    """The batch's last line is one that tells all rows of the queue at once, and no block has a digest."""
    database.tamper("DELETE FROM review_block")
    with transaction(register.engine) as session:
        told = of_batches(session, [BATCH])[BATCH] | {"review": of_queue(session, BATCH) or ""}
        last = lines.last_line(session)
        head = session.get_one(LedgerHeadRow, True)
        assert last is not None
        line = lines.pending(BATCH, ("delivered", "delivered"), datetime.now(UTC), "tests", {})
        lines.write_behind(session, last.hash, Tree.restored(head.seq, head.subtrees), [line], [told])


@pytest.mark.parametrize("name", VERBS)
def test_behind_a_line_of_an_earlier_version_all_blocks_are_told(
    queued: Register, database: Database, name: str
) -> None:
    before(queued, name)
    as_an_earlier_version(queued, database)
    assert queued.verify()[0] > 0
    queued.attested(BATCH)
    VERBS[name](queued)
    assert blocks(database).keys() == {row // BLOCK for row in ON_BORDERS}
    assert queued.verify()[0] > 0


@pytest.mark.parametrize("altered", [*UNSEEN, "the row", "a row of its block"])
def test_a_line_of_an_earlier_version_holds_for_all_rows(queued: Register, database: Database, altered: str) -> None:
    as_an_earlier_version(queued, database)
    database.tamper(*(ALTER | UNSEEN)[altered])
    reads: list[Callable[[], object]] = [queued.verify, lambda: queued.reviews.opened(BATCH, [ROW], hold=True)]
    for read in reads:
        with pytest.raises(Halt, match="is not what the ledger says"):
            read()


def test_rows_that_were_not_held_against_the_ledger_are_told_by_no_line(queued: Register, database: Database) -> None:
    def write(session: Any) -> None:
        batch = get_batch(session, BATCH, for_update=True, rows=[ROW])
        changed(session, BATCH, [FAR])
        lines.append(session, BATCH, (batch.state, batch.state), datetime.now(UTC), "tests", {})

    were = blocks(database)
    with pytest.raises(Halt, match="not held against the ledger"), transaction(queued.engine) as session:
        write(session)
    assert blocks(database) == were


def test_rows_that_were_changed_without_a_line_are_a_halt(queued: Register, database: Database) -> None:
    def write(session: Any) -> None:
        get_batch(session, BATCH, for_update=True, rows=[ROW])
        changed(session, BATCH, [ROW])

    were = blocks(database)
    with pytest.raises(Halt, match="changed without a line"), transaction(queued.engine) as session:
        write(session)
    assert blocks(database) == were


def test_a_line_about_another_batch_tells_nothing_of_one_of_an_earlier_version(
    queued: Register, database: Database, due: Due, manifest: RequestManifest
) -> None:
    """So a file is destroyed that batches of before share: all of them are locked, one is told."""
    as_an_earlier_version(queued, database)
    other = "bank.b2"
    queued.claim(other, "bank", "b" * 64, [], AT)
    queued.accept(other, manifest.model_copy(update={"batch": other}), due)
    with transaction(queued.engine) as session:
        get_batch(session, BATCH, for_update=True)
        append_event(session, get_batch(session, other, for_update=True), {}, {}, "tests")
    assert blocks(database) == {}
    queued.attested(BATCH)
    queued.reviews.opened(BATCH, [ROW], hold=True)
    assert queued.verify()[0] > 0


def test_rows_that_have_just_come_are_not_held_each_beside_each_block(accepted: Register) -> None:
    """PostgreSQL has no statistics of them yet."""
    rows = range(1, 200 * BLOCK, BLOCK // 10)
    wanted = of_rows(rows)
    with Session(accepted.engine) as session:
        add_reviews(session, BATCH, [NewReview(row, "220100", ("name",)) for row in rows])
        for query in (altered(wanted), lock()):
            told = session.execute(text(EXPLAIN + query), named([BATCH], wanted))
            assert looked_at(told.scalar_one()) < 20 * len(rows)
