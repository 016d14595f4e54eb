"""Who looked at rows of people, and who decided them: by the ledger, in a span of time.

Rules
- An opening is counted once for each row and each time, as it was registered; a decision likewise, a word of two
  officers included, and whatever was taken back later, too.
- Overturned is a first word whose row was decided otherwise by the end of the span. What was taken back within it is
  no decision; what was returned or taken back later was one.
- Persons are those who work here; nobody who was asked about is in here. Rows of tests are left out: they are about
  nobody.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, Row, text

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
_SETTLED: Final = text("""
    SELECT batch_id, facts FROM ledger JOIN batch ON batch.id = batch_id AND batch.stage IS NULL
    WHERE at >= :start AND at < :end AND facts LIKE '%"review.%'
        AND (facts LIKE '%.earlier"%' OR facts LIKE '%"undone"%') ORDER BY seq
""")
"""What was decided by several words, or taken back."""
_REVIEW: Final = re.compile(r"review\.[0-9]+")
_JSON: Final = json.JSONDecoder()


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
        for query in (_OPENED, _DECIDED):
            counts.append({row[0]: row[1] for row in session.execute(query, span)})
        counts.append(_overturned(session.execute(_SETTLED, span)))
    opened, decided, overturned = counts
    people = [
        Looks(person, opened.get(person, 0), decided.get(person, 0), overturned.get(person, 0))
        for person in {*opened, *decided, *overturned}
    ]
    return sorted(people, key=lambda looked: (-looked.opened, looked.person))


def _overturned(lines: Iterable[Row[str, str]]) -> Counter[str]:
    """Who gave first words that were overturned, and how many. ``lines``: batch, facts, in the ledger's order."""
    first: dict[tuple[str, str], str] = {}
    for batch, facts in lines:
        told = json.loads(facts)
        for name, said in told.items():
            if not _REVIEW.fullmatch(name):
                continue
            first.pop((batch, name), None)
            earlier = json.loads(told.get(f"{name}.earlier", "[]"))
            if earlier and said.startswith("{") and _JSON.raw_decode(said)[0] != earlier[0]["answers"]:
                first[batch, name] = earlier[0]["by"]
    return Counter(first.values())
