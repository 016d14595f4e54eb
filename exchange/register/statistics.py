"""The register's data for a span of time, as frames: what supervision counts, and nobody who was asked about.

Rules
- Everything is as it stood at the end of the span, however much later it is asked: moments after it are empty, due days
  and open rows are those that the ledger had by then, rows of the queue as it says that they stood (``queue_then.py``).
  What a batch asks is known from its acceptance on.
- A batch is included unless it was refused or closed before the span. Test batches are left out.
- Of a second look opened here only what changed an answer has left the office.
- What was over before the span is not read again: of the ledger the lines of batches that are open now, or of which a
  line was written since the span began (``by_month.lived``), and of results those that nobody has taken.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Row,
    Select,
    String,
    any_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, Session

from exchange.register.by_month import lived
from exchange.register.database import transaction
from exchange.register.models import (
    LIVE,
    AnswerCountRow,
    BatchRow,
    ClockStopRow,
    LedgerRow,
    MissingSetRow,
    ReleaseRow,
)
from exchange.register.queue_then import queue_at
from exchange.register.register import Register
from exchange.register.states import State
from exchange.register.uncollected import UncollectedRow, by_partner

Query = Select[*tuple[Any, ...]]
ResultRow = Row[*tuple[Any, ...]]

_RELEASE: Final = r"^release\.[0-9]+$"
_MOVED: Final = {"taken": "taken", "redelivered": "again"}
_PICKUP: Final = r"^(taken|redelivered)\.[0-9]+$"
_MOMENT: Final = pl.Datetime("us", "UTC")
SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "batches": dict.fromkeys(("batch", "partner", "cycle", "objects_to", "refusal_code"), pl.String)
    | {"rows": pl.Int64}
    | dict.fromkeys(("received", "accepted", "refused", "sealed", "delivered", "closed"), _MOMENT)
    | dict.fromkeys(("due_on", "due_original", "due_last", "rows_open"), pl.String),
    "answers": {"batch": pl.String, "item": pl.String, "code": pl.String, "n": pl.Int64},
    "releases": {"batch": pl.String, "number": pl.Int64, "rows": pl.Int64, "approval": pl.Boolean, "upheld": pl.Int64}
    | dict.fromkeys(("proposed", "approved", "rejected", "reopened", "delivered"), _MOMENT),
    "reviews": {"batch": pl.String, "division": pl.String, "state": pl.String, "decided": _MOMENT},
    "stops": {"batch": pl.String, "number": pl.Int64, "reason": pl.String, "stopped": _MOMENT, "started": _MOMENT},
    "pickups": dict.fromkeys(("batch", "partner", "cycle"), pl.String)
    | {"number": pl.Int64, "delivered": _MOMENT, "noticed": _MOMENT},
    "missing": dict.fromkeys(("partner", "cycle", "period", "purpose"), pl.String)
    | {"expected_by": pl.Date, "reminders": pl.Int64, "arrived": _MOMENT},
}


@dataclass(frozen=True)
class Lines:
    """``batches``: a line each, with the moments of their steps; ``answers``: given within the span (first results with
    their open codes, and what settled those later); ``releases``, ``reviews``, ``stops``: of these batches;
    ``pickups``: a line for each delivered result that was not taken before the span; ``missing``: sets that had not
    come on their day.
    """

    batches: pl.DataFrame
    answers: pl.DataFrame
    releases: pl.DataFrame
    reviews: pl.DataFrame
    stops: pl.DataFrame
    pickups: pl.DataFrame
    missing: pl.DataFrame


def lines(register: Register, start: datetime, end: datetime) -> Lines:
    """The register's lines of the span from ``start`` to before ``end``."""
    with transaction(register.engine) as session:
        living = lived(session, start)
        batches = frame("batches", session.execute(_batches(living, start, end)))
        names = batches["batch"].to_list()
        releases = _releases(session, names, end)
        lying = {*living, *session.scalars(select(UncollectedRow.batch_id))}  # all others' were taken before
        queries = {
            "stops": _stops(names, end),
            "pickups": _pickups(lying, start, end),
            "missing": _missing(start, end),
        }
        frames = {name: frame(name, session.execute(query)) for name, query in queries.items()} | {"batches": batches}
        frames["reviews"] = frame("reviews", queue_at(session, _in_queue(batches), end))
        answered = batches.filter((pl.col("delivered") >= start) & (pl.col("delivered") < end))["batch"].to_list()
        given = [*session.execute(_first_answers(answered)), *_settled(releases, start, end)]
        event_data = [row[:5] + row[6:] for row in releases]
        return Lines(**frames, answers=frame("answers", given), releases=frame("releases", event_data))


def frame(name: str, rows: Any) -> pl.DataFrame:
    """The rows of a query as the table of this name; columns and types as in ``SCHEMAS``, also where there is none."""
    return pl.DataFrame([tuple(row) for row in rows], schema=SCHEMAS[name], orient="row")


def _last_fact(fact: str) -> ColumnElement[Any]:
    """The value of a fact in the last line that has it."""
    facts = cast(LedgerRow.facts, JSONB)
    last = func.array_agg(aggregate_order_by(facts[fact].astext, LedgerRow.seq.desc())).filter(facts.has_key(fact))
    return last[1]


def _fact_pairs() -> FromClause:
    """The facts of each ledger line, a row for each: ``key``, ``value``."""
    return func.jsonb_each_text(cast(LedgerRow.facts, JSONB)).table_valued("key", "value").lateral("told")


def _number(event_data: FromClause) -> ColumnElement[int]:
    return cast(func.split_part(event_data.c.key, ".", 2), Integer)


def _among(
    column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None], batches: Iterable[str]
) -> ColumnElement[bool]:
    """The condition that a column names one of these: one parameter, by whose length PostgreSQL plans."""
    return column == any_(cast(list(batches), ARRAY(String)))


def _batches(living: Iterable[str], start: datetime, end: datetime) -> Query:
    moved = LedgerRow.from_state.is_distinct_from(LedgerRow.to_state)
    when = {state: func.min(LedgerRow.at).filter(moved, LedgerRow.to_state == state) for state in State}
    accepted = when[State.ACCEPTED].is_not(None)
    told_of = {
        name: case((accepted, getattr(BatchRow, name))).label(name) for name in ("cycle", "objects_to", "rows_in")
    }
    ended = func.coalesce(when[State.CLOSED], when[State.REFUSED])
    return (
        select(
            BatchRow.id,
            BatchRow.partner,
            *[told_of[name] for name in ("cycle", "objects_to")],
            _last_fact("refusal_code").label("refusal_code"),
            told_of["rows_in"],
            BatchRow.received_at.label("received"),
            *[
                when[state].label(state.value)
                for state in (State.ACCEPTED, State.REFUSED, State.PREPARED, State.DELIVERED, State.CLOSED)
            ],
            *[_last_fact(fact).label(fact) for fact in ("due_on", "due_original", "due_last", "rows_open")],
        )
        .join(LedgerRow, LedgerRow.batch_id == BatchRow.id)
        .where(_among(LedgerRow.batch_id, living), LIVE, BatchRow.received_at < end, LedgerRow.at < end)
        .group_by(BatchRow.id)
        .having(or_(ended.is_(None), ended >= start))
        .order_by(BatchRow.received_at, BatchRow.id)
    )


def _first_answers(batches: Iterable[str]) -> Query:
    query = select(AnswerCountRow.batch_id, AnswerCountRow.item, AnswerCountRow.code, AnswerCountRow.n)
    order = (AnswerCountRow.batch_id, AnswerCountRow.item, AnswerCountRow.code)
    return query.where(_among(AnswerCountRow.batch_id, batches)).order_by(*order)


def _releases(session: Session, batches: Iterable[str], end: datetime) -> list[ResultRow]:
    """Batch, number, rows, approval, upheld, settled (none where nothing left), and when it was proposed, approved,
    rejected, reopened or withdrawn, delivered.
    """
    step, states = _fact_pairs(), ("approved", "rejected", "reopened", "delivered")
    when = [func.max(LedgerRow.at).filter(step.c.value.startswith(state)) for state in states]
    query = (
        select(
            ReleaseRow.batch_id,
            ReleaseRow.number,
            func.cardinality(ReleaseRow.rows),
            ReleaseRow.needs_approval,
            ReleaseRow.upheld,
            case((or_(by_partner(), ReleaseRow.upheld > 0), ReleaseRow.settled), else_="{}"),
            ReleaseRow.proposed_at,
            *when,
        )
        .join(BatchRow, BatchRow.id == ReleaseRow.batch_id)
        .join(LedgerRow, (LedgerRow.batch_id == ReleaseRow.batch_id) & (LedgerRow.at < end))
        .join(step, literal(value=True))
        .where(_among(ReleaseRow.batch_id, batches), LedgerRow.facts.contains('"release.'))
        .where(step.c.key.regexp_match(_RELEASE), _number(step) == ReleaseRow.number)
        .group_by(ReleaseRow.batch_id, ReleaseRow.number, BatchRow.id)
        .order_by(ReleaseRow.batch_id, ReleaseRow.number)
    )
    return list(session.execute(query))


def _settled(releases: list[ResultRow], start: datetime, end: datetime) -> Iterator[tuple[str, str, str, int]]:
    for batch, _, _, _, _, settled, *_, delivered in releases:
        if delivered is not None and start <= delivered < end:
            for item, tally in json.loads(settled).items():
                yield from ((batch, item, code, n) for code, n in tally.items())


def _in_queue(batches: pl.DataFrame) -> dict[str, bool]:
    """The batches of which rows may have been for officers, and whether each was refused."""
    prepared = batches.filter(pl.col("sealed").is_not_null())
    return dict(prepared.select("batch", pl.col("refused").is_not_null()).iter_rows())


def _stops(batches: Iterable[str], end: datetime) -> Query:
    named = (ClockStopRow.batch_id, ClockStopRow.number, ClockStopRow.reason, ClockStopRow.stopped_at)
    query = select(*named, _before(ClockStopRow.started_at, end)).where(_among(ClockStopRow.batch_id, batches))
    return query.where(ClockStopRow.stopped_at < end).order_by(ClockStopRow.batch_id, ClockStopRow.number)


def _pickups(batches: Collection[str], start: datetime, end: datetime) -> Query:
    """The results of these batches that were put into partners' folders: of a second look opened here those that
    changed something.
    """
    event_data, of_these = _fact_pairs(), _among(LedgerRow.batch_id, batches)
    first = select(LedgerRow.batch_id, literal(1).label("number"), LedgerRow.at).where(
        of_these, LedgerRow.from_state == State.PREPARED, LedgerRow.to_state == State.DELIVERED
    )
    later = select(LedgerRow.batch_id, _number(event_data) + 1, LedgerRow.at).join(event_data, literal(value=True))
    later = later.where(of_these, LedgerRow.facts.contains('"release.'))
    later = later.where(event_data.c.key.regexp_match(_RELEASE), event_data.c.value.startswith("delivered"))
    results, moved = union_all(first, later).subquery(), _taken_and_put_again(of_these, end).subquery()
    of_release = (ReleaseRow.batch_id == results.c.batch_id) & (ReleaseRow.number == results.c.number - 1)
    same = (moved.c.batch_id == results.c.batch_id) & (moved.c.number == results.c.number)
    noticed = case((or_(moved.c.again.is_(None), moved.c.taken > moved.c.again), moved.c.taken))
    lay = func.greatest(results.c.at, moved.c.again)
    query = (
        select(results.c.batch_id, BatchRow.partner, BatchRow.cycle, results.c.number, lay, noticed)
        .join(BatchRow, BatchRow.id == results.c.batch_id)
        .outerjoin(ReleaseRow, of_release)
        .outerjoin(moved, same)
        .where(
            LIVE, results.c.at < end, or_(noticed.is_(None), noticed >= start), by_partner() | (ReleaseRow.upheld > 0)
        )
    )
    return query.order_by(results.c.batch_id, results.c.number)


def _taken_and_put_again(of_these: ColumnElement[bool], end: datetime) -> Query:
    """Batch, number, when the result was taken last, and put there again last, before ``end``: as the ledger tells, for
    the table of pick-ups holds only how it is now.
    """
    event_data = _fact_pairs()
    key, number = event_data.c.key, _number(event_data).label("number")
    moment = cast(func.regexp_replace(event_data.c.value, r"^\S+ ", ""), DateTime(timezone=True))
    at = case((key.regexp_match(_PICKUP), moment))  # other values are no moments
    moments = [func.max(at).filter(key.startswith(name)).label(label) for name, label in _MOVED.items()]
    query = select(LedgerRow.batch_id, number, *moments).join(event_data, literal(value=True))
    told = or_(*(LedgerRow.facts.contains(f'"{name}.') for name in _MOVED))
    return query.where(of_these, told, at < end).group_by(LedgerRow.batch_id, number)


def _missing(start: datetime, end: datetime) -> Query:
    """The sets that were missing; their reminders are those of which the ledger was told before ``end``."""
    row, event_data = MissingSetRow, _fact_pairs()
    name = func.concat("missing.", row.partner, ".", row.cycle, ".", row.period)
    of_purpose = func.concat(name, case((row.purpose == "", ""), else_=func.concat(".", row.purpose)))
    number = cast(func.substring(event_data.c.value, r"^reminder ([0-9]+)$"), Integer)
    told = select(func.max(number)).select_from(LedgerRow).join(event_data, literal(value=True))
    told = told.where(LedgerRow.batch_id.is_(None), LedgerRow.at >= row.noticed_at, LedgerRow.at < end)
    told = told.where(event_data.c.key.in_((name, of_purpose)))  # earlier versions did not write the purpose
    sent = func.least(row.reminders, func.coalesce(told.scalar_subquery(), 0))
    as_now = or_(row.reminded_at.is_(None), row.reminded_at < end)
    reminders = case((as_now, row.reminders), else_=sent)
    arrived = _before(row.arrived_at, end)
    query = select(row.partner, row.cycle, row.period, row.purpose, row.expected_by, reminders, arrived)
    query = query.where(row.noticed_at < end, or_(row.arrived_at.is_(None), row.arrived_at >= start))
    return query.order_by(row.expected_by, row.partner, row.cycle, row.purpose)


def _before(moment: Any, end: datetime) -> ColumnElement[Any]:
    """The moment, empty where it came after the end of the span."""
    return func.nullif(func.least(moment, end), end)
