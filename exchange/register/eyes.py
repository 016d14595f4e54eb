"""Two officers for one row (双人核实): words given one after another, unseen by each other, until two agree.

    open ──first word──► open ──second, the same──► decided
                           └──second, another one──► open, disputed ──third word──► decided

Rules
- Nobody gives two words on a row; who gives the second does not see the first. Who decides where two differ sees both:
  a third officer, or a leader. The last word is the row's decision.
- All who gave a word have decided the row: none of them approves what comes of it (``releases.py``).
- A row that a leader returned begins anew.
- The ledger records the answers once the row is decided; of a first word only that it was given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from exchange.base.errors import Halt
from exchange.register.models import ReviewRow

DISPUTED: Final = 2
"""After so many words that differ, one more decides."""


@dataclass(frozen=True)
class Word:
    """What one officer said of a row: column → answer code; ``at``: ISO 8601, UTC."""

    by: str
    at: str
    answers: Mapping[str, str]
    reason: str
    note: str | None


def words_of(row: ReviewRow) -> list[Word]:
    """The words on a row beside the one that decided it, the first first."""
    return [Word(**given) for given in json.loads(row.earlier or "[]")]


def is_settled(row: ReviewRow, word: Word) -> bool:
    """Whether the row is decided with this word. Halt where the officer gave one already."""
    earlier = words_of(row)
    if word.by in {other.by for other in earlier}:
        msg = f"{row.batch_id} row {row.row}: you have given your word; another officer must look"
        raise Halt(msg, zh=f"{row.batch_id} 第 {row.row} 行您已核实，须由另一位民警办理")
    return len(earlier) >= DISPUTED or any(other.answers == word.answers for other in earlier)


def keep(row: ReviewRow, word: Word) -> None:
    """The word stands, and another officer is needed."""
    _write(row, [*words_of(row), word])


def without(row: ReviewRow, person: str) -> bool:
    """Takes this person's word back; False where there is none."""
    earlier = words_of(row)
    _write(row, [other for other in earlier if other.by != person])
    return len(words_of(row)) < len(earlier)


def _write(row: ReviewRow, words: list[Word]) -> None:
    row.earlier = json.dumps([asdict(given) for given in words], sort_keys=True) if words else None
    row.decided_with = [given.by for given in words] or None


def word(by: str, at: datetime, answers: Mapping[str, str], reason: str, note: str | None) -> Word:
    """A word as it is stored beside a row."""
    return Word(by, at.isoformat(), dict(answers), reason, note)
