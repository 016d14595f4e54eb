"""Walking over the ledger: each line has its number and hash, follows on the one before, and is signed by the office.

Rules
- Lines are read in order, so many at once, as plain rows: a year's ledger has some two million.
- This thread checks numbers, hashes and the tree; a thread for each processor checks signatures, which take most of the
  time.
- Only the first line that is wrong is reported.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, NoReturn, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.register import ledger
from exchange.register.merkle import Tree
from exchange.register.models import LedgerHeadRow, LedgerRow
from exchange.register.signing import Checkpoint, LedgerKey

_LINES_READ: Final = 2000
_OF_A_THREAD: Final = 250
_IN_ORDER: Final = select(*LedgerRow.__table__.columns).order_by(LedgerRow.seq).execution_options(yield_per=_LINES_READ)


@dataclass
class Walked:
    """What a walk over the lines yields: how many, the last hash, from which line on they are signed, and the
    last digest of each single row (``digests.BY_ROW``); ``checkpoints``: of the lines that were asked for.
    """

    lines: int = 0
    last_hash: str = ledger.BEGINNING
    signed_from: int | None = None
    rows: dict[str, str] = field(default_factory=dict)
    checkpoints: dict[int, Checkpoint] = field(default_factory=dict)


@dataclass(frozen=True)
class _Signed:
    """A line that must be signed. ``checkpoint``: computed from the lines up to it; all else: as the line states."""

    checkpoint: Checkpoint
    root: str | None
    signature: str | None
    digests: str | None

    def holds(self, key: LedgerKey) -> bool:
        return self.root == self.checkpoint.root and key.is_signed(self.checkpoint, self.signature)


def walk(session: Session, sizes: Collection[int] = ()) -> tuple[Walked, Tree]:
    """All lines, and the tree over them; Halt with the first that was altered. ``sizes``: the numbers of the
    lines whose checkpoints are wanted.
    """
    walked, tree, wanted = Walked(), Tree(), frozenset(sizes)
    with ThreadPoolExecutor() as others, session.execute(_IN_ORDER) as lines:
        begun: list[Future[dict[str, str]]] = []
        for several in lines.partitions():
            signed, altered = _followed(walked, tree, wanted, cast("Sequence[LedgerRow]", several))
            _collect_digests(walked, begun)
            begun = [others.submit(_check, part, ledger.key_of(session)) for part in _parts(signed)]
            if altered is not None:
                _collect_digests(walked, begun)
                _altered(altered)
        _collect_digests(walked, begun)
    _check_head(session, walked, tree)
    return walked, tree


def _followed(
    walked: Walked, tree: Tree, wanted: Collection[int], lines: Sequence[LedgerRow]
) -> tuple[list[_Signed], int | None]:
    """The next lines whose signatures are to be checked, up to the first that does not follow on the one before; the
    number of that one, or None.
    """
    signed: list[_Signed] = []
    for line in lines:
        number = walked.lines + 1
        if line.seq != number or line.previous_hash != walked.last_hash or line.hash != ledger.hash_of(line):
            return signed, number
        tree.add(line.hash)
        is_earlier = line.signature is None and line.digests is None  # of an earlier version, before the first signed
        if walked.signed_from is None and not is_earlier:
            walked.signed_from = number
        if walked.signed_from is not None or number in wanted:
            checkpoint = Checkpoint(number, base64.b64encode(tree.root()).decode(), line.hash)
            if walked.signed_from is not None:
                signed.append(_Signed(checkpoint, line.root, line.signature, line.digests))
            if number in wanted:
                walked.checkpoints[number] = checkpoint
        walked.lines, walked.last_hash = number, line.hash
    return signed, None


def _parts(signed: Sequence[_Signed]) -> list[Sequence[_Signed]]:
    return [signed[start : start + _OF_A_THREAD] for start in range(0, len(signed), _OF_A_THREAD)]


def _check(signed: Sequence[_Signed], key: LedgerKey) -> dict[str, str]:
    """Digests of single rows as these lines state them; Halt with the first line that is not signed."""
    rows: dict[str, str] = {}
    for line in signed:
        if not line.holds(key):
            msg = f"line {line.checkpoint.size} of the ledger was not signed by this office"
            raise Halt(msg, zh=f"流水第 {line.checkpoint.size} 行不是本单位所签")
        if "/" in (line.digests or ""):  # as names of rows have it, and of tables none
            recorded = json.loads(line.digests or "{}").items()
            rows.update((name, digest) for name, digest in recorded if "/" in name)
    return rows


def _collect_digests(walked: Walked, begun: Sequence[Future[dict[str, str]]]) -> None:
    for batch in begun:
        walked.rows.update(batch.result())


def _altered(number: int) -> NoReturn:
    msg = f"the ledger was altered at line {number}"
    raise Halt(msg, zh=f"流水第 {number} 行被改动")


def _check_head(session: Session, walked: Walked, tree: Tree) -> None:
    head = session.get(LedgerHeadRow, True)
    if (head.seq, head.hash) != (walked.lines, walked.last_hash) if head else walked.lines != 0:
        msg = f"the ledger was cut short after line {walked.lines}"
        raise Halt(msg, zh=f"流水在第 {walked.lines} 行之后被截短")
    if walked.signed_from is not None and (head is None or head.subtrees != tree.written):
        msg = "the ledger's head is not what its lines add up to"
        raise Halt(msg, zh="流水的末端记录与各行不符")
