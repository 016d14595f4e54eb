"""The proof that a batch is in the register, against a checkpoint that somebody holds.

Rules
- It proves the line with which the batch was claimed: partner, batch id, moment, hashes of the manifest and its files.
  Nothing of other batches is in it but hashes of hashes.
- Its form is C2SP's tlog-proof (https://c2sp.org/tlog-proof): the entry's index, the hashes beside its way up to the
  root, and the checkpoint. ``extra`` holds the line; the tree's entry is its SHA-256.
- A witness that signed an earlier checkpoint is shown that the ledger grew out of it (``cosigning.py``).
- Whoever holds a receipt or result holds a checkpoint, and checks with ``openssl`` and a shell (the partners' guide).
"""

from __future__ import annotations

import base64
from typing import Final

from sqlalchemy import ScalarResult, select
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.register import ledger
from exchange.register.cosigning import CosignRequest
from exchange.register.merkle import consistency_path, inclusion_path, root_by_path
from exchange.register.models import LedgerRow
from exchange.register.signing import Checkpoint, note

_FORMAT: Final = "c2sp.org/tlog-proof@v1"
_CHUNK: Final = 10_000


def inclusion(session: Session, batch_id: str, held: Checkpoint | None) -> str:
    """The proof against the checkpoint that is held, or the ledger's last; Halt where the batch came behind it, or
    where the ledger no longer adds up to it.
    """
    line = session.scalars(select(LedgerRow).filter_by(batch_id=batch_id).order_by(LedgerRow.seq).limit(1)).first()
    end = ledger.last_line(session) if held is None else session.get(LedgerRow, held.size)
    if line is None or end is None or end.signature is None:
        msg = f"no signed line of the ledger covers {batch_id}"
        raise Halt(msg, zh=f"流水中没有 {batch_id} 的已签名登记：请核对批次号")
    checkpoint = ledger.checkpoint_of(end)
    if line.seq > checkpoint.size:
        msg = f"{batch_id} was claimed with line {line.seq}, behind the {checkpoint.size} lines of that checkpoint"
        raise Halt(
            msg, zh=f"{batch_id} 登记在第 {line.seq} 行，该检查点只到第 {checkpoint.size} 行：请对方用更晚的回执"
        )
    index, path = line.seq - 1, _path(session, line.seq - 1, checkpoint.size)
    root = root_by_path(ledger.hash_of(line), index, checkpoint.size, path)
    if held not in (None, checkpoint) or base64.b64encode(root).decode() != checkpoint.root:
        msg = "the ledger was altered: it does not add up to that checkpoint; `exchange register verify` says where"
        raise Halt(msg, zh="流水与该检查点不符，可能被改动：用 exchange register verify 查明何处")
    proof = [_FORMAT, f"extra {_base64(ledger.as_hashed(line))}", f"index {index}", *map(_base64, path)]
    return "\n".join(proof) + "\n\n" + note(checkpoint, end.signature)


def for_witness(session: Session, since: int) -> str:
    """The request for a cosignature under the ledger's checkpoint now; Halt where it has no ``since`` lines, or none
    that is signed.
    """
    end = ledger.last_line(session)
    if end is None or end.signature is None:
        msg = "no line of the ledger is signed yet"
        raise Halt(msg, zh="流水还没有签名的行")
    checkpoint = ledger.checkpoint_of(end)
    if since > checkpoint.size:
        msg = f"the ledger was rolled back: the witness signed {since} lines, the ledger has {checkpoint.size}"
        raise Halt(
            msg,
            zh=f"见证机关已联署 {since} 行，流水只有 {checkpoint.size} 行：流水可能被回退，见运行手册“登记簿被改动”",
        )
    with _hashes(session, checkpoint.size) as lines:
        proof = consistency_path(lines, since, checkpoint.size) if since else []
    return CosignRequest(since, proof, note(checkpoint, end.signature)).written


def _path(session: Session, index: int, size: int) -> list[bytes]:
    with _hashes(session, size) as lines:
        return inclusion_path(lines, index, size)


def _hashes(session: Session, size: int) -> ScalarResult[str]:
    hashes = select(LedgerRow.hash).where(LedgerRow.seq <= size).order_by(LedgerRow.seq)
    return session.scalars(hashes.execution_options(yield_per=_CHUNK))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
