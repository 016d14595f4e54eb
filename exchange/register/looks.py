"""Who looked at rows of people, and who decided them: by the ledger, in a span of time.

Rules
- An opening is counted once for each row and each time, as it was registered; a decision likewise, a word of two
  officers included, and whatever was taken back later, too.
- Overturned is a first word whose row was decided otherwise in the end.
- Persons are those who work here; nobody who was asked about is in here. Rows of tests are left out: they are about
  nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, text

from exchange.register.database import transaction

_OPENED: Final = text("""
    SELECT actor, sum(cardinality(string_to_array(facts::jsonb ->> 'opened', ',')))::int FROM ledger
    JOIN batch ON batch.id = batch_id AND batch.stage IS NULL
    WHERE at >= :start AND at < :end AND facts LIKE '%"opened"%' GROUP BY actor
""")
_DECIDED: Final = text(r"""
    SELECT actor, count(*)::int FROM ledger
    JOIN batch ON batch.id = batch_id AND batch.stage IS NULL
    CROSS JOIN LATERAL jsonb_each_text(facts::jsonb) AS told (key, value)
    WHERE at >= :start AND at < :end AND facts LIKE '%"review.%'
        AND told.key ~ '^review\.[0-9]+$' AND told.value <> 'undone' GROUP BY actor
""")
_OVERTURNED: Final = text("""
    SELECT earlier::jsonb -> 0 ->> 'by', count(*)::int FROM review
    JOIN batch ON batch.id = batch_id AND batch.stage IS NULL
    WHERE decided_at >= :start AND decided_at < :end AND review.state <> 'open' AND earlier IS NOT NULL
        AND earlier::jsonb -> 0 -> 'answers' <> decision::jsonb GROUP BY 1
""")


@dataclass(frozen=True)
class Looks:
    """How many rows a person opened and decided, and how many of its first words another outcome overturned."""

    person: str
    opened: int
    decided: int
    overturned: int


def looks(engine: Engine, start: datetime, end: datetime) -> list[Looks]:
    """The people who opened or decided a row from ``start`` to before ``end``, who opened most first."""
    span, counts = {"start": start, "end": end}, list[dict[str, int]]()
    with transaction(engine) as session:
        for query in (_OPENED, _DECIDED, _OVERTURNED):
            counts.append({row[0]: row[1] for row in session.execute(query, span)})
    opened, decided, overturned = counts
    people = [
        Looks(person, opened.get(person, 0), decided.get(person, 0), overturned.get(person, 0))
        for person in {*opened, *decided, *overturned}
    ]
    return sorted(people, key=lambda looked: (-looked.opened, looked.person))
