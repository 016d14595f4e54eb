"""Holding the register against its ledger: every line, then everything that the lines tell of.

``verify`` finds a line that was altered, removed, put in between or not signed by the office, a ledger that was cut
short, and any row of any table that is not what the ledger was last told (``digests.py`` names what it is not told). A
ledger that was rewritten whole by somebody who also has the key, or a database that was put back to an earlier day, is
found by what left the house: see ``against``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.register import asked_lately, attest, digests, ledger
from exchange.register.batches import Role
from exchange.register.merkle import Tree
from exchange.register.models import BatchRow, FileRow, LedgerHeadRow, LedgerRow
from exchange.register.signing import Checkpoint

_CHUNK: Final = 1000
_FACTS: Final = frozenset(BatchRow.__table__.columns.keys()) - {"id", "state", "received_at"}
_ROLES: Final = frozenset(Role)
_UNTOLD: Final = {"items": "[]", "due_provisional": "False", "clock_stands": "False", "receipts_sent": "1"}
"""What a batch's line says before its set is trusted."""


@dataclass
class Walked:
    """What a walk over the lines found: how many, the last hash, from which line on they are signed, and what the
    single rows (``digests.BY_ROW``) are told to be; ``checkpoints``: of the lines that were asked for.
    """

    lines: int = 0
    last_hash: str = ledger.BEGINNING
    signed_from: int | None = None
    rows: dict[str, str] = field(default_factory=dict)
    checkpoints: dict[int, Checkpoint] = field(default_factory=dict)


def verify(session: Session, sizes: Collection[int] = ()) -> Walked:
    """The whole register; Halt with the first line, batch or row that is not what it was.

    The session must be a new one: everything is read as of one moment, so that work may go on meanwhile.
    """
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    walked = _walk(session, sizes)
    verify_facts(session)
    if walked.signed_from is not None:
        _verify_tables(session)
        _verify_rows(session, walked)
        asked_lately.verify(session)
    return walked


def walk(session: Session) -> tuple[Walked, Tree]:
    """The lines alone, and the tree over them; Halt as above."""
    walked, tree = Walked(), Tree()
    for _ in _lines(session, walked, tree):
        pass
    return walked, tree


def _walk(session: Session, sizes: Collection[int]) -> Walked:
    walked, tree, wanted = Walked(), Tree(), frozenset(sizes)
    for line in _lines(session, walked, tree):
        if line.seq in wanted:
            walked.checkpoints[line.seq] = Checkpoint(line.seq, _root(tree), line.hash)
    return walked


def _lines(session: Session, walked: Walked, tree: Tree) -> Iterator[LedgerRow]:
    """Each line, once it was found to be what it was."""
    in_order = select(LedgerRow).order_by(LedgerRow.seq).execution_options(yield_per=_CHUNK)
    with session.scalars(in_order) as lines:
        for line in lines:
            number = walked.lines + 1
            if line.seq != number or line.previous_hash != walked.last_hash or line.hash != ledger.hash_of(line):
                msg = f"the ledger was altered at line {number}"
                raise Halt(msg)
            tree.add(line.hash)
            _check_signature(session, walked, tree, line)
            walked.lines, walked.last_hash = number, line.hash
            told = json.loads(line.digests or "{}").items()
            walked.rows.update((name, digest) for name, digest in told if "/" in name)
            yield line
    head = session.get(LedgerHeadRow, True)
    if (head.seq, head.hash) != (walked.lines, walked.last_hash) if head else walked.lines != 0:
        msg = f"the ledger was cut short after line {walked.lines}"
        raise Halt(msg)
    if walked.signed_from is not None and (head is None or head.subtrees != tree.written):
        msg = "the ledger's head is not what its lines add up to"
        raise Halt(msg)


def _check_signature(session: Session, walked: Walked, tree: Tree, line: LedgerRow) -> None:
    if walked.signed_from is None and line.signature is None and line.digests is None:
        return  # of an earlier version
    walked.signed_from = walked.signed_from or line.seq
    if line.root != _root(tree) or not ledger.is_signed(line, ledger.key_of(session)):
        msg = f"line {line.seq} of the ledger was not signed by this office"
        raise Halt(msg)


def _root(tree: Tree) -> str:
    return base64.b64encode(tree.root()).decode()


def _verify_tables(session: Session) -> None:
    """Every batch's tables against its last line, some hundred batches at once."""
    batches = iter(session.scalars(select(BatchRow.id).order_by(BatchRow.id)).all())
    while several := [batch_id for batch_id, _ in zip(batches, range(_CHUNK), strict=False)]:
        attest.attest_several(session, several)
    for table, column in (("ledger", "batch_id"), *digests.OF_BATCH.items(), *digests.BY_BLOCK.items()):
        lost = text(f"SELECT {column} FROM {table} t WHERE {column} NOT IN (SELECT id FROM batch) LIMIT 1")  # noqa: S608
        if (batch_id := session.scalar(lost)) is not None:
            msg = f"{batch_id} is not what the ledger says: it is no longer in the register"
            raise Halt(msg)


def _verify_rows(session: Session, walked: Walked) -> None:
    for table in digests.BY_ROW:
        held = dict(digests.of_rows(session, table))
        told = {name: digest for name, digest in walked.rows.items() if name.startswith(f"{table}/")}
        if other := sorted(name for name in held.keys() | told.keys() if held.get(name) != told.get(name)):
            msg = f"{other[0]} is not what the ledger says"
            raise Halt(msg)


def verify_facts(session: Session) -> None:
    """Each batch's line, and its files, against what its lines add up to: that holds for unsigned lines, too."""
    files = select(FileRow.batch_id, func.json_object_agg(FileRow.role, FileRow.sha256).label("hashes"))
    by_batch = files.group_by(FileRow.batch_id).subquery()
    everything = (
        select(BatchRow, by_batch.c.hashes, LedgerRow)
        .outerjoin(by_batch, by_batch.c.batch_id == BatchRow.id)
        .outerjoin(LedgerRow, LedgerRow.batch_id == BatchRow.id)
        .order_by(BatchRow.id, LedgerRow.seq)
    )
    with session.execute(everything.execution_options(yield_per=_CHUNK)) as answers:
        for _, group in groupby(answers, key=lambda row: row[0].id):
            rows = list(group)
            batch, hashes = rows[0][:2]
            if not _is_as_told(batch, hashes or {}, [line for _, _, line in rows if line is not None]):
                msg = f"{batch.id} is not what the ledger says"
                raise Halt(msg)


def _is_as_told(batch: BatchRow, hashes: Mapping[str, str], lines: Sequence[LedgerRow]) -> bool:
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
