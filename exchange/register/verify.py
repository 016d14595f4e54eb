"""Verifies the register against its ledger: every line, then everything that the lines state.

``verify`` finds a line that was altered, removed, put in between or not signed by the office, a ledger that was cut
short, and any row of any table that is not what the ledger last stated (``digests.py`` names the tables it does not). A
ledger that was rewritten whole by somebody who also has the key, or a database that was put back to an earlier day, is
found by what left the house: see ``against``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Row, any_, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import String

from exchange.base.errors import Halt
from exchange.register import asked_lately, attest, digests, ledger, uncollected
from exchange.register.as_made import check_as_made
from exchange.register.batches import Role
from exchange.register.models import BatchRow, FileRow, LedgerRow
from exchange.register.walk import Walked, walk

_BATCHES_READ: Final = 1000
_FACTS: Final = frozenset(BatchRow.__table__.columns.keys()) - {"id", "state", "received_at"}
_ROLES: Final = frozenset(Role)
_UNTOLD: Final = {"items": "[]", "due_provisional": "False", "clock_stands": "False", "receipts_sent": "1"}
"""What a batch's line says before its set is trusted."""


def verify(session: Session, sizes: Collection[int] = ()) -> Walked:
    """The whole register; Halt with the first line, batch or row that was altered. ``sizes``: the numbers of the
    lines whose checkpoints are wanted.

    The session must be a new one: everything is read as of one moment, so that work may go on meanwhile.
    """
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    check_as_made(session)
    walked, _ = walk(session, sizes)
    for batches in _several(session):
        _verify_facts(session, batches)
        if walked.signed_from is not None:
            attest.attest_several(session, batches, signed_from=walked.signed_from)
    if walked.signed_from is not None:
        _verify_none_lost(session)
        _verify_rows(session, walked)
        asked_lately.verify(session)
        uncollected.verify(session)
    return walked


def verify_facts(session: Session) -> None:
    """Each batch's line, and its files, against what its lines add up to: that holds for unsigned lines, too."""
    for batches in _several(session):
        _verify_facts(session, batches)


def _several(session: Session) -> Iterator[list[str]]:
    """All batches, in groups."""
    batches = iter(session.scalars(select(BatchRow.id).order_by(BatchRow.id)).all())
    while several := list(islice(batches, _BATCHES_READ)):
        yield several


def _verify_none_lost(session: Session) -> None:
    """Halt where a table names a batch that is missing."""
    for table, column in (("ledger", "batch_id"), *digests.OF_BATCH.items(), *digests.BY_BLOCK.items()):
        is_there = f"SELECT FROM batch b WHERE b.id = t.{column}"
        lost = f"SELECT {column} FROM {table} t WHERE {column} IS NOT NULL AND NOT EXISTS ({is_there}) LIMIT 1"  # noqa: S608
        if (batch_id := session.scalar(text(lost))) is not None:
            msg = f"{batch_id} is not what the ledger says: it is no longer in the register"
            raise Halt(msg, zh=f"{batch_id} 与流水不符：登记簿中已没有这一批次")


def _verify_rows(session: Session, walked: Walked) -> None:
    for table in digests.BY_ROW:
        held = dict(digests.of_rows(session, table))
        recorded = {name: digest for name, digest in walked.rows.items() if name.startswith(f"{table}/")}
        if other := sorted(name for name in held.keys() | recorded.keys() if held.get(name) != recorded.get(name)):
            msg = f"{other[0]} is not what the ledger says"
            raise Halt(msg, zh=f"{other[0]} 与流水不符")


_WANTED: Final = bindparam("batches", type_=ARRAY(String))
_BATCHES: Final = select(*BatchRow.__table__.columns).where(BatchRow.id == any_(_WANTED)).order_by(BatchRow.id)
_FILES: Final = (
    select(FileRow.batch_id, func.json_object_agg(FileRow.role, FileRow.sha256).label("hashes"))
    .where(FileRow.batch_id == any_(_WANTED))
    .group_by(FileRow.batch_id)
)
_LINES: Final = (
    select(LedgerRow.batch_id, LedgerRow.to_state, LedgerRow.at, LedgerRow.facts)
    .where(LedgerRow.batch_id == any_(_WANTED))
    .order_by(LedgerRow.seq)
)


def _verify_facts(session: Session, batches: Sequence[str]) -> None:
    wanted = {"batches": batches}
    lines: dict[str, list[Any]] = {}
    for line in session.execute(_LINES, wanted):
        lines.setdefault(line.batch_id, []).append(line)
    hashes = {row.batch_id: row.hashes for row in session.execute(_FILES, wanted)}
    for batch in session.execute(_BATCHES, wanted):
        if not _matches_lines(batch, hashes.get(batch.id, {}), lines.get(batch.id, [])):
            msg = f"{batch.id} is not what the ledger says"
            raise Halt(msg, zh=f"{batch.id} 与流水不符")


def _matches_lines(batch: Row[Any], hashes: Mapping[str, str], lines: Sequence[Any]) -> bool:
    """Whether a batch's line, and the files that the ledger knows, are what the ledger's lines add up to."""
    if not lines or batch.state != lines[-1].to_state:
        return False
    event_data: dict[str, str] = {"received_at": str(lines[0].at)}
    for line in lines:
        event_data |= json.loads(line.facts)
    if str(batch.received_at) != event_data["received_at"]:
        return False
    facts = ledger.as_written({name: getattr(batch, name) for name in _FACTS})
    roles = {name for name in event_data if name.partition("-")[0] in _ROLES}
    return facts == _UNTOLD | {name: event_data[name] for name in event_data.keys() & _FACTS} and all(
        hashes.get(role) == event_data[role] for role in roles
    )
