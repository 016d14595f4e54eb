"""What leaves is sent because a signed line says so, never because a table says so.

Rules
- A batch's last line in the ledger is signed and tells the digest of every table that holds something of the batch.
  The tables are believed where they are that; a line that the office did not sign, or rows that no line tells, are a
  Halt.
- Every verb that changes something of a batch attests it first, behind the batch's lock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.register import digests, ledger
from exchange.register.models import LedgerRow
from exchange.register.signing import LedgerKey


def attest(session: Session, batch_id: str) -> None:
    """Halt where the batch's tables are not what its last line, signed by the office, says."""
    if batch_id in ledger.attested(session):
        return
    line, key = ledger.last_line(session, batch_id), ledger.key_of(session)
    check(batch_id, line, digests.of_batches(session, [batch_id])[batch_id], key)
    ledger.attested(session).add(batch_id)


def check(batch_id: str, line: LedgerRow | None, held: Mapping[str, str], key: LedgerKey) -> None:
    """Halt where ``line``, a batch's last, is not signed, or tells another thing than the tables hold."""
    if line is None:
        msg = f"{batch_id} is not what the ledger says: no line speaks of it"
        raise Halt(msg)
    if line.digests is None and line.signature is None and line.root is None:
        msg = f"{batch_id} is told by a line that is not signed; run `exchange register sign` once"
        raise Halt(msg)
    if not ledger.is_signed(line, key):
        msg = f"line {line.seq} about {batch_id} was not signed by this office; a person must look"
        raise Halt(msg)
    if other := altered(line, held):
        msg = f"{batch_id} is not what the ledger says: {', '.join(other)} was altered"
        raise Halt(msg)


def altered(line: LedgerRow, held: Mapping[str, str]) -> list[str]:
    """The tables that hold something else of the batch than its last line tells."""
    told = json.loads(line.digests or "{}")
    return [table for table in digests.OF_BATCH if told.get(table) != held.get(table)]
