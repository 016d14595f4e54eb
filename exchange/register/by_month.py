"""Months side by side, counted in the database: a line for each month and partner, no line for each batch.

Rules
- The counts are those of ``statistics.py`` and ``supervision/aggregates.py``, written again in SQL, so that half a year
  of thousands of batches opens at once; a test compares the two.
- As there: events after the end of a month are ignored, due days are those that the ledger held by then, and no test
  batch is counted.
- Of a second look opened here only what changed an answer has left (``uncollected.by_partner``).
- Due days that were set once are read from the batch's row; only where they were set again (the clock was paused, more
  time given, days off announced) are the ledger's facts read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from exchange.base.tables import PENDING
from exchange.calendar.working_days import OFFICE_ZONE
from exchange.register.database import transaction
from exchange.register.states import OPEN

_COUNTED: Final = r"""
WITH month AS (
    SELECT * FROM unnest(CAST(:names AS text[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]),
        CAST(:days AS date[])) AS month (name, begin, over, today)
), moved AS (
    SELECT batch_id, min(at) AS claimed, min(at) FILTER (WHERE to_state = 'refused') AS refused,
        min(at) FILTER (WHERE to_state = 'delivered') AS delivered, min(at) FILTER (WHERE to_state = 'closed') AS closed
    FROM ledger WHERE batch_id = ANY (CAST(:lived AS text[])) AND from_state IS DISTINCT FROM to_state GROUP BY batch_id
), told AS (
    SELECT batch_id, min(at) AS first, count(*) AS times
    FROM ledger WHERE batch_id = ANY (CAST(:lived AS text[])) AND facts LIKE '%"due\_%' GROUP BY batch_id
), paused AS (
    SELECT name AS of_month, batch_id, max((stopped_at AT TIME ZONE :zone)::date) AS since FROM clock_stop
    JOIN month ON stopped_at < over AND (started_at IS NULL OR started_at >= over) GROUP BY name, batch_id
), of_month AS (
    SELECT month.*, batch.id, batch.partner, batch.received_at,
        CASE WHEN refused < over THEN refused END AS refused, CASE WHEN closed < over THEN closed END AS closed,
        CASE WHEN delivered < over THEN delivered END AS delivered,
        CASE WHEN told.times > 1 THEN (
            SELECT facts::jsonb ->> 'due_on' FROM ledger WHERE batch_id = batch.id AND at < over
            AND facts LIKE '%"due\_on"%' ORDER BY seq DESC LIMIT 1)::date
        WHEN told.first < over THEN batch.due_on END AS due_on,
        CASE WHEN told.times > 1 THEN (
            SELECT facts::jsonb ->> 'due_last' FROM ledger WHERE batch_id = batch.id AND at < over
            AND facts LIKE '%"due\_last"%' ORDER BY seq DESC LIMIT 1)::date
        WHEN told.first < over THEN batch.due_last END AS due_last, paused.since AS paused
    FROM batch JOIN moved ON moved.batch_id = batch.id LEFT JOIN told ON told.batch_id = batch.id
    JOIN month ON received_at < over AND claimed < over AND coalesce(closed, refused, 'infinity') >= begin
    LEFT JOIN paused ON paused.batch_id = batch.id AND paused.of_month = month.name
    WHERE stage IS NULL
), judged AS (
    SELECT name, partner, received_at >= begin AS came, refused IS NOT NULL AS refused, closed IS NOT NULL AS done,
        closed IS NOT NULL AND ((closed AT TIME ZONE :zone)::date > coalesce(due_last, due_on)
            AND coalesce(paused > coalesce(due_last, due_on), true)
            OR due_last IS NOT NULL AND (delivered AT TIME ZONE :zone)::date > due_on
            AND coalesce(paused > due_on, true)) AS late,
        closed IS NULL AND refused IS NULL AND due < today AND coalesce(paused > due, true) AS overdue
    FROM of_month, LATERAL (
        SELECT CASE WHEN delivered IS NULL THEN due_on ELSE coalesce(due_last, due_on) END AS due
    ) AS still
)
SELECT name, partner, count(*) FILTER (WHERE came), count(*) FILTER (WHERE done), count(*) FILTER (WHERE refused),
    count(*) FILTER (WHERE NOT done AND NOT refused), count(*) FILTER (WHERE late), count(*) FILTER (WHERE overdue)
FROM judged GROUP BY name, partner ORDER BY name, partner
"""
_ANSWERED: Final = r"""
WITH first AS (
    SELECT at, n AS people FROM ledger JOIN batch ON batch.id = batch_id AND stage IS NULL
    JOIN answer_count USING (batch_id)
    WHERE from_state = 'sealed' AND to_state = 'delivered' AND at >= :start AND at < :end AND item = 'identity'
        AND code <> ALL (:pending)
), later AS (
    SELECT max(at) AS at, min(settled) AS settled
    FROM ledger JOIN batch ON batch.id = ledger.batch_id AND stage IS NULL
    CROSS JOIN LATERAL jsonb_each_text(facts::jsonb) AS told (key, value)
    JOIN release ON release.batch_id = ledger.batch_id AND 'release.' || number = told.key AND (upheld > 0
        OR objects_to IS NULL OR EXISTS (SELECT FROM file WHERE file.batch_id = batch.id AND role = 'signature'))
    WHERE facts LIKE '%"release.%' AND value LIKE 'delivered%' AND at >= :start AND at < :end
    GROUP BY release.batch_id, number
), answered AS (
    SELECT at, people FROM first
    UNION ALL SELECT at, tally.value::bigint FROM later
        CROSS JOIN LATERAL jsonb_each_text(settled::jsonb -> 'identity') AS tally WHERE tally.key <> ALL (:pending)
)
SELECT name, sum(people)::bigint FROM answered
JOIN unnest(CAST(:names AS text[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
    AS month (name, begin, over) ON at >= begin AND at < over GROUP BY name
"""


_LIVED: Final = text("""
    SELECT id FROM batch WHERE state = ANY (:open)
    UNION SELECT batch_id FROM ledger WHERE at >= :start AND batch_id IS NOT NULL
""")


@dataclass(frozen=True)
class MonthSpan:
    """A month: from ``start`` to before ``end``; ``today``: the office's day of its end."""

    name: str
    start: datetime
    end: datetime
    today: date


@dataclass(frozen=True)
class Counted:
    """How many batches of one partner in one month."""

    month: str
    partner: str
    came: int
    done: int
    refused: int
    open: int
    late: int
    overdue: int


def lived(session: Session, start: datetime) -> list[str]:
    """The batches that can have moved since then, or have something left to do: asked first, and named in what is asked
    of them, as PostgreSQL went through the whole ledger for those that it thought to be more.
    """
    return list(session.scalars(_LIVED, {"open": [state.value for state in OPEN], "start": start}))


def count_months(engine: Engine, spans: Iterable[MonthSpan]) -> tuple[list[Counted], dict[str, int]]:
    """The batches by month and partner, and how many rows were answered in each month."""
    months = list(spans)
    if not months:
        return [], {}
    given: dict[str, object] = {
        "names": [month.name for month in months],
        "starts": [month.start for month in months],
        "ends": [month.end for month in months],
        "days": [month.today for month in months],
    }
    whole = {
        "start": min(month.start for month in months),
        "end": max(month.end for month in months),
        "pending": list(PENDING),
    }
    with transaction(engine) as session:
        known = given | {"zone": OFFICE_ZONE.key, "lived": lived(session, min(month.start for month in months))}
        batches = [Counted(*row) for row in session.execute(text(_COUNTED), known)]
        answered = session.execute(text(_ANSWERED), given | whole)
        return batches, {row[0]: row[1] for row in answered}
