"""Where signing begins: the line that an office writes once, behind the lines of earlier versions.

Rules: the old lines are verified first; the beginning is one transaction, in which lines state the present digests of
every batch and row. After its first line a line without signature is invalid. Run again, it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.register import digests, ledger, review_blocks
from exchange.register.models import BatchRow
from exchange.register.verify import verify_facts
from exchange.register.walk import walk

_CHUNK: Final = 1000
_FACTS: Final = {"signing": "begins"}


def begin(session: Session, at: datetime, actor: str) -> int:
    """Signs from here on; the number of the first signed line. Halt where an old line or batch is not sound."""
    ledger.lock(session)
    walked, tree = walk(session)
    if walked.signed_from is not None:
        return walked.signed_from
    verify_facts(session)
    previous, first = walked.last_hash, walked.lines + 1
    for batches in _several(session):
        for batch_id, _ in batches:
            review_blocks.digest_anew(session, batch_id, None, None)
        held = digests.of_batches(session, [batch_id for batch_id, _ in batches])
        lines = [ledger.pending(batch_id, (state, state), at, actor, _FACTS) for batch_id, state in batches]
        previous = ledger.write_behind(session, previous, tree, lines, [held[batch_id] for batch_id, _ in batches])
    for table in digests.BY_ROW:
        rows = digests.of_rows(session, table)
        while chunk := dict(islice(rows, _CHUNK)):
            line = ledger.pending(None, (None, ledger.NOTED), at, actor, _FACTS)
            previous = ledger.write_behind(session, previous, tree, [line], [chunk])
    if tree.size == walked.lines:
        line = ledger.pending(None, (None, ledger.NOTED), at, actor, _FACTS)
        ledger.write_behind(session, previous, tree, [line], [{}])
    return first


def _several(session: Session) -> Iterator[list[tuple[str, str]]]:
    """(batch, state) of all batches, in groups."""
    everyone = session.execute(select(BatchRow.id, BatchRow.state).order_by(BatchRow.id))
    pairs = iter([(batch_id, state) for batch_id, state in everyone])
    while several := list(islice(pairs, _CHUNK)):
        yield several
