"""What the register tells of a month: as it stood at the month's end, however late it is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from exchange.calendar.working_days import NO_DAYS, Due
from exchange.register import Decision, FileRecord, NewReview, PickupEvidence, Register, ReleaseSummary
from exchange.register.statistics import lines
from exchange.wire.manifest import RequestManifest
from tests.register.stopping import stop

from .conftest import AT, Database

NewBatch = Callable[[Register], str]
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def since(database: Database, batch: str, line: int, at: datetime) -> None:
    """Gives the batch's lines from this one on a moment: the verbs write down when they are called."""
    first = f"(SELECT min(seq) FROM ledger WHERE batch_id = '{batch}')"  # noqa: S608
    database.tamper(f"UPDATE ledger SET at = %s WHERE batch_id = %s AND seq >= {first} + %s", at, batch, line)  # noqa: S608


def test_a_batch_as_it_stood_at_the_months_end(
    database: Database,
    register: Register,
    new_batch: NewBatch,
    manifest: RequestManifest,
    due: Due,
    result_files: list[FileRecord],
) -> None:
    batch = new_batch(register)
    register.accept(batch, manifest, due)
    counts = {"identity": {"consistent": 3}, "name": {"consistent": 2, "under_review": 1}}
    register.prepared(batch, counts, result_files, 1, [NewReview(3, "220100", ("identity",))])
    register.delivered(batch)
    register.reviews.decide(batch, [Decision(3, 1, {"name": "consistent"}, "archive")])
    settled = ReleaseSummary({"name": {"consistent": 1}}, {"name": {"consistent": 1}})
    release = register.releases.propose(batch, [3], settled, needs_approval=False)
    assert release is not None
    register.releases.prepared(batch, 1, [])
    register.releases.delivered(batch, 1)
    register.pickups.taken(batch, 1, PickupEvidence.REMOVED, AT)
    since(database, batch, 1, AT + timedelta(minutes=1))
    since(database, batch, 4, END)

    told = lines(register, START, END)
    (line,) = told.batches.to_dicts()
    assert (line["batch"], line["rows"], line["due_on"], line["rows_open"]) == (batch, 3, "2026-11-30", "1")
    assert (line["received"], line["delivered"], line["closed"]) == (AT, AT + timedelta(minutes=1), None)
    assert told.answers.select("item", "code", "n").rows() == [
        ("identity", "consistent", 3),
        ("name", "consistent", 2),
        ("name", "under_review", 1),
    ]
    assert told.releases.is_empty(), "it was proposed later"
    assert told.pickups.select("batch", "number", "noticed").rows() == [(batch, 1, AT)]

    far = datetime(2100, 1, 1, tzinfo=UTC)
    later = lines(register, END, far)
    assert later.answers.select("item", "code", "n").rows() == [("name", "consistent", 1)]
    assert later.batches["rows_open"].to_list() == ["0"]
    assert later.batches["closed"].null_count() == 0
    assert later.releases.select("number", "rows", "approval").rows() == [(1, 1, False)]
    assert later.releases["delivered"].null_count() == 0
    assert later.pickups.select("number", "noticed").rows() == [(2, None)], "the first was taken before"
    assert lines(register, far, far + timedelta(days=1)).batches.is_empty()


def test_due_days_and_stops_as_the_ledger_was_told_by_then(
    database: Database, register: Register, new_batch: NewBatch, manifest: RequestManifest, due: Due
) -> None:
    batch = new_batch(register)
    register.accept(batch, manifest, due)
    stop(register, batch, AT + timedelta(days=1), "record_unclear")
    register.clock.start(batch, AT + timedelta(days=9), NO_DAYS)
    since(database, batch, 1, AT)
    since(database, batch, 2, END)
    assert register.batch(batch).due_on != due.day
    told = lines(register, START, END)
    assert told.batches["due_on"].to_list() == [str(due.day)], "the start was told to the ledger later"
    assert told.stops["started"].to_list() == [None], "it stood at the month's end"
    assert told.stops["reason"].to_list() == ["record_unclear"]


def test_refused_and_missing(register: Register, new_batch: NewBatch) -> None:
    batch = new_batch(register)
    register.refuse(batch, "signature_invalid", row=None, column=None)
    register.missing.notice("bank", ("monthly", "2026-10", ""), date(2026, 11, 5), AT)
    register.missing.notice("bank", ("monthly", "2026-11", ""), date(2026, 12, 5), END)
    told = lines(register, START, datetime(2100, 1, 1, tzinfo=UTC))
    assert told.batches.select("refusal_code").to_series().to_list() == ["signature_invalid"]
    assert told.missing["period"].to_list() == ["2026-10", "2026-11"]
    assert lines(register, START, END).missing["period"].to_list() == ["2026-10"]


def test_a_result_that_was_put_there_again_counts_as_taken_in_the_month_in_which_it_had_been(
    register: Register, delivered: str
) -> None:
    later, far = END + timedelta(days=2), END + timedelta(days=31)
    register.pickups.taken(delivered, 1, PickupEvidence.REMOVED, AT)
    before = lines(register, START, END).pickups
    register.pickups.put_again(delivered, 1, later)
    assert lines(register, START, END).pickups.equals(before), "the month is over and reads as it did"
    columns = ("number", "delivered", "noticed")
    assert lines(register, END, far).pickups.select(columns).rows() == [(1, later, None)]
    register.pickups.taken(delivered, 1, PickupEvidence.ACKNOWLEDGED, later + timedelta(hours=3))
    assert lines(register, END, far).pickups.select(columns).rows() == [(1, later, later + timedelta(hours=3))]
    assert lines(register, START, END).pickups.equals(before)


def test_what_was_withdrawn_waits_for_nobody(register: Register, delivered: str) -> None:
    assert register.releases.propose(delivered, [1], ReleaseSummary({}), needs_approval=True) is not None
    register.releases.withdraw(delivered, 1, "another answer", unjudged=True)
    told = lines(register, START, datetime(2100, 1, 1, tzinfo=UTC))
    assert told.releases["reopened"].null_count() == 0


def test_reminders_of_a_month_are_those_that_had_been_sent_by_its_end(database: Database, register: Register) -> None:
    key = ("monthly", "2026-10", "pension")
    register.missing.notice("bank", key, date(2026, 11, 5), AT)
    register.missing.notice("bank", (*key[:2], ""), date(2026, 11, 5), AT)
    for number, at in ((1, AT), (2, AT + timedelta(days=7)), (3, END), (4, END + timedelta(days=7))):
        register.missing.reminded("bank", key, number, at)
    far = datetime(2100, 1, 1, tzinfo=UTC)
    found = [
        lines(register, START, until).missing["reminders"].to_list() for until in (END, END + timedelta(days=1), far)
    ]
    assert found == [[0, 2], [0, 3], [0, 4]], "of two sets of one period the one without a purpose first"
