"""The queue as it stood at a moment: which rows were decided then, and when. By the ledger, for the queue itself keeps
only its last decision.

Rules
- Of a row counts the last line before the moment that decided it, took a decision back, or rejected a release that it
  was in. A first word of two officers is no decision; a release that was withdrawn leaves its rows decided.
- A row that came into the queue afterwards, by the second pass, was not there yet.
- At a row that was decided as before nobody had to look, until a line says that somebody did: it is left out.
- Of a batch that was refused then nothing waits for an officer; what one had decided of it was decided.
- Lines of earlier versions do not say which rows came later, or were decided as before: such a row counts as there
  since the first result, unless it still is as it was before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from exchange.register.states import ReviewState

QUEUED_ROWS: Final = "queued_rows"
"""The fact that says which rows a line brings into the queue behind the first result."""
AS_BEFORE_ROWS: Final = "as_before_rows"
"""The fact that says which rows the first result's line decides as before."""

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
Row = tuple[str, int]
"""Batch, number of the row."""

_THEN: Final = text(r"""
    WITH told AS (
        SELECT batch_id, seq, at, key, value FROM ledger
        CROSS JOIN LATERAL jsonb_each_text(facts::jsonb) AS fact (key, value)
        WHERE batch_id = ANY (CAST(:batches AS text[])) AND at < :moment
            AND (facts LIKE '%"review.%' OR facts LIKE '%"release.%')
    ), said AS (
        SELECT batch_id, split_part(key, '.', 2)::int AS number, seq, at, value <> 'undone' AS decided FROM told
        WHERE key ~ '^review\.[0-9]+$' AND value NOT LIKE 'word %'
        UNION ALL
        SELECT told.batch_id, unnest(release.rows), seq, at, false FROM told
        JOIN release ON release.batch_id = told.batch_id AND 'release.' || release.number = key
        WHERE value LIKE 'rejected %'
    ), last AS (
        SELECT DISTINCT ON (batch_id, number) batch_id, number, at, decided FROM said
        ORDER BY batch_id, number, seq DESC
    )
    SELECT review.batch_id, review.row, division, as_before IS NOT NULL, decided, at FROM review
    LEFT JOIN last ON last.batch_id = review.batch_id AND last.number = review.row
    WHERE review.batch_id = ANY (CAST(:batches AS text[])) ORDER BY review.batch_id, review.row
""")
_NAMED: Final = text("""
    SELECT batch_id, facts::jsonb ->> :fact FROM ledger
    WHERE batch_id = ANY (CAST(:batches AS text[])) AND at >= :since AND facts LIKE '%"' || :fact || '"%'
""")


def written(rows: Iterable[int]) -> str:
    """Numbers of rows as a fact has them, ascending: ``3,7-9``."""
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(sorted(set(rows))), lambda numbered: numbered[1] - numbered[0])
    ]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def read(fact: str) -> Iterator[int]:
    """The numbers of rows that a fact names."""
    for part in filter(None, fact.split(",")):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def queue_at(
    session: Session, batches: Mapping[str, bool], moment: datetime
) -> Iterator[tuple[str, str, ReviewState, datetime | None]]:
    """Of the rows that were for officers before ``moment``: batch, division, whether it was open or decided then, and
    when it was decided or opened again, in the order of batches and rows. ``batches``: whether each was refused then.
    """
    known = {"batches": list(batches), "moment": moment}
    later = _named(session, batches, QUEUED_ROWS, moment)
    as_before = _named(session, batches, AS_BEFORE_ROWS, _EVER)
    for batch, row, division, still_as_before, decided, at in session.execute(_THEN, known):
        untouched = decided is None and (still_as_before or (batch, row) in as_before)
        waits_for_nobody = untouched or (batches[batch] and not decided)
        if not waits_for_nobody and (batch, row) not in later:
            yield batch, division, ReviewState.DECIDED if decided else ReviewState.OPEN, at


def _named(session: Session, batches: Collection[str], fact: str, since: datetime) -> set[Row]:
    """The rows that lines since then name by this fact."""
    lines = session.execute(_NAMED, {"batches": list(batches), "fact": fact, "since": since})
    return {(batch, row) for batch, rows in lines for row in read(rows or "")}
