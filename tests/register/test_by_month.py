"""Months counted in the database are the months of the report: both ways over batches of any history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import polars as pl
import pytest

from exchange.calendar.working_days import NO_DAYS, Due
from exchange.register import Decision, FileRecord, NewReview, Register, ReleaseSummary, Role
from exchange.register.by_month import Counted, MonthSpan, count_months
from exchange.register.clock import missed_days
from exchange.register.statistics import lines
from exchange.supervision import batch_tables
from exchange.supervision.aggregates import count
from exchange.supervision.month import Month
from exchange.wire.manifest import RequestManifest
from tests.register.stopping import stop

from .conftest import AT, Database

MONTHS = tuple(
    Month(name, datetime(2026, number, 1, tzinfo=UTC), datetime(2026, number + 1, 1, tzinfo=UTC), whole=True)
    for number, name in ((8, "2026-08"), (9, "2026-09"), (10, "2026-10"), (11, "2026-11"))
)
COUNTS = {"identity": {"consistent": 2, "under_review": 1}}
SETTLED = ReleaseSummary({"identity": {"consistent": 1}}, {"identity": {"consistent": 1}})


def live(register: Register, batch: str, manifest: RequestManifest, files: list[FileRecord], chance: Random) -> None:
    """Some way of a batch, which ends anywhere."""
    due_on = AT.date() + timedelta(days=chance.randrange(-70, 60))
    later = Due(due_on + timedelta(days=15), provisional=False, working_days=15)
    if chance.random() < 0.1:
        register.refuse(batch, "signature_invalid", row=None, column=None)
        return
    last = later if chance.random() < 0.3 else None
    stage = "test" if chance.random() < 0.1 else None
    due = Due(due_on, provisional=False, working_days=5)
    register.accept(batch, manifest, due, due_last=last, stage=stage)
    if due_on > AT.date() and chance.random() < 0.7 and stop(register, batch, AT, "record_unclear"):
        if chance.random() < 0.3:
            return
        register.clock.start(batch, AT + timedelta(days=chance.randrange(1, 9)), NO_DAYS)
    if (steps := chance.randrange(4)) > 0:
        register.prepared(batch, COUNTS, files, 1, [NewReview(3, "220100", ("identity",))])
    if steps > 1:
        register.delivered(batch)
    if steps > 2:
        register.reviews.decide(batch, [Decision(3, 1, {"identity": "consistent"}, "archive")])
        register.releases.propose(batch, [3], SETTLED, needs_approval=False)
        register.releases.prepared(batch, 1, [])
        register.releases.delivered(batch, 1)


_LINES = """UPDATE ledger AS line SET at = %s
    + (SELECT count(*) FROM ledger WHERE batch_id = line.batch_id AND seq < line.seq) * %s::interval
    WHERE batch_id = %s"""
_TOLD = "SELECT min(at) FROM ledger WHERE ledger.batch_id = clock_stop.batch_id AND facts LIKE"
_STOPS = f"""UPDATE clock_stop SET stopped_at = ({_TOLD} '%%stop.1%%'),
    started_at = CASE WHEN started_at IS NOT NULL THEN ({_TOLD} '%%start.1%%') END WHERE batch_id = %s"""  # noqa: S608


def spread(database: Database, batch: str, chance: Random) -> None:
    """Gives the batch's lines moments of their own within the months, in their order, and its stops theirs."""
    at = MONTHS[0].start + timedelta(hours=chance.randrange(24 * 60))
    database.tamper(_LINES, at, timedelta(hours=chance.randrange(9, 200)), batch)
    database.tamper("UPDATE batch SET received_at = %s WHERE id = %s", at - timedelta(minutes=9), batch)
    database.tamper(_STOPS, batch)


def test_counted_in_the_database_as_in_the_report(
    database: Database, register: Register, manifest: RequestManifest, result_files: list[FileRecord]
) -> None:
    chance, batches = Random(7), []  # noqa: S311  (a test that is the same each time)
    for number in range(24):
        partner = ("bank", "court")[number % 2]
        batch = f"{partner}.by-month-{number}"
        register.claim(batch, partner, "a" * 64, [FileRecord("manifest", f"{batch}.json", "a" * 64, 10)], AT)
        live(register, batch, manifest, result_files, chance)
        batches.append(batch)
    for batch in batches:  # no line can be added behind one that was altered
        spread(database, batch, chance)

    spans = [MonthSpan(each.name, each.start, each.end, each.today) for each in MONTHS]
    found, people = count_months(register.engine, spans)
    partners = pl.DataFrame({"partner": ["bank", "court"], "zh": ["bank", "court"], "level": ["city", "city"]})
    nobody = pl.DataFrame(schema={"division": pl.String, "people": pl.Int64})
    names = ("came", "done", "refused", "open", "late", "overdue")
    seen = dict.fromkeys(names, 0)
    for month in MONTHS:
        aggregates = count(lines(register, month.start, month.end), month, partners, nobody)
        by_partner, total = batch_tables.batches(aggregates)
        for partner in ("bank", "court"):
            of_report = [sum(line[name] for line in by_partner if line["partner"] == partner) for name in names]
            mine = [each for each in found if (each.month, each.partner) == (month.name, partner)]
            assert [sum(getattr(each, name) for each in mine) for name in names] == of_report, (month.name, partner)
        assert people.get(month.name, 0) == total["people"].n
        for name in names:
            seen[name] += total[name]
    assert all(seen.values()), f"one of these was never there: {seen}"


def accepted(register: Register, manifest: RequestManifest, batch: str, *, paused: bool) -> None:
    register.claim(batch, "bank", "a" * 64, [FileRecord("manifest", f"{batch}.json", "a" * 64, 10)], AT)
    register.accept(batch, manifest, Due(AT.date() + timedelta(days=9), provisional=False, working_days=5))
    if paused:
        stop(register, batch, AT, "record_unclear")


def in_november(database: Database, register: Register, due_on: date) -> tuple[Counted, dict[str, Any]]:
    """The only batch, due on this day: as the database counts it, and as the report does."""
    database.tamper("UPDATE batch SET due_on = %s", due_on)
    database.tamper(
        "UPDATE ledger SET facts = jsonb_set(facts::jsonb, '{due_on}', to_jsonb(%s::text))"
        " WHERE facts::jsonb ? 'due_on'",
        str(due_on),
    )
    november = MONTHS[-1]
    (counted,), _ = count_months(register.engine, [MonthSpan("2026-11", november.start, november.end, november.today)])
    partners = pl.DataFrame({"partner": ["bank"], "zh": ["bank"], "level": ["city"]})
    nobody = pl.DataFrame(schema={"division": pl.String, "people": pl.Int64})
    (line,) = count(lines(register, november.start, november.end), november, partners, nobody).batches.to_dicts()
    return counted, line


@pytest.mark.parametrize("due_on", [AT.date() - timedelta(days=1), AT.date(), AT.date() + timedelta(days=1)])
@pytest.mark.parametrize("days", [0, 4])
@pytest.mark.parametrize("paused", [False, True])
def test_late_in_the_database_the_report_and_the_register_show_alike(
    database: Database,
    register: Register,
    manifest: RequestManifest,
    result_files: list[FileRecord],
    due_on: date,
    days: int,
    paused: bool,
) -> None:
    """Answered so many days after its clock was paused, and never resumed."""
    batch = "bank.paused"
    accepted(register, manifest, batch, paused=paused)
    register.prepared(batch, COUNTS, result_files, 0, [])
    register.delivered_and_closed(batch)
    ended = AT + timedelta(days=days)
    database.tamper(
        "UPDATE ledger SET at = CASE WHEN to_state IN ('delivered', 'closed') THEN %s ELSE %s END", ended, AT
    )
    counted, line = in_november(database, register, due_on)
    shown = missed_days(register.batch(batch), register.steps(batch), register.clock.stops(batch))
    is_late = ended.date() > due_on and not (paused and AT.date() <= due_on)
    assert (counted.done, counted.late, line["late"], bool(shown)) == (1, is_late, is_late, is_late)


@pytest.mark.parametrize("due_on", [AT.date() - timedelta(days=1), AT.date(), AT.date() + timedelta(days=1)])
@pytest.mark.parametrize("paused", [False, True])
def test_overdue_in_the_database_and_the_report_alike(
    database: Database, register: Register, manifest: RequestManifest, due_on: date, paused: bool
) -> None:
    """Open at the month's end: a pause that began only after the due day was over saves nothing."""
    batch = "bank.open"
    accepted(register, manifest, batch, paused=paused)
    database.tamper("UPDATE ledger SET at = %s", AT)
    counted, line = in_november(database, register, due_on)
    is_overdue = due_on < MONTHS[-1].today and not (paused and AT.date() <= due_on)
    assert (counted.overdue, line["overdue"]) == (is_overdue, is_overdue)


def test_a_month_without_batches_and_no_month(register: Register, new_batch: Callable[[Register], str]) -> None:
    new_batch(register)
    assert count_months(register.engine, []) == ([], {})
    early = datetime(2020, 1, 1, tzinfo=UTC)
    assert count_months(register.engine, [MonthSpan("2020-01", early, early + timedelta(days=31), AT.date())]) == (
        [],
        {},
    )


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("upheld", [0, 1])
def test_what_a_second_look_left_as_it_was_did_not_go_out(
    register: Register, manifest: RequestManifest, result_files: list[FileRecord], signed: bool, upheld: int
) -> None:
    """Of a look that an officer opened; a partner's objection is answered either way."""
    register.claim("bank.first", "bank", "a" * 64, [FileRecord("manifest", "first.json", "a" * 64, 10)], AT)
    register.accept("bank.first", manifest, Due(AT.date(), provisional=False, working_days=5))
    register.claim("bank.look", "bank", "a" * 64, [FileRecord("manifest", "look.json", "a" * 64, 10)], AT)
    asked = manifest.model_copy(update={"objects_to": "bank.first", "cycle": "objection"})
    signature = [FileRecord(Role.SIGNATURE, "look.p7s", "d" * 64, 3)] if signed else []
    register.accept("bank.look", asked, Due(AT.date(), provisional=False, working_days=15), files=signature)
    queue = [NewReview(3, "220100", ("objection",))]
    register.prepared("bank.look", {"identity": {"under_review": 1}}, result_files, 1, queue)
    register.delivered("bank.look")
    register.reviews.decide("bank.look", [Decision(3, 1, {"identity": "consistent"}, "archive")])
    told = {"identity": {"consistent": 1}}
    register.releases.propose("bank.look", [3], ReleaseSummary(told, told, upheld), needs_approval=False)
    register.releases.prepared("bank.look", 1, [])
    register.releases.delivered("bank.look", 1)
    start, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    _, people = count_months(register.engine, [MonthSpan("ever", start, end, end.date())])
    answers = lines(register, start, end).answers.filter(pl.col("code") == "consistent")
    assert people.get("ever", 0) == answers["n"].sum() == int(signed or upheld > 0)
